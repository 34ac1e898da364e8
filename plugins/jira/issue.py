"""Issues as Jira Cloud's REST API takes them: one per event, or one per batch."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from app.sinks import Digest, Story
from app.sinks.plain_text import cut
from plugins.jira.document import describe_many, describe_one

MAX_SUMMARY = 255
MAX_LABEL = 255
PROPERTY = "relaypoint"
"""Key of the entity property that carries the ids of the events."""

_MAX_IDS = 300
"""Ids in the property; its value may have 32,768 characters."""
_NOT_IN_A_LABEL = re.compile(r"[^A-Za-z0-9_.:\-]")
_PRIORITIES = {1: "Lowest", 2: "Low", 3: "Medium", 4: "High", 5: "Highest"}
"""Sensitivity to the names of Jira's default priorities."""


@dataclass(frozen=True, slots=True)
class Form:
    """What every issue of a webhook has in common."""

    project: str
    issue_type: str
    labels: tuple[str, ...] = ()
    priority: bool = False
    console_url: str = ""
    sensitive_from: int = 4


def issue_of_one(story: Story, form: Form) -> dict[str, Any]:
    """The issue for one event."""
    mark = "Outside the change window: " if story.outside else ""
    description = describe_one(story, form.console_url)
    return _issue(form, f"{mark}{story.line}", description, story.sensitivity, [story.event_id])


def issue_of_many(stories: Sequence[Story], form: Form) -> dict[str, Any]:
    """The issue for a batch."""
    digest = Digest.of(stories, form.sensitive_from)
    ids = [story.event_id for story in stories]
    return _issue(form, digest.title, describe_many(digest, form.console_url), digest.stories[0].sensitivity, ids)


def own_label(event_ids: Sequence[str]) -> str:
    """The label by which an issue is found again: of the event, or of exactly these events."""
    if len(event_ids) == 1:
        return cut("relaypoint-" + _NOT_IN_A_LABEL.sub("-", event_ids[0]), MAX_LABEL)
    digest = hashlib.blake2b("\n".join(sorted(event_ids)).encode(), digest_size=12).hexdigest()
    return f"relaypoint-batch-{digest}"


def _issue(form: Form, summary: str, description: dict[str, Any], level: int, ids: Sequence[str]) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "project": {"key": form.project},
        "issuetype": {"name": form.issue_type},
        "summary": cut(summary, MAX_SUMMARY),
        "description": description,
        "labels": [*form.labels, own_label(ids)],
    }
    if form.priority:
        fields["priority"] = {"name": _PRIORITIES[level]}
    value = {"event_ids": list(ids[:_MAX_IDS]), "events": len(ids)}
    return {"fields": fields, "properties": [{"key": PROPERTY, "value": value}]}
