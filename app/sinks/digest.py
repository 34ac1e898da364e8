"""Many events as one message: how many, how many of them sensitive, by whom and where, the worst first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from app.sinks.story import LEVELS, Story

SENSITIVE_FROM = 4
"""From this sensitivity on an event counts as sensitive, unless the webhook's settings say otherwise."""

_NAMED = 3
"""People and places named; the others are counted."""


def counted(number: int, thing: str) -> str:
    """``1 change``, ``12 changes``."""
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"


@dataclass(frozen=True, slots=True)
class Digest:
    """Several stories at once; at least one. ``stories`` stand with the worst first."""

    stories: tuple[Story, ...]
    sensitive: int
    outside: int

    @classmethod
    def of(cls, stories: Sequence[Story], sensitive_from: int = SENSITIVE_FROM) -> Digest:
        """The digest of some stories, in any order."""
        ranked = sorted(stories, key=lambda story: (-story.sensitivity, not story.outside, story.epoch or 0))
        sensitive = sum(story.sensitivity >= sensitive_from for story in stories)
        return cls(tuple(ranked), sensitive, sum(story.outside is True for story in stories))

    @property
    def headline(self) -> str:
        """``12 changes, 3 sensitive, 2 outside the change window``."""
        parts = [counted(len(self.stories), "change")]
        if self.sensitive:
            parts.append(f"{self.sensitive:,} sensitive")
        if self.outside:
            parts.append(f"{self.outside:,} outside the change window")
        return ", ".join(parts)

    @property
    def light(self) -> str:
        """The highest sensitivity at a glance."""
        return self.stories[0].light

    @property
    def title(self) -> str:
        """The headline, and whose changes they are."""
        return f"{self.organization}: {self.headline}" if self.organization else self.headline

    @property
    def when(self) -> str:
        """From when to when, in UTC; "" if no time can be read."""
        if self.span is None:
            return ""
        first, last = (f"{datetime.fromtimestamp(epoch, UTC):%a %d %b %Y %H:%M:%S} UTC" for epoch in self.span)
        return first if first == last else f"{first} to {last}"

    def text(self, lines: int) -> str:
        """The digest as plain text, with at most so many events."""
        shown = self.stories[:lines]
        parts = [
            self.title,
            f"By: {self.people}",
            f"In: {self.places}",
            f"When: {self.when or 'unknown'}",
            *(f"[{story.level}] {story.line}" for story in shown),
            self.rest(len(shown)),
        ]
        return "\n".join(part for part in parts if part)

    @property
    def people(self) -> str:
        """Who made them: ``owner@example.com (7), the platform itself (2) and 1 more``."""
        return _top(Counter(story.who for story in self.stories))

    @property
    def places(self) -> str:
        """Where they were made."""
        return _top(Counter(story.where for story in self.stories))

    @property
    def organization(self) -> str:
        """The organization, if they are all of one."""
        found = {story.organization for story in self.stories}
        return found.pop() if len(found) == 1 else ""

    @property
    def span(self) -> tuple[int, int] | None:
        """Times of the first and the last, in seconds; None if none can be read."""
        times = [story.epoch for story in self.stories if story.epoch is not None]
        return (min(times), max(times)) if times else None

    @property
    def hours(self) -> float:
        """Hours between the first and the last."""
        return 0.0 if self.span is None else (self.span[1] - self.span[0]) / 3600

    def rest(self, shown: int) -> str:
        """What is not shown: ``and 4 more: 1 high, 3 low``; "" when everything is."""
        left = self.stories[shown:]
        if not left:
            return ""
        levels = Counter(story.sensitivity for story in left)
        parts = ", ".join(f"{levels[level]:,} {LEVELS[level]}" for level in sorted(levels, reverse=True))
        return f"and {len(left):,} more: {parts}"


def _top(counts: Counter[str]) -> str:
    ranked = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    if len(ranked) == 1:
        return ranked[0][0]
    named = ", ".join(f"{name} ({number:,})" if number > 1 else name for name, number in ranked[:_NAMED])
    more = len(ranked) - _NAMED
    return f"{named} and {more:,} more" if more > 0 else named
