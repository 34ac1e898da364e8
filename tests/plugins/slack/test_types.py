"""Slack's own TypeScript types: every message of the catalogue passes the compiler, and spoiled ones do not."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson
import pytest

from app.sinks import tell
from app.sinks.samples import odd_events
from plugins.slack.message import Look, message
from tests.catalogue import event, events
from tests.npm import Node, node_with, npm_cache

LOOK = Look("https://relaypoint.example")
GOOD = message([tell(event(next(iter(events()))))], LOOK)["blocks"]
PLAIN = {"type": "plain_text", "text": "x"}
SPOILED: dict[str, list[dict[str, Any]]] = {
    "a header in markup": [{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}],
    "a text of no known type": [{"type": "section", "text": {"type": "markdown", "text": "x"}}],
    "a block of no known type": [{"type": "sektion", "text": PLAIN}],
    "a header without its text": [{"type": "header"}],
    "a text that is a number": [{"type": "section", "text": {"type": "mrkdwn", "text": 7}}],
    "a key that no text has": [{"type": "section", "text": {**PLAIN, "colour": "red"}}],
    "elements that are no list": [{"type": "context", "elements": PLAIN}],
}


@pytest.fixture(scope="session")
def typed(request: pytest.FixtureRequest) -> Node:
    return node_with(npm_cache(request.config), "@slack/types@3.2.0", "typescript@7.0.2")


def program(messages: Iterable[list[dict[str, Any]]]) -> str:
    """One typed constant per message, one message per line."""
    lines = [
        f"export const m{number}: KnownBlock[] = {orjson.dumps(blocks).decode()};"
        for number, blocks in enumerate(messages)
    ]
    return "\n".join(['import type { KnownBlock } from "@slack/types";', *lines])


def test_every_message_and_digest_of_the_catalogue_has_slacks_own_types(typed: Node, tmp_path: Path) -> None:
    stories = [tell(one) for one in (*events().values(), *odd_events().values())]
    groups = [[story] for story in stories] + [
        stories[at : at + size] for size in (2, 7, 12, len(stories)) for at in range(0, len(stories), size)
    ]
    made = [message(group, LOOK) for group in groups]
    assert all(isinstance(one["text"], str) for one in made)
    assert typed.type_errors(program(one["blocks"] for one in made), tmp_path) == []


def test_the_compiler_refuses_each_spoiled_message_and_no_other(typed: Node, tmp_path: Path) -> None:
    errors = typed.type_errors(program([GOOD, *SPOILED.values(), GOOD]), tmp_path)
    refused = {int(error.partition("(")[2].partition(",")[0]) for error in errors}
    assert refused == set(range(3, len(SPOILED) + 3)), errors
