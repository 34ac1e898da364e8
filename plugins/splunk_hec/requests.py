"""The requests of a Splunk HEC webhook: addresses, headers, framing."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from urllib.parse import urlsplit, urlunsplit

from app.sinks import GZIP, Item, OutboundRequest, address, gzip_body
from plugins.splunk_hec.settings import Endpoint, SplunkBinding

COLLECTOR = "/services/collector"
_HEALTH = "/health/1.0"
_SECRET = frozenset({"authorization"})

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
    headers = [
        ("content-type", "application/json"),
        _authorization(binding),
        ("x-splunk-request-channel", binding.config.channel or str(uuid.uuid5(CHANNELS, binding.webhook_id))),
    ]
    if binding.config.gzip:
        headers.append(GZIP)
        body = gzip_body(body)
    return OutboundRequest(_events_url(binding), body, tuple(headers), secret_headers=_SECRET)


def health_request(binding: SplunkBinding) -> OutboundRequest | None:
    """The health endpoint, with the token so that a wrong one shows; None when the path is a proxy's own."""
    parts = urlsplit(_events_url(binding))
    before, found, _ = parts.path.partition(COLLECTOR)
    if not found:
        return None
    url = urlunsplit((parts.scheme, parts.netloc, before + COLLECTOR + _HEALTH, "", ""))
    return OutboundRequest(url, b"", (_authorization(binding),), "GET", _SECRET)


def _events_url(binding: SplunkBinding) -> str:
    """The address events go to; the raw endpoint has no envelope and takes what it needs to know in the query."""
    kind = binding.config.endpoint
    asked = metadata(binding) if kind is Endpoint.RAW else {}
    return address(binding.endpoint_url, f"{COLLECTOR}/{kind}", asked)


def _authorization(binding: SplunkBinding) -> tuple[str, str]:
    return ("authorization", f"Splunk {binding.secrets.token.get_secret_value()}")
