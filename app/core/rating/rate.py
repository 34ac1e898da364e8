"""Rating an event by the built-in rules."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from app.core.event import Change
from app.core.rating.directions import went
from app.core.rating.table import ENTITIES, LABELS, SETTINGS, WHOLE_LABELS, Rule

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


class _Place(NamedTuple):
    """A setting that a change is about, and the tags of such a change."""

    setting: str
    tags: tuple[str, ...]


_NOTHING_KNOWN = Rating((), UNRATED, "unrated")


def rate(action: str, changes: Sequence[Change], entity_type: str | None) -> Rating:
    """Tags and sensitivity of an event.

    The tags of every change are united; the gravest change decides the sensitivity.

    Args:
        action: the canonical action.
        changes: what changed, possibly nothing.
        entity_type: what kind of thing changed, where known.
    """
    entity = _entity_key(entity_type)
    if not changes:
        return _judged(_place_of_entity(entity), action, None, None)
    ratings = [
        _judged(_place_of_change(change["path"], change["field"], entity), action, change["before"], change["after"])
        for change in changes
    ]
    if len(ratings) == 1:
        return ratings[0]
    gravest = max(ratings, key=lambda rating: rating.sensitivity)
    tags = sorted({tag for rating in ratings for tag in rating.tags})
    return Rating(tuple(tags), gravest.sensitivity, gravest.rule)


def _judged(place: _Place | None, action: str, before: Any, after: Any) -> Rating:
    if place is None:
        return _NOTHING_KNOWN
    rules = SETTINGS[place.setting].rules
    rule = rules[0] if len(rules) == 1 else next(rule for rule in rules if went(rule.way, action, before, after))
    return _rating(place, rule)


@lru_cache(maxsize=1024)
def _rating(place: _Place, rule: Rule) -> Rating:
    return Rating(place.tags, rule.sensitivity, f"{place.setting} {rule.way}")


@lru_cache(maxsize=4096)
def _place_of_change(path: str | None, label: str, entity: str) -> _Place | None:
    """The path says it best, then the label, then the kind of thing; the label's tag is kept beside the path's."""
    by_path = _place(path[:_LONGEST]) if path else None
    by_label = _place_of_label(label[:_LONGEST], entity)
    setting = by_path or by_label or ENTITIES.get(entity)
    if setting is None:
        return None
    tags = {SETTINGS[setting].tag, SETTINGS[by_label or setting].tag}
    return _Place(setting, tuple(sorted(tags)))


@lru_cache(maxsize=1024)
def _place_of_entity(entity: str) -> _Place | None:
    setting = ENTITIES.get(entity)
    return _Place(setting, (SETTINGS[setting].tag,)) if setting else None


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
