"""The Adaptive Card that people read: one event, or a digest of many.

Audited text stands in text runs, which know no Markdown; only words and times of ours stand in text blocks, which do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from app.sinks import Changed, Digest, Story, counted, event_link

VERSION = "1.4"
"""Schema version of the cards. Teams shows up to 1.5; 1.4 has all that is needed and older clients know it."""

MAX_CARD = 24_000
"""Bytes of the whole message. Teams takes about 28 KB; the rest is room for how it counts."""

_REST = 400
"""Bytes kept for the line that counts what is not shown."""

Element = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Look:
    """The settings that decide what a card looks like."""

    console_url: str = ""
    digest_lines: int = 10
    sensitive_from: int = 4


def message(stories: Sequence[Story], look: Look) -> Element:
    """The message that a workflow posts: one attachment, the card."""
    card = _one(stories[0], look) if len(stories) == 1 else _many(Digest.of(stories, look.sensitive_from), look)
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [attachment]}


def _one(story: Story, look: Look) -> Element:
    body = [
        _title(f"{story.light} {story.title}"),
        _grade(story),
        _fact("Who", story.who + (f" from {story.address}" if story.address else "")),
        _fact("Where", story.place),
        _when(story),
    ]
    end = [_line(_run(f"Event {story.event_id}", isSubtle=True, size="small"), spacing="medium")]
    url = event_link(look.console_url, story.event_id)
    card = _card(story.line, [], [_open("Open in Relaypoint", url)] if url else [])
    groups = [_change(change) for change in story.changes]
    shown = _fill(card, body, groups, end)
    left = len(groups) - shown + story.more_changes
    if left:
        card["body"].append(_line(_run(f"and {counted(left, 'more changed setting')}", isSubtle=True)))
    card["body"] += end
    return card


def _many(digest: Digest, look: Look) -> Element:
    body = [_title(f"{digest.light} {digest.title}"), _fact("By", digest.people), _fact("In", digest.places)]
    if digest.when:
        body.append(_fact("When", digest.when))
    actions = [_open("Open Relaypoint", f"{look.console_url}/events")] if look.console_url else []
    card = _card(digest.title, [], actions)
    groups = [[_entry(story, look)] for story in digest.stories[: look.digest_lines]]
    shown = _fill(card, body, groups, [])
    rest = digest.rest(shown)
    if rest:
        card["body"].append(_line(_run(rest, isSubtle=True), spacing="medium"))
    return card


def _fill(card: Element, body: list[Element], groups: Sequence[list[Element]], end: list[Element]) -> int:
    """Puts the body and as many of the groups into the card as fit; answers how many."""
    card["body"] += body
    size = len(orjson.dumps([card, end])) + _REST
    for index, group in enumerate(groups):
        size += len(orjson.dumps(group))
        if size > MAX_CARD:
            return index
        card["body"] += group
    return len(groups)


def _card(spoken: str, body: list[Element], actions: list[Element]) -> Element:
    card: Element = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": VERSION,
        "msteams": {"width": "Full"},
        "fallbackText": spoken,
        "body": body,
    }
    return card | {"actions": actions} if actions else card


def _run(text: str, **looks: Any) -> Element:
    return {"type": "TextRun", "text": text, **looks}


def _line(*runs: Element, **looks: Any) -> Element:
    return {"type": "RichTextBlock", "inlines": list(runs), **looks}


def _title(text: str) -> Element:
    return _line(_run(text, size="large", weight="bolder"))


def _fact(label: str, value: str) -> Element:
    return _line(_run(f"{label}  ", weight="bolder"), _run(value), spacing="small")


def _grade(story: Story) -> Element:
    style = "attention" if story.outside else "emphasis"
    words = story.grade[0].upper() + story.grade[1:]
    return {"type": "Container", "style": style, "items": [_line(_run(words, weight="bolder"))]}


def _when(story: Story) -> Element:
    """The time in the reader's own zone, which only a text block can show, and in UTC."""
    if not story.stamp:
        return _fact("When", story.when)
    local = f"{{{{DATE({story.stamp}, SHORT)}}}} {{{{TIME({story.stamp})}}}}"
    return {"type": "TextBlock", "text": f"**When**  {local} ({story.when})", "wrap": True, "spacing": "small"}


def _change(change: Changed) -> list[Element]:
    return [_line(_run(change.field, weight="bolder"), spacing="medium"), _line(*_values(change), spacing="none")]


def _values(change: Changed) -> list[Element]:
    if not change.note:
        return [_run(change.before, fontType="monospace"), _run("  →  "), _run(change.after, fontType="monospace")]
    if not change.value:
        return [_run(change.note)]
    return [_run(f"{change.note}: "), _run(change.value, fontType="monospace")]


def _entry(story: Story, look: Look) -> Element:
    """One event of a digest."""
    title = [_run(f"{story.light} {story.title}", weight="bolder")]
    if story.outside:
        title.append(_run("  ·  outside the change window", color="attention"))
    items = [_line(*title)]
    if story.changes:
        others = len(story.changes) - 1 + story.more_changes
        more = [_run(f"  and {others:,} more")] if others else []
        items.append(_line(*_values(story.changes[0]), *more, spacing="none"))
    told = [_run(f"{story.who} in {story.where}, {story.when}", isSubtle=True)]
    url = event_link(look.console_url, story.event_id)
    if url:
        told += [_run("  ·  ", isSubtle=True), _run("Open", selectAction=_open("Open", url))]
    items.append(_line(*told, spacing="none"))
    return {"type": "Container", "separator": True, "spacing": "medium", "items": items}


def _open(title: str, url: str) -> Element:
    return {"type": "Action.OpenUrl", "title": title, "url": url}
