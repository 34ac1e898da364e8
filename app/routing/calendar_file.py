"""Change windows from a calendar: each event is a window that happens once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import icalendar
from dateutil.rrule import rruleset, rrulestr
from icalendar.cal import Component

from app.core.clock import Micros
from app.core.errors import InvalidInputError
from app.core.whole_numbers import whole_number
from app.routing.change_windows import MAX_NAME
from app.routing.window_entry import GRACE_MARK, KIND_MARK, SCOPE_MARK, Entry

AHEAD = timedelta(days=90)
"""How far ahead the occurrences of a calendar's recurring event become windows."""
_FREQUENCIES = frozenset({"DAILY", "WEEKLY", "MONTHLY", "YEARLY"})
"""A rule that recurs more often is no change window, and could take for ever to expand."""
_LONGEST_MOMENT = len(" 2026-11-23 20:00")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def calendar_entries(text: str, now: Micros) -> Iterator[Entry]:
    """The events of a calendar as single windows, in its order.

    A recurring event is told by its occurrences in the next ``AHEAD``. A changed occurrence (RECURRENCE-ID) is read
    as an event of its own.

    Args:
        text: an iCalendar file (RFC 5545).
        now: from when on occurrences count.

    Raises:
        InvalidInputError: the file as a whole cannot be read.
    """
    try:
        calendar = icalendar.Calendar.from_ical(text)
        events = calendar.walk("VEVENT")
    except (ValueError, IndexError, KeyError):
        raise InvalidInputError("not readable as an iCalendar file", field="text") from None
    today = _EPOCH + timedelta(microseconds=now)
    for index, event in enumerate(events):
        place = f"text.events.{index}"
        longest = MAX_NAME - (_LONGEST_MOMENT if event.get("RRULE") else 0)
        name = str(event.get("SUMMARY") or event.get("UID") or f"event {index + 1}").strip()[:longest]
        try:
            yield from _windows(event, place, name, today)
        except InvalidInputError as error:
            yield Entry(place, name, error)


def _windows(event: Component, place: str, name: str, today: datetime) -> Iterator[Entry]:
    length, own = _length(event, place), _own(event, place)
    for start in _occurrences(event, today, place, length):
        numbered = f"{name} {start:%Y-%m-%d %H:%M}" if event.get("RRULE") else name
        spec = {"name": numbered, "starts_at": _text(start), "ends_at": _text(_end(start, length))}
        yield Entry(place, numbered, spec | own)


def _end(start: datetime, length: timedelta) -> datetime:
    """When an occurrence ends, by its wall clock; one that begins in an hour which the clock leaves out is as long."""
    begins, ends = start.astimezone(UTC), (start + length).astimezone(UTC)
    return begins + length if ends <= begins else ends


def _own(event: Component, place: str) -> dict[str, Any]:
    """What a calendar of ours says besides: the kind and the grace of a window."""
    if event.get(SCOPE_MARK) is not None:
        words = "covers only some contexts, tags or people, which a calendar does not carry"
        raise InvalidInputError(
            f"{words}; import the windows from an Alertmanager file instead", field=f"{place}.{SCOPE_MARK}"
        )
    found: dict[str, Any] = {}
    if event.get(KIND_MARK) is not None:
        found["kind"] = str(event[KIND_MARK])
    if event.get(GRACE_MARK) is not None:
        found["grace_minutes"] = whole_number(str(event[GRACE_MARK]))
    return found


def _occurrences(event: Component, today: datetime, place: str, length: timedelta) -> Iterator[datetime]:
    """When an event begins, of what is not over; each one is told by its own wall clock's time zone."""
    start = _moment(event, "DTSTART", place)
    rule = event.get("RRULE")
    if rule is None:
        yield start
        return
    if isinstance(rule, list) or not set(rule.get("FREQ", [])) <= _FREQUENCIES:
        raise InvalidInputError("recurs by one rule that is daily, weekly, monthly or yearly", field=f"{place}.rrule")
    expanded = rruleset()
    try:
        expanded.rrule(rrulestr(rule.to_ical().decode(), dtstart=start))
    except ValueError:
        raise InvalidInputError("the recurrence rule cannot be read", field=f"{place}.rrule") from None
    for left_out in _left_out(event):
        expanded.exdate(left_out)
    present = today.astimezone(start.tzinfo)
    for one in expanded.between(present - max(length, timedelta()), present + AHEAD, inc=True):
        if length <= timedelta() or _end(one, length) > today:
            yield one


def _left_out(event: Component) -> Iterator[datetime]:
    """The occurrences that the calendar takes out again."""
    found = event.get("EXDATE") or []
    for group in found if isinstance(found, list) else [found]:
        for one in group.dts:
            yield _as_moment(one.dt)


def _length(event: Component, place: str) -> timedelta:
    duration = event.get("DURATION")
    if duration is not None and isinstance(duration.dt, timedelta):
        return duration.dt
    if event.get("DTEND") is None:
        raise InvalidInputError("has neither an end nor a duration", field=f"{place}.dtend")
    return _moment(event, "DTEND", place) - _moment(event, "DTSTART", place)


def _moment(event: Component, name: str, place: str) -> datetime:
    found = event.get(name)
    if found is None:
        raise InvalidInputError("is missing", field=f"{place}.{name.lower()}")
    return _as_moment(found.dt)


def _as_moment(value: date | datetime) -> datetime:
    """A day begins at midnight UTC; a time without a zone is taken as UTC."""
    moment = value if isinstance(value, datetime) else datetime.combine(value, time())
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()
