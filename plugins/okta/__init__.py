"""Okta: event hooks, which carry events of the system log."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from pydantic import BaseModel

from app.sinks import (
    BadDeliveryError,
    EventSource,
    Handshake,
    Hint,
    Inbound,
    PluginEventType,
    Settings,
    SourceInfo,
    Written,
    hookimpl,
    same_text,
)
from plugins.okta.log_event import EVENT_TYPES, told

__all__ = ["OktaConfig", "OktaSource", "relaypoint_event_types", "relaypoint_sources"]

_CHALLENGE = "x-okta-verification-challenge"
_LONGEST_CHALLENGE = 1_024


class OktaConfig(Settings):
    """What an event hook was set up with."""

    header: Annotated[
        str,
        Written(r"^[A-Za-z0-9-]{1,64}$", "the name of a header: letters, digits and -"),
        Hint(title="Authentication field", help="The header of the event hook that carries the secret."),
    ] = "authorization"


class OktaSource:
    """What Okta sends when an event of the system log happens that an event hook asks for."""

    info = SourceInfo(
        name="okta",
        title="Okta",
        description="Event hooks: users, groups, applications, policies and administrators of an Okta organization.",
        docs_url="https://developer.okta.com/docs/concepts/event-hooks/",
        proof="The secret itself in the authentication field, so the address must be https.",
    )
    config_model: type[BaseModel] = OktaConfig

    def verify(self, inbound: Inbound, secret: str, config: OktaConfig) -> bool:
        """Okta signs nothing; it shows the secret in a header, which is why the address must be https."""
        return same_text(inbound.header(config.header), secret)

    def handshake(self, inbound: Inbound, config: OktaConfig) -> Handshake | None:
        """A new hook is verified once: its challenge is sent back."""
        del config
        if inbound.method != "GET":
            return None
        challenge = inbound.header(_CHALLENGE)
        if not 0 < len(challenge) <= _LONGEST_CHALLENGE:
            raise BadDeliveryError(f"a GET needs the header {_CHALLENGE}")
        return Handshake({"verification": challenge})

    def delivery_id(self, inbound: Inbound) -> str:
        """Nothing here: Okta puts events together differently when it sends again, and each has an id of its own."""
        del inbound
        return ""

    def events(self, inbound: Inbound, config: OktaConfig) -> Iterable[Mapping[str, Any]]:
        """Each event of the system log in the request."""
        del config
        data = inbound.json().get("data")
        events = data.get("events") if isinstance(data, dict) else None
        if not isinstance(events, list):
            raise BadDeliveryError("there is no list data.events: is this an event hook of Okta?")
        # What is no event is handed on as it is: the host refuses it alone, and takes the others.
        return [told(event) if isinstance(event, dict) else event for event in events]


@hookimpl
def relaypoint_sources() -> Iterable[EventSource]:
    """The source of this package."""
    yield OktaSource()


@hookimpl
def relaypoint_event_types() -> Iterable[PluginEventType]:
    """The types an audit asks for most; every other type of the system log comes through too."""
    for name, title in EVENT_TYPES.items():
        yield PluginEventType(f"okta.{name}", title)
