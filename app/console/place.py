"""The places of the console: an organization or one of its contexts, named by the path of a page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

from app.security.scope import Scope

SERVICES = {
    "entrypoint": "EntryPoint",
    "merakiwpn": "EasyPSK",
    "ise": "Endpoint Manager",
    "signin": "Sign In",
    "organization": "Organization",
}
"""What the services are called."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page is. ``context_id`` None = the organization itself."""

    organization_id: str
    organization: str
    timezone: str
    context_id: str | None = None
    context: str | None = None
    service: str | None = None

    @classmethod
    def of(cls, organization: dict[str, Any], context: dict[str, Any] | None) -> Place:
        """The place of an organization and perhaps a context, as the use cases show them."""
        whole = cls(organization["id"], organization["name"], organization["timezone"])
        if context is None:
            return whole
        name, service = context["name"] or context["id"], context["service"]
        return cls(whole.organization_id, whole.organization, whole.timezone, context["id"], name, service)

    @property
    def path(self) -> str:
        """The beginning of every path here."""
        base = f"/o/{quote(self.organization_id, safe='')}"
        return base if self.context_id is None else f"{base}/c/{quote(self.context_id, safe='')}"

    @property
    def up(self) -> str:
        """The organization's own path."""
        return f"/o/{quote(self.organization_id, safe='')}"

    @property
    def title(self) -> str:
        """Its name, a context with its service, such as "EntryPoint Context: HQ"."""
        if self.context is None:
            return self.organization
        return f"{service_title(self.service or '')} Context: {self.context}"

    @property
    def scope(self) -> Scope:
        """What a page here shows."""
        return Scope(self.organization_id, self.context_id)

    @property
    def zone(self) -> ZoneInfo:
        """The organization's time zone, in which every time is shown."""
        return ZoneInfo(self.timezone)


def service_title(service: str) -> str:
    """What a service is called."""
    return SERVICES.get(service, service.title())


def url(base: str, *parts: str, **query: Any) -> str:
    """A path below another one, with a query; empty values are left out."""
    path = "/".join([base.rstrip("/"), *(quote(part, safe="") for part in parts)])
    asked = {name: value for name, value in query.items() if value not in {None, ""}}
    return f"{path}?{urlencode(asked)}" if asked else path
