from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import adaptive_cards
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema_rs import Draft6Validator

from app.sinks import Answer, AnyBinding, Binding, Item, NoSecrets, Outcome, Sink, Verdict
from app.sinks.contract import SinkContract
from app.sinks.samples import odd_events, sample_event
from plugins.teams import TeamsConfig, TeamsSink
from plugins.teams.card import MAX_CARD, VERSION
from tests.catalogue import event, events, planted_in
from tests.golden import same_as_golden
from tests.plugins.everywhere import CHARACTERS, everywhere

SINK = TeamsSink()
FAR = "https://" + "r" * 200 + ".example/" + "p" * 250
FLOW = "https://prod-1.westeurope.logic.azure.com/workflows/s3cretpath/triggers/manual/paths/invoke?sig=s3cret"
GOLDEN = Path(__file__).parent / "golden"
D, X, A, B = Verdict.ACCEPTED_UNCONFIRMED, Verdict.REJECT, Verdict.RETRY, Verdict.SINK_BROKEN
S, T = Verdict.SPLIT, Verdict.THROTTLE


def bound(*, batch: bool = False, **config: Any) -> AnyBinding:
    config = {"console_url": "https://relaypoint.example"} | config
    return Binding("wh_1", "Ops", "607551", FLOW, TeamsConfig(**config), NoSecrets(), batch=batch)


def rendered(*names: str, **config: Any) -> dict[str, Any]:
    binding = bound(batch=True, **config)
    request = SINK.build_request([SINK.format(event(name), binding) for name in names], binding)
    body: dict[str, Any] = orjson.loads(request.body)
    return body


@cache
def schema() -> Draft6Validator:
    """Microsoft's schema of the version that our cards name."""
    file = Path(adaptive_cards.__file__).parent / "schemas" / f"schema-{VERSION}.json"
    return Draft6Validator(json.loads(file.read_text(encoding="utf-8")))


def problems(card: dict[str, Any]) -> list[str]:
    """What Microsoft's schema has against a card, but for ``msteams``, which only Teams knows."""
    known = {name: value for name, value in card.items() if name != "msteams"}
    return [error.message for error in schema().iter_errors(known)]


def check(body: dict[str, Any]) -> None:
    assert set(body) == {"type", "attachments"}
    (attachment,) = body["attachments"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    assert problems(attachment["content"]) == []
    assert len(orjson.dumps(body)) <= 28 * 1024


def texts(node: Any) -> list[tuple[str, str]]:
    """(type, text) of everything in a card that shows text."""
    if isinstance(node, list):
        return [found for one in node for found in texts(one)]
    if not isinstance(node, dict):
        return []
    own = [(node["type"], node["text"])] if "text" in node else []
    return own + [found for value in node.values() for found in texts(value)]


class TestTeamsContract(SinkContract):
    @pytest.fixture
    def sink(self) -> Sink:
        return SINK

    @pytest.fixture
    def binding(self) -> AnyBinding:
        return bound()


@pytest.mark.parametrize("name", ["radius.access_restriction.open", "radius.client_secret.rotate"])
def test_a_card_is_what_the_golden_file_shows(name: str) -> None:
    same_as_golden(GOLDEN / f"{name}.json", rendered(name))


def test_a_digest_is_what_the_golden_file_shows() -> None:
    same_as_golden(GOLDEN / "digest.json", rendered(*list(events())[20:26], digest_lines=3))


@pytest.mark.parametrize("name", list(events()))
def test_every_change_of_the_catalogue_makes_a_valid_card_without_a_secret(name: str) -> None:
    body = rendered(name)
    check(body)
    assert not planted_in(orjson.dumps(body))


@pytest.mark.parametrize("size", [7, 85])
def test_every_batch_of_the_catalogue_makes_a_valid_digest_without_a_secret(size: int) -> None:
    names = list(events())
    for start in range(0, len(names), size):
        body = rendered(*names[start : start + size], digest_lines=20)
        check(body)
        assert not planted_in(orjson.dumps(body))


@pytest.mark.parametrize("kind", list(odd_events()))
def test_an_odd_event_makes_a_valid_card(kind: str) -> None:
    for count in (1, 3):
        binding = bound(batch=True)
        request = SINK.build_request([SINK.format(odd_events()[kind], binding)] * count, binding)
        check(orjson.loads(request.body))


def test_the_schema_refuses_spoiled_cards() -> None:
    card = rendered("org.mfa.disable")["attachments"][0]["content"]
    assert problems(card) == []
    for spoiled in (
        card | {"body": [{"type": "RichTextBlok", "inlines": []}]},
        card | {"body": [{"type": "TextBlock"}]},
        card | {"body": [{"type": "TextBlock", "text": "x", "color": "red"}]},
        card | {"actions": [{"type": "Action.OpenUrl", "title": "x"}]},
        card | {"colour": "red"},
    ):
        assert problems(spoiled) != []


@settings(max_examples=40, deadline=None)
@given(st.text(alphabet=st.sampled_from("*_[]()#`~\\<>!-{}DATEx漢🔐"), min_size=1, max_size=1500))
def test_audited_text_stands_only_where_teams_knows_no_markup_and_the_card_always_fits(text: str) -> None:
    change = {"field": text, "path": None, "before": text, "after": text + "!", "secret": False}
    place = {"id": text, "name": text}
    hostile = sample_event(
        description=text, actor={"email": text}, context=place, organization=place, entity=place, changes=[change] * 12
    )
    for count in (1, 20):
        binding = bound(batch=True, digest_lines=20)
        request = SINK.build_request([SINK.format(hostile, binding)] * count, binding)
        body = orjson.loads(request.body)
        check(body)
        assert len(request.body) <= MAX_CARD + 1000
        for kind, shown in texts(body):
            assert kind == "TextRun" or shown.startswith("**When**  {{DATE(2026-04-19T02:34:56Z, SHORT)}}")


@pytest.mark.parametrize("character", CHARACTERS)
@pytest.mark.parametrize("count", [1, 2, 30])
def test_the_longest_texts_in_every_place_at_once_still_fit(character: str, count: int) -> None:
    binding = bound(batch=True, digest_lines=20, console_url=FAR)
    item = SINK.format(everywhere(character * 2000, changes=15), binding)
    check(orjson.loads(SINK.build_request([item] * count, binding).body))


def read(status: int, body: str = "", count: int = 1, headers: dict[str, str] | None = None) -> Outcome:
    items = [Item(f"evt_{n}", b"{}") for n in range(count)]
    return SINK.classify(Answer(status, headers or {}, body.encode()), items, bound())


@pytest.mark.parametrize(
    ("status", "body", "verdict"),
    [
        (202, "", D),
        (200, "1", D),
        (200, "<html>sign in</html>", B),
        (200, "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 429", T),
        (200, "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 400", X),
        (200, "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 413", X),
        (200, "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 503", T),
        (200, "Webhook message delivery failed with error: HTTP error 200", A),
        (200, "delivery failed with error", A),
        (400, '{"error":{"code":"TriggerInputSchemaMismatch","message":"x"}}', X),
        (400, '{"error":{"code":"WorkflowTriggerIsNotEnabled","message":"x"}}', B),
        (400, "", X),
        (401, '{"error":{"code":"DirectApiAuthorizationRequired"}}', B),
        (403, "", B),
        (404, '{"error":{"code":"WorkflowNotFound"}}', B),
        (410, "", B),
        (302, "", B),
        (413, "", X),
        (429, "", T),
        (500, "", A),
        (502, '{"error":{"code":"NoResponse"}}', A),
    ],
)
def test_an_answer_means(status: int, body: str, verdict: Verdict) -> None:
    assert read(status, body).verdict is verdict


def test_a_success_says_that_it_is_not_certain() -> None:
    assert "run history" in read(202).reason


def test_a_faulty_digest_is_halved() -> None:
    assert [read(status, "", 4).verdict for status in (400, 413)] == [S, S]


def test_a_throttle_waits_as_long_as_teams_asks() -> None:
    assert read(429, headers={"retry-after": "17"}).retry_after_s == 17


def test_four_cards_a_second_and_a_whole_batch_in_one() -> None:
    assert (SINK.limits(bound()).max_events, SINK.limits(bound()).rate_per_s) == (1, 4)
    assert SINK.limits(bound(batch=True)).max_events == 20_000
