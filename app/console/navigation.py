"""The left navigation: what there is at a place, in the vendor's words where it has them."""

from __future__ import annotations

from dataclasses import dataclass

from app.console.pages import Visit
from app.security.permissions import Permission


@dataclass(frozen=True, slots=True)
class Entry:
    """One link. ``needs`` is what its page asks for, ``group`` the heading it stands under."""

    title: str
    path: str
    icon: str
    needs: Permission
    group: str = ""


_AUDIT_LOG = Entry("Audit log", "audit", "history", Permission.EVENTS_READ)
_OVERVIEW = Entry("Overview", "", "home", Permission.EVENTS_READ)
_SETTINGS = Entry("Settings", "settings", "settings", Permission.ORGANIZATIONS_READ, "Access")
_MEMBERS = Entry("Members", "members", "users", Permission.MEMBERS_READ, "Access")
_WINDOWS = Entry("Change windows", "change-windows", "calendar-time", Permission.POLICIES_READ, "Policies")
ORGANIZATION = (
    _OVERVIEW,
    Entry("Service Contexts", "contexts", "sitemap", Permission.ORGANIZATIONS_READ),
    Entry("Webhooks", "webhooks", "webhook", Permission.WEBHOOKS_READ),
    Entry("Deliveries", "deliveries", "send", Permission.DELIVERIES_READ),
    _AUDIT_LOG,
    _WINDOWS,
    Entry("Sensitivity rules", "sensitivity-rules", "shield-lock", Permission.POLICIES_READ, "Policies"),
    Entry("Event types", "event-types", "list-details", Permission.EVENTS_READ, "Policies"),
    _MEMBERS,
    Entry("API keys", "keys", "key", Permission.KEYS_READ, "Access"),
    Entry("Sources", "sources", "plug-connected", Permission.SOURCES_READ, "Access"),
    _SETTINGS,
)
CONTEXT = (
    _OVERVIEW,
    Entry("Connected devices", "groups", "activity", Permission.EVENTS_READ),
    Entry("Webhooks", "webhooks", "webhook", Permission.WEBHOOKS_READ),
    Entry("Deliveries", "deliveries", "send", Permission.DELIVERIES_READ),
    _AUDIT_LOG,
    _WINDOWS,
    _MEMBERS,
    _SETTINGS,
)

OPERATOR = (
    Entry("Organizations", "/?all=yes", "building", Permission.ORGANIZATIONS_READ),
    Entry("Health", "/ops/health", "heartbeat", Permission.PLATFORM_READ),
    Entry("Queues", "/ops/queues", "stack-2", Permission.PLATFORM_READ),
    Entry("Egress policy", "/ops/egress", "lock", Permission.PLATFORM_READ),
    Entry("Plugins", "/ops/plugins", "package", Permission.PLATFORM_READ),
)
"""Below no place, for whoever has a role of the whole platform."""


def navigation(visit: Visit) -> list[tuple[Entry, str]]:
    """The links of a visitor at a place, each with its address."""
    if visit.place is None:
        return [(entry, entry.path) for entry in OPERATOR if visit.may(entry.needs)]
    entries = ORGANIZATION if visit.place.context_id is None else CONTEXT
    return [
        (entry, visit.url(entry.path) if entry.path else visit.url()) for entry in entries if visit.may(entry.needs)
    ]
