"""Splunk HTTP Event Collector: the ``event`` endpoint, JSON objects one after another."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from typing import Annotated, Any
from urllib.parse import urlsplit, urlunsplit

from pydantic import BaseModel, Field

from app.sinks import (
    Answer,
    Binding,
    Event,
    HeaderSecret,
    Hint,
    Item,
    Limits,
    OutboundRequest,
    Outcome,
    Settings,
    Sink,
    SinkInfo,
    describe_settings,
    hookimpl,
)
from plugins.splunk_hec.answers import classify_answer
from plugins.splunk_hec.envelope import envelope

COLLECTOR = "/services/collector"
EVENT_PATH = f"{COLLECTOR}/event"
HEALTH_PATH = f"{COLLECTOR}/health/1.0"

CHANNELS = uuid.UUID("6f1d3c0a-8e0b-5b52-9d5e-3c2f6b7f0a11")
"""Namespace of the channel GUIDs derived from webhook ids: one webhook, one channel, for ever."""

_INDEX = r"^([a-z0-9_][a-z0-9_\-]{0,79})?$"
_GUID = r"^([0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12})?$"


class SplunkConfig(Settings):
    """Where the events go inside Splunk, and how much one request carries."""

    index: Annotated[
        str,
        Field(pattern=_INDEX),
        Hint(title="Index", help="Empty: the token's default index.", group="Splunk", order=1, placeholder="main"),
    ] = ""
    sourcetype: Annotated[
        str,
        Field(min_length=1, max_length=200),
        Hint(title="Source type", help="What your props.conf matches.", group="Splunk", order=2),
    ] = "relaypoint:audit"
    source: Annotated[str, Field(max_length=200), Hint(title="Source", group="Splunk", order=3)] = "relaypoint"
    host: Annotated[
        str,
        Field(max_length=255),
        Hint(title="Host", help="Empty: Splunk fills in the sender's address.", group="Splunk", order=4),
    ] = ""
    cim_fields: Annotated[
        bool,
        Hint(title="CIM Change fields", help="Adds the Change data model's fields.", group="Splunk", order=5),
    ] = True
    channel: Annotated[
        str,
        Field(pattern=_GUID),
        Hint(title="Channel", help="A GUID. Empty: one derived from this webhook's id.", group="Advanced", order=1),
    ] = ""
    max_events: Annotated[int, Field(ge=1, le=10_000), Hint(title="Events per request", group="Advanced", order=2)] = (
        500
    )
    max_bytes: Annotated[
        int,
        Field(ge=10_000, le=5_000_000),
        Hint(title="Bytes per request", help="Uncompressed; a larger event cannot be sent.", group="Advanced", order=3),
    ] = 1_000_000


class SplunkSecrets(Settings):
    """What proves to Splunk that we may write."""

    token: Annotated[
        HeaderSecret,
        Hint(title="HEC token", help="Settings, Data inputs, HTTP Event Collector.", group="Splunk", widget="password"),
    ]


SplunkBinding = Binding[SplunkConfig, SplunkSecrets]


def event_url(endpoint_url: str) -> str:
    """The collector's address: a bare ``https://host:8088`` gets the event path, a full URL stays as it is."""
    parts = urlsplit(endpoint_url)
    path = EVENT_PATH if parts.path in {"", "/"} else parts.path
    return urlunsplit((parts.scheme, parts.netloc, path, parts.query, ""))


def health_url(endpoint_url: str) -> str | None:
    """The collector's health address, or None when the endpoint's path is a proxy's own."""
    parts = urlsplit(event_url(endpoint_url))
    before, found, _ = parts.path.partition(COLLECTOR)
    return urlunsplit((parts.scheme, parts.netloc, before + HEALTH_PATH, "", "")) if found else None


class SplunkHecSink:
    """Events for Splunk Enterprise and Splunk Cloud."""

    info = SinkInfo(
        name="splunk_hec",
        title="Splunk HEC",
        description="Splunk HTTP Event Collector, event endpoint, with fields of the CIM Change data model.",
        docs_url="https://docs.splunk.com/Documentation/Splunk/latest/Data/UsetheHTTPEventCollector",
    )
    config_model: type[BaseModel] = SplunkConfig
    secrets_model: type[BaseModel] = SplunkSecrets

    def limits(self, binding: SplunkBinding) -> Limits:
        """As configured; a newline stands between two events."""
        config = binding.config
        return Limits(config.max_events, config.max_bytes, config.max_bytes - 1, item_overhead=1)

    def format(self, event: Event, binding: SplunkBinding) -> Item:
        """One HEC envelope."""
        config = binding.config
        named = {
            "host": config.host,
            "source": config.source,
            "sourcetype": config.sourcetype,
            "index": config.index,
        }
        metadata = {name: value for name, value in named.items() if value}
        return Item(event.id, envelope(event, metadata, cim=config.cim_fields))

    def build_request(self, items: Sequence[Item], binding: SplunkBinding) -> OutboundRequest:
        """Envelopes one after another, a newline between them; HEC takes no JSON array."""
        body = b"\n".join([item.body for item in items])
        headers = (
            ("content-type", "application/json"),
            _authorization(binding),
            ("x-splunk-request-channel", binding.config.channel or str(uuid.uuid5(CHANNELS, binding.webhook_id))),
        )
        return OutboundRequest(
            event_url(binding.endpoint_url), body, headers, secret_headers=frozenset({"authorization"})
        )

    def classify(self, answer: Answer, items: Sequence[Item], binding: SplunkBinding) -> Outcome:
        """By the HEC code in the body, and by status only when there is none."""
        return classify_answer(answer, items, binding.config.index)

    def probe(self, binding: SplunkBinding) -> OutboundRequest | None:
        """The health endpoint, with the token so that a wrong one shows."""
        url = health_url(binding.endpoint_url)
        if url is None:
            return None
        return OutboundRequest(url, b"", (_authorization(binding),), "GET", frozenset({"authorization"}))

    def describe(self, binding: SplunkBinding) -> dict[str, Any]:
        """The settings for people; the token only as set or not."""
        return describe_settings(binding)


def _authorization(binding: SplunkBinding) -> tuple[str, str]:
    return ("authorization", f"Splunk {binding.secrets.token.get_secret_value()}")


@hookimpl
def relaypoint_sinks() -> Iterable[Sink]:
    """The Splunk HTTP Event Collector."""
    yield SplunkHecSink()
