from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from app.sinks import Answer, AnyBinding, Binding, Item, Outcome, Sink, Verdict, gunzip_body
from app.sinks.contract import SinkContract
from app.sinks.samples import sample_event
from plugins.elasticsearch import ElasticsearchConfig, ElasticsearchSecrets, ElasticsearchSink
from tests.catalogue import events, planted_in

SINK = ElasticsearchSink()
D, X, A, B, S = Verdict.DELIVERED, Verdict.REJECT, Verdict.RETRY, Verdict.SINK_BROKEN, Verdict.SPLIT


def bound(secrets: dict[str, str] | None = None, **config: Any) -> AnyBinding:
    own = ElasticsearchSecrets.model_validate({"api_key": "S2V5"} if secrets is None else secrets)
    settings = ElasticsearchConfig(**{"gzip": False} | config)
    return Binding("wh_1", "Search", "607551", "https://search.example:9200", settings, own, batch=True)


def read(status: int, body: Any, count: int = 1, *, truncated: bool = False) -> Outcome:
    items = [Item(f"evt_{n}", b"{}") for n in range(count)]
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    return SINK.classify(Answer(status, {"retry-after": "4"}, raw, truncated), items, bound())


def bulk(*results: int | tuple[int, str]) -> dict[str, Any]:
    pairs = [(one, "") if isinstance(one, int) else one for one in results]
    made = [{"create": {"status": status} | ({"error": {"type": kind}} if kind else {})} for status, kind in pairs]
    return {"errors": any(status >= 300 for status, _ in pairs), "items": made}


class TestElasticsearchContract(SinkContract):
    @pytest.fixture
    def sink(self) -> Sink:
        return SINK

    @pytest.fixture
    def binding(self) -> AnyBinding:
        return bound()


def test_a_request_is_pairs_of_lines_that_create_under_the_events_own_id() -> None:
    binding = bound(pipeline="geo")
    batch = list(events().values())
    request = SINK.build_request([SINK.format(event, binding) for event in batch], binding)
    assert request.body.endswith(b"\n")
    lines = [orjson.loads(line) for line in request.body.splitlines()]
    assert lines[::2] == [{"create": {"_id": event.id}} for event in batch]
    assert [line["@timestamp"] for line in lines[1::2]] == [event.data["occurred_at"] for event in batch]
    assert request.url == (
        "https://search.example:9200/logs-relaypoint.audit-default/_bulk"
        "?filter_path=errors%2Citems.%2A.status%2Citems.%2A.error.type&pipeline=geo"
    )
    assert request.headers == (("content-type", "application/x-ndjson"), ("authorization", "ApiKey S2V5"))
    assert planted_in(request.body) == []


def test_a_field_has_the_same_type_in_every_document_so_that_no_mapping_is_ever_contradicted() -> None:
    types: dict[str, set[type]] = {}

    def note(path: str, value: Any) -> None:
        if isinstance(value, dict):
            for name, inner in value.items():
                note(f"{path}.{name}", inner)
        elif isinstance(value, list):
            for inner in value:
                note(path, inner)
        elif value is not None:
            types.setdefault(path, set()).add(type(value))

    odd = [sample_event(changes=[{"before": value, "after": None}], metadata={"m": value}) for value in (1, "a", [{}])]
    for event in [*events().values(), *odd]:
        note("", orjson.loads(SINK.format(event, bound()).body.splitlines()[1]))
    assert {path: found for path, found in types.items() if len(found) > 1} == {}


@pytest.mark.parametrize(
    ("secrets", "header"),
    [
        ({}, None),
        ({"api_key": "S2V5"}, "ApiKey S2V5"),
        ({"basic_password": "p:w"}, "Basic cmVsYXk6cDp3"),
    ],
)
def test_each_way_to_authorize_is_one_masked_header(secrets: dict[str, str], header: str | None) -> None:
    request = SINK.build_request([Item("a", b"")], bound(secrets, basic_user="relay"))
    assert dict(request.headers).get("authorization") == header
    assert request.secret_headers == {"authorization"}


def test_two_ways_at_once_are_refused() -> None:
    with pytest.raises(ValidationError, match="not both"):
        ElasticsearchSecrets.model_validate({"api_key": "a", "basic_password": "b"})


@pytest.mark.parametrize("index", ["Upper", "-x", "_x", "a b", "a/b", "", "x" * 201, "a,b", "a*"])
def test_an_index_name_that_elasticsearch_refuses_is_refused(index: str) -> None:
    with pytest.raises(ValidationError):
        ElasticsearchConfig(index=index)


@pytest.mark.parametrize(
    ("result", "verdict"),
    [
        *[(status, D) for status in (200, 201, 409)],
        *[((status, ""), A) for status in (429, 500, 503)],
        ((400, "document_parsing_exception"), X),
        ((400, "something_new"), X),
        ((404, ""), X),
        ((404, "index_not_found_exception"), B),
        ((403, "security_exception"), B),
        ((403, "cluster_block_exception"), A),
        ((429, "es_rejected_execution_exception"), A),
    ],
)
def test_a_documents_own_status_means(result: int | tuple[int, str], verdict: Verdict) -> None:
    assert read(200, bulk(result)).verdict is verdict
    mixed = read(200, bulk(201, result, 409), 3)
    found = [one.verdict for one in mixed.items] or [mixed.verdict] * 3
    assert found == [D, verdict, D]


@pytest.mark.parametrize(
    ("status", "body", "count", "verdict"),
    [
        (200, {"errors": False, "items": []}, 3, D),
        (200, bulk(201, (404, "")), 3, A),
        (200, {"errors": True, "items": [7, None, {}]}, 3, A),
        (200, b"<html>sign in</html>", 1, B),
        (200, {"took": 3}, 1, B),
        (413, b"", 3, S),
        (413, b"", 1, X),
        (401, b"", 1, B),
        (403, b"", 1, B),
        (404, b"", 1, B),
        (400, b"", 1, X),
        (429, b"", 1, Verdict.THROTTLE),
        (502, b"", 1, A),
    ],
)
def test_the_answer_as_a_whole_means(status: int, body: Any, count: int, verdict: Verdict) -> None:
    assert read(status, body, count).verdict is verdict


def test_an_index_that_is_missing_for_all_pauses_the_webhook_once() -> None:
    missing = (404, "index_not_found_exception")
    outcome = read(200, bulk(missing, missing), 2)
    assert (outcome.verdict, outcome.items) == (B, ())


def test_an_answer_that_was_cut_is_asked_for_in_smaller_parts() -> None:
    assert read(200, b'{"errors":true,"items":[{"cre', 3, truncated=True).verdict is S
    assert read(200, b'{"errors":true,"items":[{"cre', 1, truncated=True).verdict is A


def test_a_full_answer_stays_below_what_the_host_keeps() -> None:
    longest = max(len(orjson.dumps(bulk((400, "mapper_parsing_exception"))["items"][0])), 0)
    assert longest * 700 < 64 * 1024


WORDS = st.sampled_from(["create", "status", "error", "type"])
ITEMS = st.recursive(
    st.none() | st.integers(-999, 999) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=8,
)


@given(st.integers(100, 599), ITEMS)
def test_any_reply_gives_one_outcome_per_item_or_one_for_all(status: int, results: Any) -> None:
    outcome = read(status, {"errors": True, "items": results}, 2)
    assert len(outcome.items) == (2 if outcome.verdict is Verdict.PARTIAL else 0)


def test_a_compressed_request_holds_the_same_lines() -> None:
    items = [SINK.format(event, bound()) for event in events().values()]
    packed = SINK.build_request(items, bound(gzip=True))
    assert gunzip_body(packed.body) == SINK.build_request(items, bound()).body
