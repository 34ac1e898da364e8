"""Events as ServiceNow reads them: records for Event Management, or rows of a table such as ``incident``."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime

import orjson

from app.sinks import Digest, Event, Story, event_link, tell
from app.sinks.plain_text import cut

SEVERITIES = {1: "5", 2: "4", 3: "3", 4: "2", 5: "1"}
"""Sensitivity to the severity of an event: 1 critical, 2 major, 3 minor, 4 warning, 5 information."""

MAX_SHORT = 160
MAX_TEXT = 4000
MAX_COLUMN = 100
MAX_KEY = 1024
DIGEST_LINES = 20


def event_record(event: Event, source: str, console_url: str) -> dict[str, str]:
    """One record of ``em_event``. ``message_key`` makes a repeated event the same one.

    What has no column of its own goes into ``additional_info``, as JSON in a text: new columns are not allowed there.
    """
    story = tell(event)
    record = {
        "source": source,
        "event_class": cut(story.tags[0] if story.tags else "configuration", MAX_COLUMN),
        "node": cut(story.where, MAX_COLUMN),
        "resource": cut(story.thing or story.title, MAX_COLUMN),
        "type": cut(event.type, MAX_COLUMN),
        "metric_name": cut(story.changes[0].field if story.changes else story.action, MAX_COLUMN),
        "severity": SEVERITIES[story.sensitivity],
        "message_key": cut(event.id, MAX_KEY),
        "description": cut(story.text, MAX_TEXT),
        "additional_info": orjson.dumps(_more(story, console_url)).decode(),
    }
    if story.epoch is not None:
        record["time_of_event"] = f"{datetime.fromtimestamp(story.epoch, UTC):%Y-%m-%d %H:%M:%S}"
    return record


def _more(story: Story, console_url: str) -> dict[str, str]:
    found = {
        "event_id": story.event_id,
        "who": story.who,
        "address": story.address,
        "organization": story.organization,
        "action": story.action,
        "outside_change_window": "" if story.outside is None else str(story.outside).lower(),
        "sensitivity": str(story.sensitivity),
        "tags": ", ".join(story.tags),
        "link": event_link(console_url, story.event_id),
    }
    return {name: value for name, value in found.items() if value}


def table_row(stories: Sequence[Story], console_url: str) -> dict[str, str]:
    """One row for one event or for a whole batch; ``correlation_id`` is what to search for before making another."""
    if len(stories) == 1:
        story = stories[0]
        mark = "Outside the change window: " if story.outside else ""
        short, text, key = f"{mark}{story.line}", story.text, story.event_id
        link = event_link(console_url, story.event_id)
    else:
        digest = Digest.of(stories)
        short, text, key = digest.title, digest.text(DIGEST_LINES), _batch_key(stories)
        link = f"{console_url}/events" if console_url else ""
    room = MAX_TEXT - len(link) - 1
    return {
        "short_description": cut(short, MAX_SHORT),
        "description": f"{cut(text, room)}\n{link}" if link else cut(text, room),
        "correlation_id": cut(key, MAX_COLUMN),
        "correlation_display": "Relaypoint",
    }


def _batch_key(stories: Sequence[Story]) -> str:
    ids = "\n".join(sorted(story.event_id for story in stories))
    return f"batch-{hashlib.blake2b(ids.encode(), digest_size=16).hexdigest()}"
