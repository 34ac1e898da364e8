"""One audit event as PagerDuty reads it."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from app.sinks import Event, Story, event_link, tell
from app.sinks.plain_text import cut


class Kind(StrEnum):
    """What PagerDuty makes of an event."""

    CHANGE = "change"
    ALERT = "alert"


PATHS = {Kind.CHANGE: "/v2/change/enqueue", Kind.ALERT: "/v2/enqueue"}
"""Where each kind goes on ``events.pagerduty.com``."""

MAX_PAYLOAD = 512 * 1024 - 1024
"""Bytes of an event, a little below what the API takes."""
MAX_SUMMARY = 1024
MAX_DEDUP_KEY = 255

SEVERITIES = {1: "info", 2: "info", 3: "warning", 4: "error", 5: "critical"}
"""Sensitivity to the severity of an alert."""


def payload(event: Event, kind: Kind, source: str, console_url: str) -> dict[str, Any]:
    """The request's body without its routing key.

    Args:
        event: the event.
        kind: change event or alert.
        source: what the event is said to come from; "" takes where it happened.
        console_url: base of the link to the event; "" for none.
    """
    story = tell(event)
    inner: dict[str, Any] = {"summary": cut(_summary(story), MAX_SUMMARY), "source": source or story.where}
    if story.stamp:
        inner["timestamp"] = story.stamp
    inner["custom_details"] = _details(story, event)
    body: dict[str, Any] = {"payload": inner}
    if kind is Kind.ALERT:
        body |= {"event_action": "trigger", "dedup_key": cut(event.id, MAX_DEDUP_KEY)}
        inner |= {
            "severity": SEVERITIES[story.sensitivity],
            "component": story.thing or "configuration",
            "group": story.where,
            "class": event.type,
        }
    url = event_link(console_url, event.id)
    return body | {"links": [{"href": url, "text": "Open in Relaypoint"}]} if url else body


def _summary(story: Story) -> str:
    return f"{'Outside the change window: ' if story.outside else ''}{story.line}"


def _details(story: Story, event: Event) -> dict[str, Any]:
    """What the incident page shows beside the summary."""
    details: dict[str, Any] = {
        "who": story.who,
        "where": story.place,
        "when": story.when,
        "grade": story.grade,
        "changes": [f"{change.field}: {change.text}" for change in story.changes],
        "event_id": story.event_id,
        "event_type": event.type,
    }
    if story.more_changes:
        details["more_changes"] = story.more_changes
    if story.address:
        details["address"] = story.address
    if story.tags:
        details["tags"] = ", ".join(story.tags)
    return details
