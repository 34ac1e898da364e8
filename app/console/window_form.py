"""The form of a change window: the usual one, a few weekdays from one hour to another, without writing JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from app.console.json_text import indented
from app.core.errors import InvalidInputError
from app.core.whole_numbers import whole_number

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
LOCAL = "Local"
"""The organization's time zone."""
_LISTS = ("contexts", "tags", "actors")


def typed_of(window: Mapping[str, Any]) -> dict[str, Any]:
    """What the form shows of a stored window."""
    intervals = window.get("time_intervals") or []
    typed: dict[str, Any] = {
        "name": window["name"],
        "kind": window["kind"],
        "starts_at": window.get("starts_at", ""),
        "ends_at": window.get("ends_at", ""),
        "grace_minutes": window.get("grace_minutes", 0),
        "weekdays": [],
        "intervals": "",
    }
    typed |= {name: "\n".join(window.get(name) or []) for name in _LISTS}
    simple = _simple(intervals[0]) if len(intervals) == 1 else None
    if simple is not None:
        return typed | simple
    return typed | {"intervals": indented(intervals) if intervals else ""}


def window_of(typed: Mapping[str, Any], weekdays: list[str]) -> dict[str, Any]:
    """The window that was typed, as the use case takes it.

    Raises:
        InvalidInputError: the intervals are not JSON.
    """
    found: dict[str, Any] = {"name": typed.get("name", ""), "kind": typed.get("kind", "")}
    grace = typed.get("grace_minutes", "").strip() or "0"
    minutes = whole_number(grace)
    found["grace_minutes"] = grace if minutes is None else minutes
    for name in ("starts_at", "ends_at"):
        if typed.get(name, "").strip():
            found[name] = typed[name].strip()
    intervals = _intervals(typed, weekdays)
    if intervals:
        found["time_intervals"] = intervals
    for name in _LISTS:
        values = [line.strip() for line in typed.get(name, "").replace(",", "\n").splitlines() if line.strip()]
        if values:
            found[name] = values
    return found


def _intervals(typed: Mapping[str, Any], weekdays: list[str]) -> list[Any]:
    written = typed.get("intervals", "").strip()
    if written:
        try:
            found = orjson.loads(written)
        except orjson.JSONDecodeError:
            raise InvalidInputError("write a JSON list of intervals", field="intervals") from None
        return found if isinstance(found, list) else [found]
    times = [{"start_time": typed.get("start", "").strip(), "end_time": typed.get("end", "").strip()}]
    if not weekdays and not any(times[0].values()):
        return []
    interval: dict[str, Any] = {"location": LOCAL}
    if any(times[0].values()):
        interval["times"] = times
    if weekdays:
        interval["weekdays"] = [day for day in WEEKDAYS if day in weekdays]
    return [interval]


def _simple(interval: Mapping[str, Any]) -> dict[str, Any] | None:
    """The fields of the form for an interval that it can say, else None."""
    times, days = interval.get("times") or [], interval.get("weekdays") or []
    if interval.keys() - {"times", "weekdays", "location"} or interval.get("location") != LOCAL or len(times) > 1:
        return None
    if not all(day in WEEKDAYS for day in days):
        return None
    span = times[0] if times else {}
    return {"weekdays": days, "start": span.get("start_time", ""), "end": span.get("end_time", "")}
