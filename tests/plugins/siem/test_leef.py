"""LEEF 2.0, read by the only other parser there is."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.sinks.samples import odd_events, sample_event
from tests import catalogue
from tests.npm import Node
from tests.plugins.siem.rendering import record

PARSE = """
const leef = require("nsyslog-parser/leef.js");
process.stdout.write(JSON.stringify(input.map(text => leef.parse(text))));
"""
HOSTILE = st.text(
    st.one_of(st.sampled_from("|^\\=\n\r\t\x00é\u2028🔐"), st.characters(exclude_categories=["Cs"])), max_size=60
)


def parsed(node: Node, records: list[str]) -> list[dict[str, Any]]:
    """It knows no hexadecimal delimiter; an empty field means tab to it."""
    answer: list[dict[str, Any]] = node.ask(PARSE, [text.replace("|x09|", "||", 1) for text in records])
    return answer


@pytest.mark.parametrize("delimiter", ["tab", "caret"])
def test_every_action_of_the_catalogue_is_read_back(node: Node, delimiter: str) -> None:
    events = [*catalogue.events().values(), *odd_events().values()]
    for event, found in zip(
        events, parsed(node, [record(one, "leef", leef_delimiter=delimiter) for one in events]), strict=True
    ):
        assert found["headers"]["leefVersion"] == "LEEF:2.0"
        assert found["headers"]["vendor"] == "Netgraph"
        assert found["fields"]["eventId"] == event.id
        assert found["fields"]["eventType"] == event.type
        assert 2 <= int(found["fields"]["sev"]) <= 10
        assert not {None, ""} & set(found["fields"].values())


def test_the_parser_does_not_find_the_fields_of_a_spoiled_record(node: Node) -> None:
    good = record(sample_event("evt_1"), "leef")
    for spoiled in (good.replace("\t", " "), good.replace("|x09|", "|"), good.replace("|Netgraph", "", 1)):
        (found,) = parsed(node, [spoiled])
        assert found["fields"].get("eventId") != "evt_1"


def test_the_header_names_the_delimiter_and_a_stable_event() -> None:
    event = sample_event("evt_1")
    assert record(event, "leef").startswith("LEEF:2.0|Netgraph|EntryPoint|1.0|ip_allowlist.update|x09|devTime=")
    assert record(event, "leef", leef_delimiter="caret").startswith(
        "LEEF:2.0|Netgraph|EntryPoint|1.0|ip_allowlist.update|^|devTime=1776566096118^cat=entrypoint^sev=10^"
    )


@given(HOSTILE, HOSTILE, st.sampled_from(["tab", "caret"]))
def test_no_text_breaks_out_of_its_attribute_and_no_key_repeats(text: str, value: str, delimiter: str) -> None:
    change = {"path": text, "field": "f", "before": value, "after": text}
    event = sample_event(
        "evt_1", description=text, action=value, entity={"type": text, "id": value, "name": text}, changes=[change]
    )
    written = record(event, "leef", leef_delimiter=delimiter)
    assert not set(written) & set("\n\r\x00\u2028")
    header, _, attributes = written.partition("|x09|" if delimiter == "tab" else "|^|")
    assert header.count("|") == 4
    pairs = [pair.partition("=") for pair in attributes.split("\t" if delimiter == "tab" else "^")]
    keys = [key for key, _, _ in pairs]
    assert len(set(keys)) == len(keys)
    assert all(key.isalpha() and equals for key, equals, _ in pairs)
    assert {key: value for key, _, value in pairs}["eventId"] == "evt_1"
