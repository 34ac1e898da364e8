"""Change windows written as the time intervals of an Alertmanager file: the form that says everything about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_PLAIN = frozenset({"name", "time_intervals"})
"""What Alertmanager knows of a time interval; it refuses a file with anything else."""
_FIELDS = ("name", "kind", "starts_at", "ends_at", "grace_minutes", "contexts", "tags", "actors")
_LATIN_1, _BASIC_PLANE = 0xFF, 0xFFFF


def alertmanager_text(windows: Sequence[Mapping[str, Any]], zone: str) -> str:
    """A file that :mod:`app.routing.alertmanager_file` reads back to the same windows.

    Every text stands in quotes, with whatever does not show in it escaped: no name can end its line or turn around
    what stands behind it.

    Args:
        windows: as they are stored.
        zone: what the location ``Local`` means.
    """
    entries = [_entry(one) for one in windows]
    lines = [*_remarks(entries, zone), "time_intervals:" if entries else "time_intervals: []"]
    for entry in entries:
        lines += _lines_of(entry)
    return "\n".join([*lines, ""])


def _entry(window: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a window that say something: no grace and the usual kind are left out."""
    found = {name: window[name] for name in _FIELDS if window.get(name)}
    if found.get("kind") == "allow":
        del found["kind"]
    intervals = window.get("time_intervals") or []
    if intervals:
        found["time_intervals"] = [
            {name: value for name, value in interval.items() if value is not None} for interval in intervals
        ]
    return found


def _remarks(entries: Sequence[Mapping[str, Any]], zone: str) -> list[str]:
    found = ["# Change windows of Relaypoint, all that is stored of them. Import this file to store them again."]
    unknown = sorted({name for entry in entries for name in entry.keys() - _PLAIN})
    if unknown:
        found += [
            "# Alertmanager knows a name and time_intervals, nothing else, and refuses this file as it is:",
            f"# here are also {', '.join(unknown)}. Without them it says less.",
        ]
    if any(one.get("location") == "Local" for entry in entries for one in entry.get("time_intervals", [])):
        found += [
            f"# The location Local is the time zone of the organization that has them, at present {zone};",
            "# to Alertmanager it is that of its machine.",
        ]
    return found


def _lines_of(entry: Mapping[str, Any]) -> list[str]:
    found = [f"{name}: {_flow(value)}" for name, value in entry.items() if name != "time_intervals"]
    if "time_intervals" in entry:
        found.append("time_intervals:")
        for interval in entry["time_intervals"]:
            fields = [f"{name}: {_flow(value)}" for name, value in interval.items()] or ["{}"]
            found += [f"{'  ' if number else '- '}{line}" for number, line in enumerate(fields)]
    return [f"{'  ' if number else '- '}{line}" for number, line in enumerate(found)]


def _flow(value: Any) -> str:
    """A value on one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name}: {_flow(one)}" for name, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_flow(one) for one in value) + "]"
    return '"' + "".join(_escaped(one) for one in str(value)) + '"'


def _escaped(one: str) -> str:
    if one in {'"', "\\"}:
        return f"\\{one}"
    if one.isprintable():
        return one
    code = ord(one)
    if code <= _LATIN_1:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= _BASIC_PLANE else f"\\U{code:08x}"
