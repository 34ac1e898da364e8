"""An organization's own rules: on top of the built-in ones, in its own order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.core.filters import Filter, FilterTooCostlyError
from app.core.rating.rate import Rating


@dataclass(frozen=True, slots=True)
class OwnRule:
    """One rule of an organization.

    Args:
        name: what people call it; the event keeps the name of the rule that decided its sensitivity.
        pattern: the events it is about.
        sensitivity: what they are worth; None leaves that to others.
        tags: added to theirs.
    """

    name: str
    pattern: Filter
    sensitivity: int | None
    tags: tuple[str, ...]


def apply_own_rules(rules: Sequence[OwnRule], document: Mapping[str, Any], rating: Rating) -> Rating:
    """The rating after an organization's rules: the first that fits and has a sensitivity decides it, all add tags.

    Args:
        rules: in their order.
        document: the event in its canonical JSON form, rated by the built-in rules.
        rating: that rating.
    """
    tags = set(rating.tags)
    decided: OwnRule | None = None
    for rule in rules:
        if not _fits(rule, document):
            continue
        tags.update(rule.tags)
        if decided is None and rule.sensitivity is not None:
            decided = rule
    if decided is None or decided.sensitivity is None:
        return rating._replace(tags=tuple(sorted(tags)))
    return Rating(tuple(sorted(tags)), decided.sensitivity, decided.name)


def _fits(rule: OwnRule, document: Mapping[str, Any]) -> bool:
    """An event too large to be judged in time keeps the rating of the built-in rules."""
    try:
        return rule.pattern.matches(document)
    except FilterTooCostlyError:
        return False
