"""The form of a change window: the usual one, a few weekdays from one hour to another, without writing JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from app.console.filters import input_moment
from app.console.forms import Errors
from app.console.json_text import indented
from app.console.moments import read_moment
from app.core.clock import to_rfc3339
from app.core.errors import InvalidInputError
from app.core.moments import parse_moment
from app.core.whole_numbers import whole_number

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
LOCAL = "Local"
"""The organization's time zone."""
_LISTS = ("contexts", "tags", "actors")
_TIMES = "time_intervals.0.times"
_INPUTS = {f"{_TIMES}.0.start_time": "start", f"{_TIMES}.0.end_time": "end", _TIMES: "end"}
"""The inputs that say the one interval of the form, by the names of the use case."""


def typed_of(window: Mapping[str, Any], zone: ZoneInfo) -> dict[str, Any]:
    """What the form shows of a stored window, its times in the organization's zone."""
    intervals = window.get("time_intervals") or []
    typed: dict[str, Any] = {
        "name": window["name"],
        "kind": window["kind"],
        "starts_at": _shown_moment(window.get("starts_at") or "", zone),
        "ends_at": _shown_moment(window.get("ends_at") or "", zone),
        "grace_minutes": window.get("grace_minutes", 0),
        "weekdays": [],
        "intervals": "",
    }
    typed |= {name: "\n".join(window.get(name) or []) for name in _LISTS}
    simple = _simple(intervals[0]) if len(intervals) == 1 else None
    if simple is not None:
        return typed | simple
    return typed | {"intervals": indented(intervals) if intervals else ""}


def window_of(typed: Mapping[str, Any], weekdays: list[str], zone: ZoneInfo) -> dict[str, Any]:
    """The window that was typed, as the use case takes it. A time without an offset is one of the organization's zone.

    Raises:
        InvalidInputError: the intervals are not JSON, a time is none, or it is not said when the window is open.
    """
    found: dict[str, Any] = {"name": typed.get("name", ""), "kind": typed.get("kind", "")}
    grace = typed.get("grace_minutes", "").strip() or "0"
    minutes = whole_number(grace)
    found["grace_minutes"] = grace if minutes is None else minutes
    found |= _when(typed, weekdays, zone)
    for name in _LISTS:
        values = [line.strip() for line in typed.get(name, "").replace(",", "\n").splitlines() if line.strip()]
        if values:
            found[name] = values
    return found


def errors_in_form(errors: Errors, typed: Mapping[str, Any]) -> Errors:
    """What was wrong, by the inputs of the form: the use case knows intervals, and no days and hours."""
    written = bool(typed.get("intervals", "").strip())
    found: Errors = {}
    for field, words in errors.items():
        if not field.startswith("time_intervals"):
            found[field] = words
        elif written:
            found["intervals"] = f"{field.replace('_', ' ').replace('.', ', ').capitalize()}: {words}"
        else:
            found[_INPUTS.get(field, "start")] = words
    return found


def _when(typed: Mapping[str, Any], weekdays: list[str], zone: ZoneInfo) -> dict[str, Any]:
    """By the names of the use case: the intervals of every week, or one stretch of time."""
    intervals = _intervals(typed, weekdays)
    starts, ends = (read_moment(typed.get(name, ""), zone, name) for name in ("starts_at", "ends_at"))
    if starts is None and ends is None:
        if not intervals:
            raise InvalidInputError("say when: every week, or once", field="start")
        return {"time_intervals": intervals}
    if intervals:
        raise InvalidInputError("fill in the week, or one stretch of time; not both", field="starts_at")
    if starts is None or ends is None:
        raise InvalidInputError("fill this in, too", field="starts_at" if starts is None else "ends_at")
    if ends <= starts:
        raise InvalidInputError("must be later than the beginning", field="ends_at")
    return {"starts_at": to_rfc3339(starts), "ends_at": to_rfc3339(ends)}


def _shown_moment(text: str, zone: ZoneInfo) -> str:
    """A stored time as people of the zone write it, where that says the same; else as it is stored."""
    moment = parse_moment(text)
    if moment is None:
        return text
    local = input_moment(to_rfc3339(moment), zone)
    return local if read_moment(local, zone, "") == moment else text


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
