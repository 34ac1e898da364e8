"""Reading a change window from its JSON form, which is also how it is stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.core.clock import MINUTE, Micros
from app.core.errors import InvalidInputError
from app.core.moments import parse_moment
from app.core.windows.interval_input import read_interval
from app.core.windows.window import ChangeWindow, WindowKind

MAX_INTERVALS = 50
MAX_COVERED = 1_000
"""Contexts, tags or actors that one window names."""
MAX_GRACE_MINUTES = 240
_LONGEST_NAME = 200
_EVERYTHING = "*"


def read_window(name: str, spec: Mapping[str, Any], *, local_zone: str = "UTC") -> ChangeWindow:
    """A window that can judge events.

    Args:
        name: what people call it.
        spec: ``kind``, then either ``time_intervals`` or ``starts_at`` and ``ends_at``; ``grace_minutes``,
            ``contexts``, ``tags`` and ``actors`` if wanted. ``["*"]`` covers everything, as an absent list does.
        local_zone: what the location ``Local`` means.

    Raises:
        InvalidInputError: naming the field at fault.
    """
    intervals = spec.get("time_intervals") or []
    if not isinstance(intervals, list) or len(intervals) > MAX_INTERVALS:
        raise InvalidInputError(f"give a list of at most {MAX_INTERVALS} intervals", field="time_intervals")
    starts_at, ends_at = _moment(spec, "starts_at"), _moment(spec, "ends_at")
    _check_when(bool(intervals), starts_at, ends_at)
    return ChangeWindow(
        name=name,
        kind=_kind(spec.get("kind")),
        intervals=tuple(
            read_interval(raw, f"time_intervals.{index}", local_zone=local_zone) for index, raw in enumerate(intervals)
        ),
        starts_at=starts_at,
        ends_at=ends_at,
        grace=_grace(spec.get("grace_minutes")),
        contexts=_names(spec, "contexts"),
        tags=_names(spec, "tags"),
        actors=_lowered(_names(spec, "actors")),
    )


def _kind(raw: Any) -> WindowKind:
    try:
        return WindowKind(raw)
    except ValueError:
        raise InvalidInputError("must be allow or freeze", field="kind") from None


def _check_when(recurring: bool, starts_at: Micros | None, ends_at: Micros | None) -> None:  # noqa: FBT001 - private
    if recurring and (starts_at is not None or ends_at is not None):
        hint = "a window recurs by time_intervals or happens once from starts_at to ends_at; give one of the two"
        raise InvalidInputError(hint, field="time_intervals")
    if recurring:
        return
    if starts_at is None or ends_at is None:
        raise InvalidInputError("give time_intervals, or both starts_at and ends_at", field="time_intervals")
    if ends_at <= starts_at:
        raise InvalidInputError("must be after starts_at", field="ends_at")


def _moment(spec: Mapping[str, Any], field: str) -> Micros | None:
    raw = spec.get(field)
    if raw is None:
        return None
    moment = parse_moment(raw) if isinstance(raw, str) else None
    if moment is None:
        raise InvalidInputError("write a time such as 2026-11-23T20:00:00+01:00", field=field)
    return moment


def _grace(raw: Any) -> Micros:
    if raw is None:
        return 0
    if isinstance(raw, bool) or not isinstance(raw, int) or not 0 <= raw <= MAX_GRACE_MINUTES:
        raise InvalidInputError(f"give whole minutes from 0 to {MAX_GRACE_MINUTES}", field="grace_minutes")
    return raw * MINUTE


def _names(spec: Mapping[str, Any], field: str) -> frozenset[str] | None:
    raw = spec.get(field)
    if raw is None:
        return None
    if not isinstance(raw, list) or not raw or len(raw) > MAX_COVERED:
        raise InvalidInputError(f'give a list of 1 to {MAX_COVERED} names, or ["*"] for all', field=field)
    for index, name in enumerate(raw):
        if not isinstance(name, str) or not 0 < len(name) <= _LONGEST_NAME:
            raise InvalidInputError("give a name", field=f"{field}.{index}")
    return None if _EVERYTHING in raw else frozenset(raw)


def _lowered(names: frozenset[str] | None) -> frozenset[str] | None:
    return None if names is None else frozenset(name.lower() for name in names)
