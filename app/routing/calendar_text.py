"""Change windows written as a calendar (RFC 5545), for whoever wants to see them beside their meetings.

A calendar cannot say all of a window: whom it covers stands in words only, and what no rule can say is left out and
named. The form that says everything is :mod:`app.routing.alertmanager_text`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from icalendar import Calendar, Event, Timezone, vRecur, vText

from app.core.clock import MINUTE, SECOND, Micros
from app.core.errors import InvalidInputError
from app.core.windows.interval import TimeInterval
from app.core.windows.window import ChangeWindow, WindowKind
from app.core.windows.window_input import read_window
from app.routing.calendar_series import AHEAD, days_of_interval
from app.routing.window_entry import GRACE_MARK, KIND_MARK, SCOPE_MARK

MOST_EVENTS = 2_000
"""Events of one calendar."""
_WORDS = {WindowKind.ALLOW: "Changes are expected.", WindowKind.FREEZE: "Freeze: no change at all."}
_DAY = 1_440
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ZONES_BACK, _ZONES_AHEAD = timedelta(days=366), timedelta(days=366 * 12)
"""For how long the calendar's own description of a time zone holds; what reads it knows the name, as a rule."""
_CONTROLS = {code: "\ufffd" for code in (*range(0x20), 0x7F) if code not in {0x09, 0x0A, 0x0D}}
"""What no text of a calendar may hold (RFC 5545, section 3.1)."""


def calendar_text(windows: Sequence[Mapping[str, Any]], zone: str, now: Micros) -> str:
    """A calendar of all windows: what happens once as an event, each recurring stretch as an event with its rule.

    Args:
        windows: as they are stored.
        zone: what the location ``Local`` means.
        now: from whose day on recurring windows are told.
    """
    present = _EPOCH + timedelta(microseconds=now)
    calendar = Calendar()
    calendar.add("prodid", "-//Relaypoint//Change windows//EN")
    calendar.add("version", "2.0")
    calendar.add("x-wr-calname", "Change windows")
    left_out: list[str] = []
    for stored in windows:
        events, is_all = _events_of(stored, zone, present)
        room = MOST_EVENTS - len(calendar.subcomponents)
        calendar.subcomponents += events[:room]
        if not is_all or len(events) > room:
            left_out.append(_shown(stored["name"]))
    calendar.add("x-wr-caldesc", vText(_description(left_out)))
    for name in sorted(calendar.get_missing_tzids()):
        described = Timezone.from_tzid(
            name, first_date=(present - _ZONES_BACK).date(), last_date=(present + _ZONES_AHEAD).date()
        )
        calendar.subcomponents.insert(0, described)
    written: bytes = calendar.to_ical()
    return written.decode()


def _events_of(stored: Mapping[str, Any], zone: str, present: datetime) -> tuple[list[Event], bool]:
    """The events of a window, and whether they are all of it."""
    try:
        window = read_window(stored["name"], stored, local_zone=zone)
    except InvalidInputError:
        # A time zone that this machine does not know any more: such a window is never open.
        return [], False
    found, is_all = [], True
    names: Counter[int] = Counter()
    for index, interval in enumerate(window.intervals):
        days = days_of_interval(interval, present.astimezone(interval.zone).date())
        is_all = is_all and days.is_all
        for number, (start, end) in enumerate(interval.times or ((0, _DAY),)):
            names[start] += 1
            # Two events of one name must not begin together: an import tells them apart by name and beginning.
            summary = window.name if names[start] == 1 else f"{window.name} ({names[start]})"
            for part, series in enumerate(days.series):
                event = _event(window, summary, f"{stored['id']}-{index}-{number}-{part}", present)
                event.add("dtstart", _local(series.first, start, interval))
                event.add("dtend", _local(series.first, end, interval))
                event.add("rrule", vRecur(series.rule))
                found.append(event)
    if window.starts_at is not None and window.ends_at is not None:
        event = _event(window, window.name, stored["id"], present)
        event.add("dtstart", _EPOCH + timedelta(seconds=window.starts_at // SECOND))
        event.add("dtend", _EPOCH + timedelta(seconds=-(-window.ends_at // SECOND)))
        found.append(event)
    return found, is_all


def _event(window: ChangeWindow, summary: str, uid: str, present: datetime) -> Event:
    event = Event()
    event.add("uid", f"{uid}@relaypoint")
    event.add("dtstamp", present.replace(microsecond=0))
    event.add("summary", _shown(summary))
    event.add("description", "\n".join(_told(window)))
    event.add("transp", "TRANSPARENT")
    event.add(KIND_MARK, window.kind.value)
    if window.grace:
        event.add(GRACE_MARK, str(window.grace // MINUTE))
    if any(names is not None for names in (window.contexts, window.tags, window.actors)):
        event.add(SCOPE_MARK, "partial")
    return event


def _told(window: ChangeWindow) -> Iterator[str]:
    """What the times of an event do not say, in words."""
    yield _WORDS[window.kind]
    if window.grace:
        yield f"For {window.grace // MINUTE} minutes after its end a change still counts as inside."
    for word, names in (("contexts", window.contexts), ("tags", window.tags), ("people", window.actors)):
        if names is not None:
            yield f"Only for these {word}: {', '.join(_shown(name) for name in sorted(names))}"


def _description(left_out: Sequence[str]) -> str:
    lines = ["Change windows of Relaypoint. Where the clock is changed, a calendar may differ by an hour on that day."]
    if left_out:
        lines.append(
            "These windows are not here, or in part: no rule of a calendar says them, they begin more than "
            f"{AHEAD.days} days from now, their time zone is not known, or there are more than {MOST_EVENTS:,} events: "
            f"{'; '.join(left_out)}"
        )
    return "\n".join(lines)


def _local(day: date, minute: int, interval: TimeInterval) -> datetime:
    """A minute of a day by the interval's clock; 24:00 is the next midnight."""
    clock = time(minute % _DAY // 60, minute % 60)
    return datetime.combine(day + timedelta(days=minute // _DAY), clock, tzinfo=interval.zone)


def _shown(name: str) -> str:
    return name.translate(_CONTROLS)
