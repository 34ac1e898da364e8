from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import orjson
import pytest
from pydantic import SecretStr, ValidationError

from app.sinks import Answer, AnyBinding, Binding, Item, OutboundRequest, Outcome, Sink, Verdict
from app.sinks.contract import SinkContract
from app.sinks.samples import odd_events, sample_event
from plugins.servicenow import Grouping, ServiceNowConfig, ServiceNowSecrets, ServiceNowSink, Target
from tests.catalogue import event, events, planted_in
from tests.golden import same_as_golden
from tests.plugins.everywhere import CHARACTERS, everywhere

SINK = ServiceNowSink()
FAR = "https://" + "r" * 200 + ".example/" + "p" * 250
GOLDEN = Path(__file__).parent / "golden"
PASSWORD = "p:w not-real"
COLUMNS = {"source", "event_class", "node", "resource", "type", "metric_name"}
D, X, A, B = Verdict.DELIVERED, Verdict.REJECT, Verdict.RETRY, Verdict.SINK_BROKEN
S, T = Verdict.SPLIT, Verdict.THROTTLE


def bound(*, batch: bool = False, token: str | None = None, **config: Any) -> AnyBinding:
    given = {"user": "relaypoint", "console_url": "https://relaypoint.example"} | config
    secrets = ServiceNowSecrets(password=SecretStr(PASSWORD), token=SecretStr(token) if token else None)
    url = "https://example.service-now.com"
    return Binding("wh_1", "Now", "607551", url, ServiceNowConfig(**given), secrets, batch=batch)


def sent(*names: str, **config: Any) -> OutboundRequest:
    binding = bound(**config)
    return SINK.build_request([SINK.format(event(name), binding) for name in names], binding)


class TestEventContract(SinkContract):
    @pytest.fixture
    def sink(self) -> Sink:
        return SINK

    @pytest.fixture
    def binding(self) -> AnyBinding:
        return bound(token="an-oauth-token")


class TestTableContract(SinkContract):
    @pytest.fixture
    def sink(self) -> Sink:
        return SINK

    @pytest.fixture(params=list(Grouping))
    def binding(self, request: pytest.FixtureRequest) -> AnyBinding:
        return bound(target=Target.TABLE, group_by=request.param)


def check_record(record: dict[str, Any]) -> None:
    assert all(isinstance(value, str) for value in record.values())
    assert all(0 < len(record[column]) <= 100 for column in COLUMNS)
    assert record["severity"] in {"1", "2", "3", "4", "5"}
    assert 0 < len(record["message_key"]) <= 1024
    assert 0 < len(record["description"]) <= 4000
    more = orjson.loads(record["additional_info"])
    assert all(isinstance(value, str) and value for value in more.values())
    assert set(record) <= COLUMNS | {
        "severity", "message_key", "description", "additional_info", "time_of_event",
    }  # fmt: skip


def check_row(row: dict[str, Any]) -> None:
    assert 0 < len(row["short_description"]) <= 160
    assert 0 < len(row["description"]) <= 4000
    assert 0 < len(row["correlation_id"]) <= 100


@pytest.mark.parametrize("name", list(events()))
def test_every_change_of_the_catalogue_makes_a_valid_record_and_row_without_a_secret(name: str) -> None:
    request = sent(name)
    (record,) = orjson.loads(request.body)["records"]
    check_record(record)
    row = sent(name, target=Target.TABLE)
    check_row(orjson.loads(row.body))
    assert not planted_in(request.body + row.body)


def test_the_whole_catalogue_in_one_batch_is_85_records_or_one_row() -> None:
    request = sent(*events(), batch=True)
    records = orjson.loads(request.body)["records"]
    assert [record["message_key"] for record in records] == [one.id for one in events().values()]
    row = sent(*events(), batch=True, target=Target.TABLE)
    check_row(orjson.loads(row.body))
    assert orjson.loads(row.body)["short_description"].startswith("Contoso: 85 changes, 50 sensitive")
    assert not planted_in(request.body + row.body)


@pytest.mark.parametrize("kind", list(odd_events()))
def test_an_odd_event_makes_a_valid_record_and_row(kind: str) -> None:
    for binding in (bound(), bound(target=Target.TABLE), bound(target=Target.TABLE, batch=True)):
        items = [SINK.format(odd_events()[kind], binding)] * (2 if binding.batch else 1)
        body = orjson.loads(SINK.build_request(items, binding).body)
        if "records" in body:
            check_record(body["records"][0])
        else:
            check_row(body)


@pytest.mark.parametrize("character", CHARACTERS)
def test_the_longest_texts_in_every_place_at_once_still_fit(character: str) -> None:
    event_of_length = everywhere(character * 2000, changes=15)
    for binding in (bound(console_url=FAR), bound(console_url=FAR, target=Target.TABLE, batch=True)):
        item = SINK.format(event_of_length, binding)
        for count in (1, 30):
            body = orjson.loads(SINK.build_request([item] * count, binding).body)
            if "records" in body:
                check_record(body["records"][0])
            else:
                check_row(body)


def test_a_record_and_a_row_are_what_the_golden_files_show() -> None:
    same_as_golden(GOLDEN / "em_event.json", orjson.loads(sent("radius.access_restriction.open").body))
    same_as_golden(GOLDEN / "incident.json", orjson.loads(sent("trusted_ca.remove", target=Target.TABLE).body))
    batch = sent(*list(events())[20:24], target=Target.TABLE, batch=True)
    same_as_golden(GOLDEN / "incident-of-a-batch.json", orjson.loads(batch.body))


@pytest.mark.parametrize(
    ("config", "batch", "path", "most"),
    [
        ({}, False, "/api/global/em/jsonv2", 1),
        ({}, True, "/api/global/em/jsonv2", 500),
        ({"target": "table"}, False, "/api/now/table/incident", 1),
        ({"target": "table", "table": "u_audit"}, True, "/api/now/table/u_audit", 20_000),
        ({"target": "table", "group_by": "event"}, True, "/api/now/table/incident", 1),
    ],
)
def test_target_mode_and_grouping_choose_the_endpoint(
    config: dict[str, Any], *, batch: bool, path: str, most: int
) -> None:
    binding = bound(batch=batch, **config)
    request = SINK.build_request([SINK.format(sample_event(), binding)], binding)
    assert request.url == f"https://example.service-now.com{path}"
    assert SINK.limits(binding).max_events == most


def test_a_repeated_event_has_the_same_key_and_a_repeated_batch_the_same_correlation() -> None:
    names = list(events())[:3]
    first, second = (orjson.loads(sent(*order, batch=True, target="table").body) for order in (names, names[::-1]))
    assert first["correlation_id"] == second["correlation_id"]
    other = orjson.loads(sent(*names[:2], batch=True, target="table").body)
    assert other["correlation_id"] != first["correlation_id"]


def test_a_token_goes_before_user_and_password() -> None:
    basic = dict(sent("org.mfa.disable").headers)["authorization"]
    assert base64.b64decode(basic.removeprefix("Basic ")).decode() == f"relaypoint:{PASSWORD}"
    bearer = sent("org.mfa.disable", token="an-oauth-token")
    assert dict(bearer.headers)["authorization"] == "Bearer an-oauth-token"
    assert bearer.secret_headers == {"authorization"}


def read(status: int, body: bytes = b"", count: int = 1, headers: dict[str, str] | None = None) -> Outcome:
    items = [Item(f"evt_{n}", b"{}") for n in range(count)]
    return SINK.classify(Answer(status, headers or {}, body), items, bound())


@pytest.mark.parametrize(
    ("status", "body", "verdict"),
    [
        (200, b'{"result":{"Default Bulk Endpoint":"1 events were inserted"}}', D),
        (201, b'{"result":{"sys_id":"1c741bd70b2322007518478d83673af3"}}', D),
        (200, b"<html>Your instance is hibernating</html>", B),
        (200, b'{"error":{"message":"x"},"status":"failure"}', B),
        (200, b"", B),
        (400, b"", X),
        (401, b"", B),
        (403, b"", B),
        (404, b"", B),
        (413, b"", X),
        (422, b"", X),
        (429, b"", T),
        (500, b"", A),
        (302, b"", B),
        (503, b"", T),
    ],
)
def test_an_answer_means(status: int, body: bytes, verdict: Verdict) -> None:
    assert read(status, body).verdict is verdict


def test_a_refused_request_of_several_is_halved() -> None:
    assert [read(status, b"", 4).verdict for status in (400, 413)] == [S, S]


def test_a_throttle_waits_as_long_as_servicenow_asks() -> None:
    assert read(429, headers={"retry-after": "12"}).retry_after_s == 12


def test_the_probe_reads_the_table_that_is_written_to() -> None:
    probe = SINK.probe(bound(target=Target.TABLE))
    assert probe is not None
    assert probe.url == "https://example.service-now.com/api/now/table/incident?sysparm_limit=1&sysparm_fields=sys_id"


@pytest.mark.parametrize("config", [{"table": "../sys_user"}, {"table": "Incident"}, {"user": "a:b"}, {"source": ""}])
def test_wrong_settings_are_refused(config: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ServiceNowConfig(**config)
