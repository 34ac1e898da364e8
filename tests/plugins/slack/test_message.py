"""What people read: golden files, every limit, and nothing audited that Slack would take for markup."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from slack_sdk.errors import SlackObjectFormationError
from slackblocks.errors import InvalidUsageError

from app.sinks import Changed, Story, tell
from app.sinks.samples import canonical, odd_events, sample_event
from plugins.slack.blocks import MAX_BLOCKS, MAX_TOTAL, Stack, header, section
from plugins.slack.markup import code, escape, fitted, said
from plugins.slack.message import Look, message
from tests.catalogue import event, events, planted_in
from tests.golden import same_as_golden
from tests.plugins.everywhere import everywhere
from tests.plugins.slack.validators import accepted, accepted_by_slack_sdk, accepted_by_slackblocks

GOLDEN = Path(__file__).parent / "golden"
LOOK = Look("https://relaypoint.example")
STORY = tell(sample_event("evt_1"))
HOSTILE = [
    "<!channel>",
    "<!here|here>",
    "<@U012AB3CD>",
    "<#C012AB3CD>",
    "<https://evil.example|https://bank.example>",
    "https://evil.example/collect",
    "mailto:a@b.example",
    "*bold*",
    "_italic_",
    "~gone~",
    "`code`",
    "```block```",
    "a`<!channel>`b",
    ":rotating_light:",
    "&lt;!channel&gt;",
    "&amp;",
    "> quote",
    "*\n_`~",
]
CODE = re.compile(r"`[^`\n]+`")
OURS = re.compile(
    r"<https://relaypoint\.example/events(/[A-Za-z0-9_%.~-]+)?\|(Open|Open in Relaypoint|Open Relaypoint)>"
    r"|<!date\^\d+\^[{}a-z_, ]+\|[0-9: -]+UTC>"
)


def texts_of(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for block in blocks:
        found += [block["text"]] if "text" in block else []
        found += block.get("fields", []) + block.get("elements", [])
    return found


def told(names: list[str]) -> list[Story]:
    return [tell(event(name)) for name in names]


@pytest.mark.parametrize(
    "name",
    [
        "radius.access_restriction.open",
        "radius.client_secret.rotate",
        "trusted_ca.upload",
        "system.entra_sync.group_missing",
    ],
)
def test_a_message_is_what_the_golden_file_shows(name: str) -> None:
    same_as_golden(GOLDEN / f"{name}.json", message(told([name]), LOOK))


def test_a_digest_is_what_the_golden_file_shows() -> None:
    same_as_golden(GOLDEN / "digest.json", message(told(list(events())[20:34]), LOOK))


def test_without_a_console_there_are_no_links_and_the_message_still_stands() -> None:
    same_as_golden(GOLDEN / "digest-without-console.json", message(told(list(events())[:3]), Look()))


@pytest.mark.parametrize("name", list(events()))
def test_every_change_of_the_catalogue_makes_an_accepted_message_without_a_secret(name: str) -> None:
    made = message(told([name]), LOOK)
    accepted(made)
    assert not planted_in(orjson.dumps(made))


@pytest.mark.parametrize("size", [2, 7, 12, 85])
def test_every_batch_of_the_catalogue_makes_an_accepted_digest_without_a_secret(size: int) -> None:
    names = list(events())
    for start in range(0, len(names), size):
        made = message(told(names[start : start + size]), LOOK)
        accepted(made)
        assert not planted_in(orjson.dumps(made))


@pytest.mark.parametrize("kind", list(odd_events()))
def test_an_odd_event_makes_an_accepted_message(kind: str) -> None:
    accepted(message([tell(odd_events()[kind])], LOOK))
    accepted(message([tell(odd_events()[kind])] * 3, LOOK))


def test_the_validators_refuse_spoiled_messages() -> None:
    good = message([STORY], LOOK)
    accepted(good)
    long = [section("x" * 3001)], [{"type": "section", "fields": [{"type": "mrkdwn", "text": "x"}] * 11}]
    for blocks in (*long, [{"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}]):
        with pytest.raises(SlackObjectFormationError):
            accepted_by_slack_sdk(blocks)
    for blocks in (*long, [section("")], [{"type": "section", "fields": [{"type": "mrkdwn", "text": "x" * 2001}]}]):
        with pytest.raises(InvalidUsageError):
            accepted_by_slackblocks({"text": "x", "blocks": blocks})
    with pytest.raises(InvalidUsageError):
        accepted_by_slackblocks({"text": "x", "blocks": [section("x")] * 51})
    with pytest.raises(AssertionError):
        accepted_by_slack_sdk([{"type": "sektion", "text": {"type": "mrkdwn", "text": "x"}}])


def check_harmless(made: dict[str, Any], hostile: str) -> None:
    """Outside code spans there is no markup but ours, and everywhere the three characters are entities."""
    for text in texts_of(made["blocks"]):
        if text["type"] == "plain_text":
            assert text["emoji"] is False
            continue
        assert text["verbatim"] is True
        ours_removed = OURS.sub("", text["text"])
        assert "<" not in ours_removed
        assert ">" not in ours_removed
        assert not re.search(r"&(?!amp;|lt;|gt;)", ours_removed)
        assert ours_removed.count("`") % 2 == 0
        bare = CODE.sub("", ours_removed)
        assert "`" not in bare
        assert escape(hostile) not in bare.replace("*Who*", "").replace("*What*", "")
    assert "<" not in made["text"]
    assert ">" not in made["text"]


@pytest.mark.parametrize("hostile", HOSTILE)
def test_audited_text_is_never_markup(hostile: str) -> None:
    story = tell(everywhere(hostile))
    for made in (message([story], LOOK), message([story] * 12, LOOK)):
        check_harmless(made, hostile.replace("\n", " "))
        accepted(made)


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet=st.sampled_from("<>&`*_~|!@#:/ ab1\n"), min_size=3, max_size=40))
def test_any_text_stands_without_becoming_markup(text: str) -> None:
    for made in (message([tell(everywhere(text))], LOOK), message([tell(everywhere(text))] * 2, LOOK)):
        for one in texts_of(made["blocks"]):
            bare = CODE.sub("", OURS.sub("", one["text"])) if one["type"] == "mrkdwn" else ""
            assert not re.search(r"[<>`]", bare)
            for word in re.findall(r"[*_~]\S|\S[*_~]", re.sub(r"\*[^*\n]*\*", "", bare)):
                assert re.fullmatch(r"_[a-z0-9]|[a-z0-9]_", word)


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet=st.sampled_from("<&x漢🔐`"), min_size=1, max_size=2000), st.integers(1, 25))
def test_however_long_the_texts_every_limit_holds(text: str, count: int) -> None:
    for made in (
        message([tell(everywhere(text))], LOOK),
        message([tell(everywhere(text))] * count, Look(digest_lines=20)),
    ):
        assert len(made["blocks"]) <= 50
        assert len(orjson.dumps(made["blocks"])) <= MAX_TOTAL
        assert 0 < len(made["text"]) <= 2000
        accepted(made)


@pytest.mark.parametrize("character", ["&", "<", "`", "_", "漢", "🔐", '"'])
@pytest.mark.parametrize("count", [1, 2, 30])
def test_the_longest_texts_in_every_place_at_once_still_fit(character: str, count: int) -> None:
    story = replace(tell(everywhere(character * 2000)), event_id="9" * 100)
    far = Look("https://" + "r" * 200 + ".example/" + "p" * 250, digest_lines=20)
    made = message([story] * count, far)
    accepted(made)
    assert max(len(text["text"]) for text in texts_of(made["blocks"])) <= 3000
    assert len(orjson.dumps(made["blocks"])) <= MAX_TOTAL


@pytest.mark.parametrize(("length", "whole"), [(98, True), (99, False)])
def test_a_code_span_fits_its_room_to_the_character(length: int, whole: bool) -> None:  # noqa: FBT001 - a table of cases
    span = code("x" * length, 100)
    assert len(span) == 100 if whole else 99 <= len(span) <= 100
    assert span.endswith("…`") is not whole


@pytest.mark.parametrize("room", range(5, 40))
def test_a_cut_never_stands_inside_an_entity(room: int) -> None:
    shown = fitted("<>&" * 50, room)
    assert len(shown) <= room
    assert re.fullmatch(r"(&lt;|&gt;|&amp;)*…", shown)


def test_a_header_keeps_its_limit_at_the_edge() -> None:
    for length in (139, 140, 141, 150, 151):
        assert len(header("x" * length)["text"]["text"]) == min(length, 140)


def test_the_fiftieth_block_is_the_footer() -> None:
    stack = Stack(section("end"))
    taken = [stack.put(section("x")) for _ in range(60)]
    assert taken == [True] * 49 + [False] * 11
    assert len(stack.blocks()) == MAX_BLOCKS


def test_the_sum_of_all_blocks_is_capped_to_the_byte() -> None:
    def put(length: int) -> bool:
        stack = Stack(section("end"))
        for _ in range(4):
            assert stack.put(section("x" * 2600))
        return stack.put(section("x" * length))

    longest = max(length for length in range(1, 3000) if put(length))
    assert not put(longest + 1)
    blocks = [section("end"), *[section("x" * 2600)] * 4, section("x" * longest)]
    assert MAX_TOTAL - 6 * 42 <= len(orjson.dumps(blocks)) <= MAX_TOTAL


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("HQ Dot1x", "HQ Dot1x"),
        ("first_last@example.com", "first_last@example.com"),
        ("_private", "`_private`"),
        ("a:b", "`a:b`"),
        ("Zürich, Büro 漢字", "Zürich, Büro 漢字"),
        ("it`s", "`it\u02cbs`"),
        ("R&D", "`R&amp;D`"),
    ],
)
def test_a_harmless_text_stands_bare_and_any_other_in_a_code_span(text: str, shown: str) -> None:
    assert said(text, 100) == shown


def test_more_changes_than_fit_are_counted() -> None:
    change = Changed("Setting", "<" * 400, "<" * 400)
    story = replace(STORY, changes=(change,) * 10, more_changes=5)
    blocks = message([story], LOOK)["blocks"]
    shown = sum("*Setting*" in block.get("text", {}).get("text", "") for block in blocks)
    assert 0 < shown < 10
    assert {"type": "mrkdwn", "text": f"and {15 - shown} more changed settings", "verbatim": True} in blocks[-2][
        "elements"
    ]


def test_a_digest_says_how_many_are_not_shown() -> None:
    shown = message([STORY] * 12, Look(digest_lines=8))
    assert shown["blocks"][-1]["elements"][0]["text"] == "and 4 more: 4 critical"
    assert shown["text"].startswith(
        "🔴 Contoso: 12 changes, 12 sensitive, 12 outside the change window. First: Updated"
    )


def test_the_change_window_is_told_only_if_it_is_known() -> None:
    texts = [
        str(message([tell(sample_event(outside_change_window=known))], LOOK)["blocks"]) for known in (True, False, None)
    ]
    assert ["Outside the change window" in text for text in texts] == [True, False, False]
    assert ["Inside a change window" in text for text in texts] == [False, True, False]


def test_a_digest_over_more_than_a_night_gives_each_event_its_day() -> None:
    later = tell(sample_event("evt_2", occurred_at="2026-04-20T02:34:56Z"))
    assert str(message([STORY, later], LOOK)["blocks"]).count("date_short_pretty") == 4
    assert str(message([STORY, STORY], LOOK)["blocks"]).count("date_short_pretty") == 1


def test_links_quote_the_id_of_the_event() -> None:
    odd = tell(sample_event("a|b>/..?c"))
    footer = message([replace(odd, event_id="a|b>/..?c")], LOOK)["blocks"][-1]["elements"][0]["text"]
    assert "<https://relaypoint.example/events/a%7Cb%3E%2F..%3Fc|Open in Relaypoint>" in footer
    assert canonical("x")["id"] == "x"
