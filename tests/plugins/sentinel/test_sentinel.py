from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from pydantic import SecretStr, ValidationError

from app.sinks import Answer, AnyBinding, Binding, Item, Reject, Sink, Verdict, gunzip_body
from app.sinks.contract import SinkContract
from app.sinks.samples import sample_event
from plugins import sentinel
from plugins.sentinel import SentinelConfig, SentinelSecrets, SentinelSink
from plugins.sentinel.row import CUT, MAX_FIELD_BYTES
from tests.catalogue import events, planted_in

SINK = SentinelSink()
D, X, A, B, S = Verdict.DELIVERED, Verdict.REJECT, Verdict.RETRY, Verdict.SINK_BROKEN, Verdict.SPLIT
IDS = {
    "dcr_id": "dcr-00112233445566778899aabbccddeeff",
    "tenant_id": "11111111-2222-3333-4444-555555555555",
    "client_id": "66666666-7777-8888-9999-000000000000",
}
URL = "https://x.ingest.monitor.azure.com"
COLUMNS = {
    column["name"]: column["type"]
    for column in orjson.loads((Path(sentinel.__file__).parent / "table.json").read_bytes())["properties"]["schema"][
        "columns"
    ]
}
TYPES = {"datetime": str, "string": str, "int": int, "boolean": bool}


def bound(**config: Any) -> AnyBinding:
    settings = SentinelConfig.model_validate(IDS | {"gzip": False} | config)
    secrets = SentinelSecrets.model_validate({"client_secret": "s3n&tinel"})
    return Binding("wh_1", "S", "607551", URL, settings, secrets, batch=True, access_token=SecretStr("at-1"))


class TestSentinelContract(SinkContract):
    @pytest.fixture
    def sink(self) -> Sink:
        return SINK

    @pytest.fixture
    def binding(self) -> AnyBinding:
        return bound()


def test_a_single_row_is_still_an_array_at_the_rules_own_address() -> None:
    request = SINK.build_request([SINK.format(sample_event("evt_1"), bound())], bound())
    assert [row["EventId"] for row in orjson.loads(request.body)] == ["evt_1"]
    assert request.url == (
        f"{URL}/dataCollectionRules/{IDS['dcr_id']}/streams/Custom-Relaypoint_CL?api-version=2023-01-01"
    )
    assert request.headers == (("content-type", "application/json"), ("authorization", "Bearer at-1"))
    assert request.secret_headers == {"authorization"}


def test_every_row_fits_the_table_that_the_sink_declares() -> None:
    items = [SINK.format(event, bound()) for event in events().values()]
    body = SINK.build_request(items, bound()).body
    assert planted_in(body) == []
    for row in orjson.loads(body):
        check_row(row)
    assert gunzip_body(SINK.build_request(items, bound(gzip=True)).body) == body


def check_row(row: dict[str, Any]) -> None:
    assert list(row) == list(COLUMNS)
    assert row["TimeGenerated"]
    assert all(value is None or type(value) is TYPES[COLUMNS[name]] for name, value in row.items())


def test_the_check_of_a_row_refuses_a_spoiled_one() -> None:
    row = orjson.loads(SINK.format(sample_event(), bound()).body)
    for spoiled in ({**row, "Sensitivity": "5"}, {**row, "New": "x"}, {**row, "TimeGenerated": ""}):
        with pytest.raises(AssertionError):
            check_row(spoiled)


@pytest.mark.parametrize("letter", ["x", "é", "🔐"])
def test_a_long_field_is_cut_with_a_mark_instead_of_silently(letter: str) -> None:
    row = orjson.loads(SINK.format(sample_event(description=letter * (MAX_FIELD_BYTES + 1)), bound()).body)
    assert row["Description"].endswith(CUT)
    assert MAX_FIELD_BYTES - 4 < len(row["Description"].encode()) <= MAX_FIELD_BYTES


def test_an_event_without_a_time_is_rejected() -> None:
    assert isinstance(SINK.format(sample_event(occurred_at=None), bound()), Reject)


@pytest.mark.parametrize(
    ("cloud", "host", "scope"),
    [
        ("public", "login.microsoftonline.com", "monitor.azure.com"),
        ("us_government", "login.microsoftonline.us", "monitor.azure.us"),
        ("china", "login.partner.microsoftonline.cn", "monitor.azure.cn"),
    ],
)
def test_the_token_comes_from_the_clouds_own_login(cloud: str, host: str, scope: str) -> None:
    asked = SINK.token_request(bound(cloud=cloud))
    assert asked.url == f"https://{host}/{IDS['tenant_id']}/oauth2/v2.0/token"
    assert asked.body == (
        b"grant_type=client_credentials&client_id=66666666-7777-8888-9999-000000000000&client_secret=s3n%26tinel"
        b"&scope=https%3A%2F%2F" + scope.encode() + b"%2F.default"
    )


@pytest.mark.parametrize(
    ("status", "sizes", "verdict"),
    [
        (204, [9], D),
        (200, [9], B),
        (401, [9], B),
        (403, [9], B),
        (404, [9], B),
        (404, [9, 9], B),
        (404, [200_000, 200_000], S),
        (404, [400_000], B),
        (413, [9, 9], S),
        (413, [9], X),
        (400, [9], X),
        (429, [9], Verdict.THROTTLE),
        (503, [9], Verdict.THROTTLE),
    ],
)
def test_an_answer_means(status: int, sizes: list[int], verdict: Verdict) -> None:
    items = [Item(f"e{n}", b"x" * size) for n, size in enumerate(sizes)]
    assert SINK.classify(Answer(status, {}, b""), items, bound()).verdict is verdict


def test_the_probe_is_an_empty_array_once_there_is_a_token() -> None:
    probe = SINK.probe(bound())
    assert probe is not None
    assert probe.body == b"[]"
    assert SINK.probe(replace(bound(), access_token=None)) is None


@pytest.mark.parametrize("wrong", [{"dcr_id": "dcr-1"}, {"stream": "Custom-a/b"}, {"tenant_id": "common"}])
def test_ids_that_would_change_the_address_are_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        SentinelConfig.model_validate(IDS | wrong)
