"""The page of a source: its counts as rows, and the form of its settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from werkzeug.datastructures import MultiDict

from app.console.drawing import Bar
from app.console.sink_form import Group, form_of, read_form
from app.sinks.settings import source_schema
from app.sinks.sources import EventSource

FULL = 100
"""The width of the longest bar."""
_TOP, _THICK = 8, 12
OUTCOMES = {
    "accepted": "Events accepted",
    "duplicate": "Events that came again",
    "handshake": "Greetings of the sender",
    "ignored": "Requests of no interest",
    "unverified": "Signature or secret missing or wrong",
    "switched_off": "The source was closed",
    "unreadable": "Not what this kind of sender sends",
    "invalid_event": "Events that could not be accepted",
    "plugin_missing": "The plugin is missing",
    "plugin_failed": "The plugin failed",
    "rate_limited": "More than the source may send",
    "not_stored": "The database could not take it",
}


@dataclass(frozen=True, slots=True)
class Counted:
    """What came of requests or events for one reason; the bar's length says how many that is beside the others."""

    title: str
    number: int
    is_refusal: bool
    bar: Bar


def counted_rows(source: dict[str, Any]) -> list[Counted]:
    """What was taken, and then what was refused by reason, most often first."""
    taken = [(name, number, False) for name, number in source["counts"].items()]
    refused = [(name, number, True) for name, number in source["refused"].items()]
    refused.sort(key=lambda one: -one[1])
    most = max(number for _, number, _ in [*taken, *refused]) or 1
    return [
        Counted(
            OUTCOMES.get(name, name.replace("_", " ")),
            number,
            is_refusal,
            Bar("bad" if is_refusal else "good", 0, _TOP, round(FULL * number / most, 1), _THICK, 0),
        )
        for name, number, is_refusal in [*taken, *refused]
    ]


def settings_of(plugin: EventSource, stored: dict[str, Any], sent: MultiDict[str, str]) -> list[Group]:
    """The form of the settings that a plugin asks for; empty where it asks for none."""
    return form_of(source_schema(plugin), stored["config"], {}, sent)


def typed_settings(plugin: EventSource | None, sent: MultiDict[str, str]) -> dict[str, Any]:
    """The name and settings that were typed, as the use case takes them; without the plugin, only the name.

    Raises:
        InvalidInputError: an input is no number or no JSON.
    """
    typed: dict[str, Any] = {"name": sent.get("name", "")}
    if plugin is not None:
        typed["config"] = read_form(source_schema(plugin), {}, sent)["config"]
    return typed


def typed_secret(sent: MultiDict[str, str]) -> dict[str, Any]:
    """The secret that was typed; nothing typed is one to be made."""
    typed = sent.get("secret", "").strip()
    return {"secret": typed} if typed else {}
