"""GitHub: webhooks of repositories and organizations as audit events."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel

from app.sinks import (
    BadDeliveryError,
    EventSource,
    Handshake,
    Inbound,
    PluginEventType,
    Settings,
    SourceInfo,
    hookimpl,
    signed_with,
)
from plugins.github.change import told
from plugins.github.kinds import KINDS

__all__ = ["GitHubSource", "relaypoint_event_types", "relaypoint_sources"]

_PING = "ping"
_JSON = "application/json"


class GitHubSource:
    """What GitHub sends when somebody changes a repository, an organization, a team or who may do what."""

    info = SourceInfo(
        name="github",
        title="GitHub",
        description="Webhooks of repositories and organizations: access, protection rules, keys, teams, settings.",
        docs_url="https://docs.github.com/en/webhooks",
        proof="HMAC-SHA256 of the body, made with the secret, in the header x-hub-signature-256.",
    )
    config_model: type[BaseModel] = Settings

    def verify(self, inbound: Inbound, secret: str, config: Settings) -> bool:
        """``x-hub-signature-256`` is the HMAC of the body with the webhook's secret."""
        del config
        return signed_with(secret, inbound.body, inbound.header("x-hub-signature-256"), prefix="sha256=")

    def handshake(self, inbound: Inbound, config: Settings) -> Handshake | None:
        """GitHub pings a new webhook once."""
        del config
        return Handshake({"pong": True}) if inbound.header("x-github-event") == _PING else None

    def delivery_id(self, inbound: Inbound) -> str:
        """A redelivery by hand carries the same one."""
        return inbound.header("x-github-delivery")

    def events(self, inbound: Inbound, config: Settings) -> Iterable[Mapping[str, Any]]:
        """One event per webhook request; none for what is no configuration, such as a push."""
        del config
        kind = KINDS.get(inbound.header("x-github-event"))
        if kind is None:
            return ()
        if not inbound.header("content-type").startswith(_JSON):
            raise BadDeliveryError("set the webhook's content type to application/json")
        return (told(kind, inbound.json()),)


@hookimpl
def relaypoint_sources() -> Iterable[EventSource]:
    """The source of this package."""
    yield GitHubSource()


@hookimpl
def relaypoint_event_types() -> Iterable[PluginEventType]:
    """What this source tells of."""
    for kind in KINDS.values():
        yield PluginEventType(kind.event_type, kind.title)
