"""The requests of a Splunk HEC webhook: addresses, headers, framing."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from urllib.parse import urlsplit, urlunsplit

import orjson

from app.sinks import GZIP, Item, OutboundRequest, Receipt, address, gzip_body
from plugins.splunk_hec.settings import Acknowledgement, Endpoint, SplunkBinding

COLLECTOR = "/services/collector"
_HEALTH = "/health/1.0"
_ACK = "/ack"
_SECRET = frozenset({"authorization"})
_CHANNEL = "x-splunk-request-channel"

CHANNELS = uuid.UUID("6f1d3c0a-8e0b-5b52-9d5e-3c2f6b7f0a11")
"""Namespace of the channel GUIDs derived from webhook ids: one webhook, one channel, for ever."""


def metadata(binding: SplunkBinding) -> dict[str, str]:
    """Host, source, source type and index as the collector calls them, only those that are set."""
    config = binding.config
    named = {"host": config.host, "source": config.source, "sourcetype": config.sourcetype, "index": config.index}
    return {name: value for name, value in named.items() if value}


def event_request(items: Sequence[Item], binding: SplunkBinding) -> OutboundRequest:
    """Events one after another, a newline between them; HEC takes no JSON array."""
    body = b"\n".join([item.body for item in items])
    headers = [("content-type", "application/json"), _authorization(binding), (_CHANNEL, channel_of(binding))]
    if binding.config.gzip:
        headers.append(GZIP)
        body = gzip_body(body)
    return OutboundRequest(_events_url(binding), body, tuple(headers), secret_headers=_SECRET)


def health_request(binding: SplunkBinding) -> OutboundRequest | None:
    """The health endpoint, with the token so that a wrong one shows; None when the path is a proxy's own."""
    url = _beside_events(binding, _HEALTH)
    return None if url is None else OutboundRequest(url, b"", (_authorization(binding),), "GET", _SECRET)


def ack_request(receipts: Sequence[Receipt], binding: SplunkBinding) -> OutboundRequest | None:
    """Asks which requests of one channel are indexed; None when the path is a proxy's own.

    The channel is the one they were sent on, whatever the settings say now.
    """
    url = _beside_events(binding, _ACK)
    if url is None:
        return None
    body = orjson.dumps({"acks": [int(receipt.id) for receipt in receipts]})
    headers = (("content-type", "application/json"), _authorization(binding), (_CHANNEL, receipts[0].channel))
    return OutboundRequest(url, body, headers, secret_headers=_SECRET)


def can_be_asked(binding: SplunkBinding) -> bool:
    """Whether the settings want acknowledgements, and the address shows where they are asked for."""
    wanted = binding.config.acknowledgement is not Acknowledgement.IGNORE
    return wanted and _beside_events(binding, _ACK) is not None


def channel_of(binding: SplunkBinding) -> str:
    """The channel that events go out on."""
    return binding.config.channel or str(uuid.uuid5(CHANNELS, binding.webhook_id))


def _beside_events(binding: SplunkBinding, place: str) -> str | None:
    parts = urlsplit(_events_url(binding))
    before, found, _ = parts.path.partition(COLLECTOR)
    return urlunsplit((parts.scheme, parts.netloc, before + COLLECTOR + place, "", "")) if found else None


def _events_url(binding: SplunkBinding) -> str:
    """The address events go to; the raw endpoint has no envelope and takes what it needs to know in the query."""
    kind = binding.config.endpoint
    asked = metadata(binding) if kind is Endpoint.RAW else {}
    return address(binding.endpoint_url, f"{COLLECTOR}/{kind}", asked)


def _authorization(binding: SplunkBinding) -> tuple[str, str]:
    return ("authorization", f"Splunk {binding.secrets.token.get_secret_value()}")
