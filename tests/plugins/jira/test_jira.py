from __future__ import annotations

import base64
import json
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema_rs import Draft4Validator
from pydantic import SecretStr, ValidationError

from app.sinks import Answer, AnyBinding, Binding, Item, Outcome, Sink, Verdict
from app.sinks.contract import SinkContract
from app.sinks.samples import odd_events, sample_event
from plugins.jira import Grouping, JiraConfig, JiraSecrets, JiraSink
from plugins.jira.document import MAX_DESCRIPTION
from plugins.jira.issue import own_label
from tests.catalogue import event, events, planted_in
from tests.golden import same_as_golden
from tests.plugins.everywhere import CHARACTERS, everywhere

SINK = JiraSink()
FAR = "https://" + "r" * 200 + ".example/" + "p" * 250
HERE = Path(__file__).parent
TOKEN = "ATATT3-not-a-real-token"
D, X, A, B = Verdict.DELIVERED, Verdict.REJECT, Verdict.RETRY, Verdict.SINK_BROKEN
S, T = Verdict.SPLIT, Verdict.THROTTLE


def bound(*, batch: bool = False, url: str = "https://example.atlassian.net", **config: Any) -> AnyBinding:
    given = {"email": "relay@example.com", "project": "NET", "console_url": "https://relaypoint.example"} | config
    secrets = JiraSecrets(api_token=SecretStr(TOKEN))
    return Binding("wh_1", "Jira", "607551", url, JiraConfig(**given), secrets, batch=batch)


def rendered(*names: str, **config: Any) -> dict[str, Any]:
    binding = bound(**config)
    request = SINK.build_request([SINK.format(event(name), binding) for name in names], binding)
    body: dict[str, Any] = orjson.loads(request.body)
    return body


@cache
def schema() -> Draft4Validator:
    """Atlassian's own schema of the document format."""
    return Draft4Validator(json.loads((HERE / "schemas" / "adf.json").read_text(encoding="utf-8")))


def problems(document: Any) -> list[str]:
    return [error.message for error in schema().iter_errors(document)]


def check(issue: dict[str, Any]) -> None:
    fields = issue["fields"]
    assert problems(fields["description"]) == []
    assert len(orjson.dumps(fields["description"])) <= 32_767
    assert 0 < len(fields["summary"]) <= 255
    assert "\n" not in fields["summary"]
    assert all(label and " " not in label and len(label) <= 255 for label in fields["labels"])
    assert len(orjson.dumps(issue["properties"][0]["value"])) <= 32_768


class TestJiraContract(SinkContract):
    @pytest.fixture
    def sink(self) -> Sink:
        return SINK

    @pytest.fixture(params=list(Grouping))
    def binding(self, request: pytest.FixtureRequest) -> AnyBinding:
        return bound(group_by=request.param)


@pytest.mark.parametrize("name", ["radius.access_restriction.open", "api_token.create"])
def test_an_issue_is_what_the_golden_file_shows(name: str) -> None:
    same_as_golden(HERE / "golden" / f"{name}.json", rendered(name, priority=True))


def test_an_issue_of_a_batch_is_what_the_golden_file_shows() -> None:
    same_as_golden(HERE / "golden" / "batch.json", rendered(*list(events())[20:24], batch=True))


@pytest.mark.parametrize("name", list(events()))
def test_every_change_of_the_catalogue_makes_a_valid_issue_without_a_secret(name: str) -> None:
    issue = rendered(name)
    check(issue)
    assert not planted_in(orjson.dumps(issue))


@pytest.mark.parametrize("size", [7, 50, 85])
def test_every_batch_of_the_catalogue_makes_valid_issues_without_a_secret(size: int) -> None:
    names = list(events())
    for start in range(0, len(names), size):
        part = names[start : start + size]
        one = rendered(*part, batch=True)
        check(one)
        many = rendered(*part[:50], batch=True, group_by=Grouping.EVENT)["issueUpdates"]
        assert len(many) == len(part[:50])
        check(many[0])
        assert not planted_in(orjson.dumps([one, many]))


@pytest.mark.parametrize("kind", list(odd_events()))
def test_an_odd_event_makes_a_valid_issue(kind: str) -> None:
    for batch, count in ((False, 1), (True, 3)):
        binding = bound(batch=batch)
        request = SINK.build_request([SINK.format(odd_events()[kind], binding)] * count, binding)
        check(orjson.loads(request.body))


@settings(max_examples=25, deadline=None)
@given(st.text(alphabet=st.sampled_from('{}"\\|*[]h.漢🔐 '), min_size=1, max_size=1500), st.integers(1, 60))
def test_however_long_the_texts_every_limit_holds(text: str, count: int) -> None:
    change = {"field": text, "path": None, "before": text, "after": text + "!", "secret": False}
    hostile = sample_event(description=text, actor={"email": text}, changes=[change] * 12)
    binding = bound(batch=True)
    issue = orjson.loads(SINK.build_request([SINK.format(hostile, binding)] * count, binding).body)
    check(issue)
    assert len(orjson.dumps(issue["fields"]["description"])) <= MAX_DESCRIPTION


@pytest.mark.parametrize("character", CHARACTERS)
@pytest.mark.parametrize("count", [1, 2, 50])
def test_the_longest_texts_in_every_place_at_once_still_fit(character: str, count: int) -> None:
    binding = bound(batch=True, console_url=FAR)
    item = SINK.format(everywhere(character * 2000, changes=15), binding)
    check(orjson.loads(SINK.build_request([item] * count, binding).body))


def test_a_batch_too_large_for_a_table_counts_the_rest() -> None:
    binding = bound(batch=True)
    items = [SINK.format(one, binding) for one in events().values()] * 5
    issue = orjson.loads(SINK.build_request(items, binding).body)
    check(issue)
    table, rest = issue["fields"]["description"]["content"][-2:]
    shown = len(table["content"]) - 1
    assert rest["content"][0]["text"].startswith(f"and {425 - shown} more: ")
    assert issue["properties"][0]["value"]["events"] == 425
    assert len(issue["properties"][0]["value"]["event_ids"]) == 300


def test_the_schema_refuses_spoiled_documents() -> None:
    good = rendered("org.mfa.disable")["fields"]["description"]
    assert problems(good) == []
    empty = {"type": "paragraph", "content": [{"type": "text", "text": ""}]}
    for spoiled in (
        "plain text",
        {"type": "doc", "content": good["content"]},
        good | {"content": [empty]},
        good | {"content": [{"type": "paragraf", "content": []}]},
        good | {"content": [{"type": "panel", "attrs": {"panelType": "red"}, "content": [empty]}]},
    ):
        assert problems(spoiled) != []


def test_the_account_stands_in_a_basic_authorization_that_history_masks() -> None:
    request = SINK.build_request([SINK.format(sample_event(), bound())], bound())
    pair = base64.b64encode(f"relay@example.com:{TOKEN}".encode()).decode()
    assert dict(request.headers)["authorization"] == f"Basic {pair}"
    assert request.secret_headers == {"authorization"}


@pytest.mark.parametrize(
    ("batch", "group_by", "path", "most"),
    [
        (False, Grouping.BATCH, "/rest/api/3/issue", 1),
        (False, Grouping.EVENT, "/rest/api/3/issue", 1),
        (True, Grouping.BATCH, "/rest/api/3/issue", 20_000),
        (True, Grouping.EVENT, "/rest/api/3/issue/bulk", 50),
    ],
)
def test_mode_and_grouping_choose_the_endpoint(*, batch: bool, group_by: Grouping, path: str, most: int) -> None:
    binding = bound(batch=batch, group_by=group_by)
    assert (
        SINK.build_request([SINK.format(sample_event(), binding)], binding).url
        == f"https://example.atlassian.net{path}"
    )
    assert SINK.limits(binding).max_events == most


@pytest.mark.parametrize(
    ("labels", "given"), [("", []), ("relaypoint", ["relaypoint"]), ("net radius", ["net", "radius"])]
)
def test_labels_are_separated_by_spaces(labels: str, given: list[str]) -> None:
    assert rendered("org.mfa.disable", labels=labels)["fields"]["labels"][:-1] == given


def test_the_same_events_carry_the_same_label_and_other_events_another() -> None:
    assert own_label(["evt_1"]) == "relaypoint-evt_1"
    assert own_label(["a b/c"]) == "relaypoint-a-b-c"
    assert own_label(["a", "b"]) == own_label(["b", "a"]) != own_label(["a", "c"])
    issue = rendered("org.mfa.disable")
    assert own_label([event("org.mfa.disable").id]) in issue["fields"]["labels"]
    assert issue["properties"] == [
        {"key": "relaypoint", "value": {"event_ids": [event("org.mfa.disable").id], "events": 1}}
    ]


def read(status: int, body: Any = b"", count: int = 1, headers: dict[str, str] | None = None, **bind: Any) -> Outcome:
    items = [Item(f"evt_{n}", b"{}") for n in range(count)]
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    return SINK.classify(Answer(status, headers or {}, raw), items, bound(**bind))


def fault(*fields: str) -> dict[str, Any]:
    return {"errorMessages": [], "errors": dict.fromkeys(fields, "is wrong")}


@pytest.mark.parametrize(
    ("status", "body", "verdict"),
    [
        (201, {"id": "1", "key": "NET-1", "self": "https://x"}, D),
        (200, b"<html>sign in</html>", B),
        (201, b"", B),
        (400, fault("project"), B),
        (400, fault("issuetype"), B),
        (400, fault("priority", "summary"), B),
        (400, fault("summary"), X),
        (400, fault("description"), X),
        (400, {"errorMessages": ["CONTENT_LIMIT_EXCEEDED"], "errors": {}}, X),
        (400, b"<html>", X),
        (401, b"", B),
        (403, b"", B),
        (404, b"", B),
        (413, b"", X),
        (429, b"", T),
        (302, b"", B),
        (500, b"", A),
        (503, b"", T),
    ],
)
def test_an_answer_means(status: int, body: Any, verdict: Verdict) -> None:
    assert read(status, body).verdict is verdict


def test_a_setting_at_fault_is_named_but_nothing_else_is_repeated() -> None:
    outcome = read(400, {"errors": {"customfield_10010": f"is required, {TOKEN}", f"x {TOKEN}": "y"}})
    assert "customfield_10010" in outcome.reason
    assert TOKEN not in outcome.reason


def test_a_bulk_answer_is_read_issue_by_issue() -> None:
    errors = [
        {"status": 400, "elementErrors": fault("summary"), "failedElementNumber": 1},
        {"status": 400, "elementErrors": fault("issuetype"), "failedElementNumber": 2},
    ]
    outcome = read(201, {"issues": [{"key": "NET-1"}], "errors": errors}, 3, batch=True, group_by="event")
    assert [item.verdict for item in outcome.items] == [D, X, B]
    refused = [{"status": 400, "elementErrors": fault("issuetype"), "failedElementNumber": 0}]
    outcome = read(400, {"issues": [], "errors": refused}, 1, batch=True, group_by="event")
    assert [item.verdict for item in outcome.items] == [B]


def test_all_of_a_bulk_made() -> None:
    body = {"issues": [{"key": "NET-1"}, {"key": "NET-2"}], "errors": []}
    assert read(201, body, 2, batch=True, group_by="event").verdict is D


@pytest.mark.parametrize(
    "body",
    [
        {"issues": [{"key": "NET-1"}], "errors": []},
        {"issues": [], "errors": [{"failedElementNumber": 9}, {"failedElementNumber": 0}]},
        {"issues": "many", "errors": []},
    ],
)
def test_a_bulk_answer_that_does_not_add_up_is_no_success(body: dict[str, Any]) -> None:
    assert read(201, body, 2, batch=True, group_by="event").verdict is B


def test_a_throttle_waits_as_long_as_jira_asks() -> None:
    assert read(429, headers={"retry-after": "33"}).retry_after_s == 33


def test_the_probe_asks_who_we_are() -> None:
    probe = SINK.probe(bound())
    assert probe is not None
    assert (probe.method, probe.url) == ("GET", "https://example.atlassian.net/rest/api/3/myself")
    assert read(200, {"accountId": "1"}, 0).verdict is D


@pytest.mark.parametrize(
    "config", [{"email": "nobody"}, {"project": "net"}, {"labels": " two  spaces"}, {"email": "a:b@c.example"}]
)
def test_wrong_settings_are_refused(config: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        JiraConfig(**({"email": "a@b.example", "project": "NET"} | config))
