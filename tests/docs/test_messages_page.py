"""docs/messages.md is generated: what people read about each of the 85 changes. ``GOLDEN=write`` writes it anew."""

from __future__ import annotations

import html
import os
import re
from pathlib import Path
from typing import Any

from app.sinks import Digest, Story, tell
from plugins.slack.message import Look, message
from tests.catalogue import event, events

PAGE = Path(__file__).parents[2] / "docs" / "messages.md"
LOOK = Look("https://relaypoint.example")
SHOWN = ("radius.access_restriction.open", "radius.client_secret.rotate", "trusted_ca.upload")
TOKEN = re.compile(r"<(?:https://[^|>]+|!date\^[^|>]+)\|([^>]+)>")

HEAD = """# What people read

The sinks for people (`slack`, `teams`, `pagerduty`, `jira`, `servicenow`) tell an event with the same words, each in
its receiver's own form. This page shows those words for every change of the sample data. It is generated, and a test
compares it with the code.

A coloured dot is the sensitivity: 🔴 critical, 🟠 high, 🟡 medium, 🔵 low, ⚪ cosmetic.
"""


def as_read(blocks: list[dict[str, Any]]) -> str:
    """A Slack message as plain text, as a reader sees it; code spans keep their backticks."""
    parts = []
    for block in blocks:
        texts = [block["text"]] if "text" in block else block.get("fields") or block["elements"]
        parts.append("\n".join(html.unescape(TOKEN.sub(r"\1", text["text"])) for text in texts))
    return "\n\n".join(parts)


def slack(title: str, stories: list[Story]) -> str:
    made = message(stories, LOOK)
    phone = html.unescape(made["text"])
    return (
        f"### {title}\n\nOn a phone:\n\n```text\n{phone}\n```\n\nIn Slack:\n\n```text\n{as_read(made['blocks'])}\n```\n"
    )


def page() -> str:
    told = {name: tell(one) for name, one in events().items()}
    night = [tell(event(name)) for name in list(events())[20:34]]
    sections = [HEAD, "## One event\n", *(slack(told[name].title, [told[name]]) for name in SHOWN)]
    sections += ["## A batch\n", slack(Digest.of(night).title, night), "## Every change on one line\n"]
    rows = [f"| {story.light} | {cell(story)} |" for story in told.values()]
    return "\n".join([*sections, "| | |\n|---|---|", *rows]) + "\n"


def cell(story: Story) -> str:
    mark = "**outside the change window:** " if story.outside else ""
    return mark + re.sub(r"([\\`*_|<>\[\]~])", r"\\\1", story.line)


def test_the_page_shows_what_the_sinks_say_today() -> None:
    if os.environ.get("GOLDEN") == "write":
        PAGE.write_text(page(), encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == page(), "GOLDEN=write pytest tests/docs writes docs/messages.md anew"
