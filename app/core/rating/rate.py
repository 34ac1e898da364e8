"""Rating an event by the built-in rules."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from app.core.event import Change
from app.core.rating.directions import went
from app.core.rating.table import ENTITIES, LABELS, SETTINGS, WHOLE_LABELS

UNRATED = 3
"""What a change is worth of which nothing is known."""
_LONGEST = 256
_KEYS = re.compile(r"\[[^\]]*\]")
_FRAGMENTS = sorted(LABELS, key=len, reverse=True)
_ANY_FRAGMENT = re.compile(r"(?<![a-z0-9])(?=(" + "|".join(map(re.escape, _FRAGMENTS)) + "))")
_STATUS_OF = {"webhook": "webhooks.status"}
"""A label "Status" says what it is the status of by the entity only."""


class Rating(NamedTuple):
    """What an event is worth.

    ``rule`` names what decided the sensitivity, such as ``network_integration.access_restrictions opened``.
    """

    tags: tuple[str, ...]
    sensitivity: int
    rule: str


class _Verdict(NamedTuple):
    sensitivity: int
    rule: str
    tags: tuple[str, ...]


_NOTHING_KNOWN = _Verdict(UNRATED, "unrated", ())


def rate(action: str, changes: Sequence[Change], entity_type: str | None) -> Rating:
    """Tags and sensitivity of an event.

    The tags of every change are united; the gravest change decides the sensitivity.

    Args:
        action: the canonical action.
        changes: what changed, possibly nothing.
        entity_type: what kind of thing changed, where known.
    """
    entity = _entity_key(entity_type)
    verdicts = [_of_change(action, change, entity) for change in changes] or [_of_entity(action, entity)]
    gravest = max(verdicts, key=lambda verdict: verdict.sensitivity)
    tags = sorted({tag for verdict in verdicts for tag in verdict.tags})
    return Rating(tuple(tags), gravest.sensitivity, gravest.rule)


def _of_change(action: str, change: Change, entity: str) -> _Verdict:
    """The path says it best, then the label, then the kind of thing; the label's tag is kept beside the path's."""
    path = _place(change["path"][:_LONGEST]) if change["path"] else None
    label = _place_of_label(change["field"][:_LONGEST], entity)
    place = path or label or ENTITIES.get(entity)
    if place is None:
        return _NOTHING_KNOWN
    tags = (SETTINGS[place].tag, SETTINGS[label].tag) if label else (SETTINGS[place].tag,)
    return _judged(place, tags, action, change["before"], change["after"])


def _of_entity(action: str, entity: str) -> _Verdict:
    place = ENTITIES.get(entity)
    return _judged(place, (SETTINGS[place].tag,), action, None, None) if place else _NOTHING_KNOWN


def _judged(place: str, tags: tuple[str, ...], action: str, before: Any, after: Any) -> _Verdict:
    rule = next(rule for rule in SETTINGS[place].rules if went(rule.way, action, before, after))
    return _Verdict(rule.sensitivity, f"{place} {rule.way}", tags)


@lru_cache(maxsize=4096)
def _place(path: str) -> str | None:
    """The longest known beginning of a path, by whole segments; None when there is none."""
    segments = _KEYS.sub("", path).split(".")
    beginnings = (".".join(segments[:count]) for count in range(len(segments), 0, -1))
    return next((beginning for beginning in beginnings if beginning in SETTINGS), None)


@lru_cache(maxsize=4096)
def _place_of_label(label: str, entity: str) -> str | None:
    """Where a setting lives by the name a screen gives it: the longest fragment at the start of a word wins."""
    plain = label.strip().lower()
    if plain == "status":
        return _STATUS_OF.get(entity)
    if plain == "name" and f"{ENTITIES.get(entity)}.name" in SETTINGS:
        return f"{ENTITIES[entity]}.name"
    if plain in WHOLE_LABELS:
        return WHOLE_LABELS[plain]
    found = {match[1] for match in _ANY_FRAGMENT.finditer(plain)}
    return next((LABELS[fragment] for fragment in _FRAGMENTS if fragment in found), None)


@lru_cache(maxsize=1024)
def _entity_key(entity_type: str | None) -> str:
    return (entity_type or "")[:_LONGEST].lower().replace("_", "").replace(" ", "")
