"""What the formats say of an event, read once and safely, with nothing of any format in it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

from app.sinks import Event, changes, epoch_us, json_text, source_ip, text, text_at, texts

DEFAULT_SENSITIVITY = 3
_SENSITIVITIES = range(1, 6)
_PRODUCTS = {"entrypoint": "EntryPoint"}
_VERBS = {
    "add": "added",
    "create": "created",
    "delete": "deleted",
    "execute": "executed",
    "other": "changed",
    "remove": "removed",
    "update": "updated",
    "view": "viewed",
}
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_DIRECTIONS = (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
"""Unicode's characters that turn the direction of writing: with them a line reads as another (CVE-2021-42574)."""
_CONTROLS = dict.fromkeys((*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029, *_DIRECTIONS), " ")
CUT = "…"


@dataclass(frozen=True, slots=True)
class Changed:
    """One changed setting; the values are texts, compact JSON when they are no texts."""

    path: str
    field: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Facts:
    """One event. Texts are "" when unknown; times are microseconds, None when unreadable.

    ``change_count`` says how many changes there were, also when some of them were left out to save room.
    """

    event_id: str
    event_type: str
    occurred_at: str
    occurred_us: int | None
    received_at: str
    service: str
    organization_id: str
    organization_name: str
    context_id: str
    context_name: str
    actor_type: str
    actor_id: str
    actor_email: str
    action: str
    entity_type: str
    entity_id: str
    entity_name: str
    description: str
    changes: tuple[Changed, ...]
    change_count: int
    tags: tuple[str, ...]
    sensitivity: int
    outside: bool | None
    source_ip: IPv4Address | IPv6Address | None

    @property
    def actor(self) -> str:
        """Who did it: the email address, else the id, else the kind of actor."""
        return self.actor_email or self.actor_id or self.actor_type

    @property
    def is_system(self) -> bool:
        """Nobody: the platform did it by itself."""
        return self.actor_type == "system"

    @property
    def product(self) -> str:
        """The product that the event is about."""
        return _PRODUCTS.get(self.service, self.service or "unknown")

    @property
    def kind(self) -> str:
        """``IpAllowlist`` and ``ip_allowlist`` alike as ``ip_allowlist``."""
        return _CAMEL.sub("_", self.entity_type).lower().replace(" ", "_") or "configuration"

    @property
    def headline(self) -> str:
        """The kind of thing and the kind of change: the same text for every event of the same kind."""
        return f"{self.kind.replace('_', ' ')} {_VERBS.get(self.action, self.action or 'changed')}"

    @property
    def thing(self) -> str:
        """The name of what was changed, else its id, else its kind."""
        return self.entity_name or self.entity_id or self.kind

    @property
    def where_outside(self) -> str:
        """``true``, ``false``, or "" when nobody knows."""
        return "" if self.outside is None else text(self.outside)


def read(event: Event) -> Facts:
    """The facts of an event. Any JSON is taken; nothing raises."""
    data = event.data
    made = tuple(_changed(change) for change in changes(data))
    outside = data.get("outside_change_window")
    return Facts(
        event_id=event.id,
        event_type=event.type,
        occurred_at=text(data.get("occurred_at")),
        occurred_us=epoch_us(data.get("occurred_at")),
        received_at=text(data.get("received_at")),
        service=text(data.get("service")),
        organization_id=text_at(data, "organization", "id"),
        organization_name=text_at(data, "organization", "name"),
        context_id=text_at(data, "context", "id"),
        context_name=text_at(data, "context", "name"),
        actor_type=text_at(data, "actor", "type"),
        actor_id=text_at(data, "actor", "id"),
        actor_email=text_at(data, "actor", "email"),
        action=text(data.get("action")),
        entity_type=text_at(data, "entity", "type"),
        entity_id=text_at(data, "entity", "id"),
        entity_name=text_at(data, "entity", "name"),
        description=text(data.get("description")),
        changes=made,
        change_count=len(made),
        tags=tuple(texts(data.get("tags"))),
        sensitivity=_sensitivity(data.get("sensitivity")),
        outside=outside if isinstance(outside, bool) else None,
        source_ip=_ip(source_ip(data)),
    )


def shorter(facts: Facts, room: int, most: int) -> Facts:
    """The same facts with no value longer than ``room`` characters and at most ``most`` changes and tags."""
    return replace(
        facts,
        description=cut(facts.description, room),
        entity_id=cut(facts.entity_id, room),
        entity_name=cut(facts.entity_name, room),
        changes=tuple(
            Changed(cut(one.path, room), cut(one.field, room), cut(one.before, room), cut(one.after, room))
            for one in facts.changes[:most]
        ),
        tags=tuple(cut(tag, room) for tag in facts.tags[:most]),
    )


def cut(value: str, room: int) -> str:
    """At most ``room`` characters; a cut shows as an ellipsis."""
    return value if len(value) <= room else value[: room - 1] + CUT


def without_controls(value: str) -> str:
    """Line breaks, NUL, turns of direction and every other control character as spaces."""
    return value if value.isprintable() else value.translate(_CONTROLS)


def _changed(change: Mapping[str, Any]) -> Changed:
    return Changed(
        path=text(change.get("path")) or text(change.get("field")),
        field=text(change.get("field")),
        before=json_text(change.get("before")),
        after=json_text(change.get("after")),
    )


def _sensitivity(value: Any) -> int:
    return value if type(value) is int and value in _SENSITIVITIES else DEFAULT_SENSITIVITY


def _ip(value: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(value)
    except ValueError:
        return None
