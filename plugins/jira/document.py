"""Descriptions in the Atlassian Document Format: a tree of nodes, in which text is only ever text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from app.sinks import Changed, Digest, Story, counted, event_link

MAX_DESCRIPTION = 30_000
"""Bytes of the whole tree as JSON. Jira refuses a description above 32,767 characters."""

_REST = 400
"""Bytes kept for the line that counts what is not shown."""
_PANELS = {1: "note", 2: "note", 3: "info", 4: "warning", 5: "error"}

Node = dict[str, Any]


def describe_one(story: Story, console_url: str) -> Node:
    """The description of an issue for one event."""
    url = event_link(console_url, story.event_id)
    facts = [
        ("Who", story.who + (f" from {story.address}" if story.address else "")),
        ("Where", story.place),
        ("When", story.when),
        ("What", f"{story.action}, {story.thing}" if story.thing else story.action),
        ("Event", story.event_id),
    ]
    head = [_panel(_PANELS[story.sensitivity], story.grade), *(_fact(label, value) for label, value in facts)]
    end = [_paragraph(_link("Open in Relaypoint", url))] if url else []
    rows = [_row(_cell(change.field), *_values(change)) for change in story.changes]
    table, shown = _table(("Setting", "Before", "After"), rows, head + end)
    left = len(rows) - shown + story.more_changes
    rest = [_paragraph(_text(f"and {counted(left, 'more changed setting')}"))] if left else []
    return _document([*head, *table, *rest, *end])


def describe_many(digest: Digest, console_url: str) -> Node:
    """The description of an issue for a batch."""
    head = [
        _panel(_PANELS[digest.stories[0].sensitivity], digest.headline),
        _fact("By", digest.people),
        _fact("In", digest.places),
        _fact("When", digest.when or "unknown"),
    ]
    rows = [_story_row(story, console_url) for story in digest.stories]
    table, shown = _table(("Change", "From, to", "Who, where, when"), rows, head)
    rest = digest.rest(shown)
    return _document([*head, *table, *([_paragraph(_text(rest))] if rest else [])])


def _story_row(story: Story, console_url: str) -> Node:
    url = event_link(console_url, story.event_id)
    title = _link(story.title, url) if url else _text(story.title)
    told = story.changes[0].text if story.changes else story.action
    others = max(0, len(story.changes) - 1) + story.more_changes
    more = f" and {others:,} more" if others else ""
    first = _node("tableCell", content=[_paragraph(title), _paragraph(_text(story.grade))])
    return _row(first, _cell(told + more), _cell(f"{story.who}, {story.where}, {story.when}"))


def _values(change: Changed) -> tuple[Node, ...]:
    if not change.note:
        return _cell(change.before), _cell(change.after)
    return _cell("changed"), _cell(change.text)


def _table(titles: Sequence[str], rows: Sequence[Node], around: Sequence[Node]) -> tuple[list[Node], int]:
    """A table with as many of the rows as fit beside what stands around it, and how many those are."""
    head = _row(*(_node("tableHeader", content=[_paragraph(_text(title, "strong"))]) for title in titles))
    size = len(orjson.dumps([head, *around])) + _REST
    kept: list[Node] = []
    for row in rows:
        size += len(orjson.dumps(row)) + 1
        if size > MAX_DESCRIPTION:
            break
        kept.append(row)
    return ([_node("table", content=[head, *kept])] if kept else []), len(kept)


def _document(content: list[Node]) -> Node:
    return {"version": 1, "type": "doc", "content": content}


def _node(kind: str, **rest: Any) -> Node:
    return {"type": kind, **rest}


def _text(text: str, mark: str = "") -> Node:
    """A text node. Jira refuses an empty one, and a story has none."""
    return _node("text", text=text, **({"marks": [{"type": mark}]} if mark else {}))


def _link(text: str, url: str) -> Node:
    return _node("text", text=text, marks=[{"type": "link", "attrs": {"href": url}}])


def _paragraph(*texts: Node) -> Node:
    return _node("paragraph", content=list(texts))


def _fact(label: str, value: str) -> Node:
    return _paragraph(_text(f"{label}: ", "strong"), _text(value or "unknown"))


def _panel(kind: str, text: str) -> Node:
    return _node("panel", attrs={"panelType": kind}, content=[_paragraph(_text(text[0].upper() + text[1:], "strong"))])


def _cell(text: str) -> Node:
    return _node("tableCell", content=[_paragraph(_text(text))])


def _row(*cells: Node) -> Node:
    return _node("tableRow", content=list(cells))
