"""What people read: one event as one message, many events as one digest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from app.sinks import Changed, Digest, Story, event_link
from app.sinks.plain_text import cut
from plugins.slack.blocks import MAX_FIELD, MAX_SECTION, Block, Stack, context, fields, header, section
from plugins.slack.markup import code, escape, link, moment, said

_NOTIFICATION = 300
"""Characters of the fallback text: what a phone shows of it, and more."""
_NAME = 400
_VALUE = 1200
_ENTRY_TITLE = 300
_ENTRY_NAME = 200
_ENTRY_VALUE = 600
"""Room for each text, in escaped characters: chosen so that the longest of all still make a section of 3,000."""
_REST = 200
"""Bytes kept for the line that counts what is not shown."""

_DAY_AND_TIME = "{date_short_pretty}, {time_secs}"
_TIME = "{time_secs}"
_HOURS_OF_A_NIGHT = 12
"""A digest of more hours gives each event its day."""


@dataclass(frozen=True, slots=True)
class Look:
    """The settings that decide what a message looks like."""

    console_url: str = ""
    digest_lines: int = 10
    sensitive_from: int = 4


def message(stories: Sequence[Story], look: Look) -> dict[str, Any]:
    """``text`` and ``blocks`` of the message for one event or many.

    ``text`` is what a notification shows. Slack reads it as mrkdwn, so it is escaped too.
    """
    text, blocks = _one(stories[0], look) if len(stories) == 1 else _many(Digest.of(stories, look.sensitive_from), look)
    return {"text": text, "blocks": blocks}


def _one(story: Story, look: Look) -> tuple[str, list[Block]]:
    stack = Stack(_footer(story, look))
    stack.put(header(f"{story.light} {story.title}"))
    stack.put(section(_grade(story)))
    stack.put(_circumstances(story))
    shown = 0
    for change in story.changes:
        if not stack.put(section(_change(change)), spare=_REST):
            break
        shown += 1
    left = len(story.changes) - shown + story.more_changes
    if left:
        stack.put(context(f"and {left:,} more changed {'setting' if left == 1 else 'settings'}"))
    mark = "Outside window: " if story.outside else ""
    return escape(cut(f"{story.light} {mark}{story.line}", _NOTIFICATION)), stack.blocks()


def _grade(story: Story) -> str:
    rated = f"sensitivity {story.sensitivity} of 5, {story.level}"
    if not story.window:
        return rated.capitalize()
    words = story.window.capitalize()
    names = f" {said(story.windows, _NAME)}" if story.windows else ""
    return f"{f'*{words}*' if story.outside else words}{names}  ·  {rated}"


def _circumstances(story: Story) -> Block:
    address = f" from {code(story.address, _NAME)}" if story.address else ""
    where = said(story.where, _NAME)
    if story.context and story.organization:
        where += f" in {said(story.organization, _NAME)}"
    when = story.when if story.epoch is None else moment(story.epoch, _DAY_AND_TIME)
    what = said(story.action, _NAME) + (f", {said(story.thing, _NAME)}" if story.thing else "")
    return fields(
        f"*Who*\n{said(story.who, _NAME)}{address}", f"*Where*\n{where}", f"*When*\n{when}", f"*What*\n{what}"
    )


def _change(change: Changed) -> str:
    return f"*{said(change.field, _NAME)}*\n{_values(change, _VALUE)}"


def _values(change: Changed, room: int) -> str:
    if change.note:
        return f"{change.note}: {code(change.value, room)}" if change.value else change.note
    return f"{code(change.before, room)}  →  {code(change.after, room)}"


def _footer(story: Story, look: Look) -> Block:
    url = event_link(look.console_url, story.event_id)
    opened = f"{link(url, 'Open in Relaypoint')}  ·  " if url else ""
    tags = f"  ·  {said(', '.join(story.tags), MAX_FIELD // 2)}" if story.tags else ""
    return context(f"{opened}event {code(story.event_id or 'unknown', _NAME)}{tags}")


def _many(digest: Digest, look: Look) -> tuple[str, list[Block]]:
    title = f"{digest.light} {digest.title}"
    rest = _rest(digest, look, 0)
    stack = Stack(rest)
    stack.put(header(title))
    stack.put(section(_overview(digest)))
    form = _DAY_AND_TIME if digest.hours > _HOURS_OF_A_NIGHT else _TIME
    shown = 0
    for story in digest.stories[: look.digest_lines]:
        if not stack.put(section(_entry(story, look, form)), spare=_REST):
            break
        shown += 1
    first = digest.stories[0]
    text = cut(f"{title}. First: {first.line}", _NOTIFICATION)
    return escape(text), [*stack.blocks()[:-1], _rest(digest, look, shown)]


def _overview(digest: Digest) -> str:
    lines = [f"*By* {said(digest.people, MAX_SECTION // 3)}", f"*In* {said(digest.places, MAX_SECTION // 3)}"]
    if digest.span is not None:
        first, last = (moment(epoch, _DAY_AND_TIME) for epoch in digest.span)
        lines.append(f"*At* {first}" if first == last else f"*From* {first} *to* {last}")
    return "\n".join(lines)


def _entry(story: Story, look: Look, form: str) -> str:
    mark = "  ·  outside the change window" if story.outside else ""
    lines = [f"{story.light} *{said(story.title, _ENTRY_TITLE)}*{mark}"]
    if story.changes:
        others = len(story.changes) - 1 + story.more_changes
        more = f"  and {others:,} more" if others else ""
        lines.append(_values(story.changes[0], _ENTRY_VALUE) + more)
    when = "" if story.epoch is None else f", {moment(story.epoch, form)}"
    url = event_link(look.console_url, story.event_id)
    opened = f"  ·  {link(url, 'Open')}" if url else ""
    lines.append(f"{said(story.who, _ENTRY_NAME)} in {said(story.where, _ENTRY_NAME)}{when}{opened}")
    return "\n".join(lines)


def _rest(digest: Digest, look: Look, shown: int) -> Block:
    opened = link(f"{look.console_url}/events", "Open Relaypoint") if look.console_url else ""
    rest = digest.rest(shown)
    parts = [part for part in (rest, opened) if part]
    return context("  ·  ".join(parts) or "all of them are shown")
