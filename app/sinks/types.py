"""The values that cross between the host and a sink plugin. All are immutable; none does I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Generic, TypeVar, cast

import orjson
from pydantic import BaseModel, SecretStr

from app.core.endpoint_url import WEB_SCHEMES
from app.core.shown_url import MASK

API_VERSION = 1
"""The plugin API this host speaks. A sink that names another version is refused when it is loaded."""

ConfigT = TypeVar("ConfigT", bound=BaseModel)
SecretsT = TypeVar("SecretsT", bound=BaseModel)


class Event:
    """One canonical event as a sink sees it: its exact JSON bytes, and the parsed form on demand.

    Args:
        id: the canonical event id.
        type: the event type, such as ``entrypoint.configuration.audit``.
        json: the canonical event as UTF-8 JSON, exactly as stored.
    """

    __slots__ = ("_data", "id", "json", "type")

    def __init__(self, id: str, type: str, json: bytes) -> None:  # noqa: A002 - the event's own field names
        self.id = id
        self.type = type
        self.json = json
        self._data: dict[str, Any] | None = None

    @property
    def data(self) -> dict[str, Any]:
        """The parsed event, parsed once. Treat it as read-only: other sinks may see the same object."""
        if self._data is None:
            self._data = cast("dict[str, Any]", orjson.loads(self.json))
        return self._data


@dataclass(frozen=True, slots=True)
class Binding(Generic[ConfigT, SecretsT]):
    """Everything a sink may know about the webhook it works for.

    ``config`` and ``secrets`` are validated instances of the sink's own models. ``batch`` is True in batch mode.
    ``access_token`` is there while ``build_request`` runs, for a sink that asked for one (``app.sinks.tokens``).
    """

    webhook_id: str
    webhook_name: str
    organization_id: str
    endpoint_url: str
    config: ConfigT
    secrets: SecretsT = field(repr=False)
    batch: bool = False
    access_token: SecretStr | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request of this sink may hold. The host packs by it.

    ``max_bytes`` and ``max_item_bytes`` count uncompressed body bytes; ``item_overhead`` is what framing adds to
    each item (a comma, a newline), ``request_overhead`` what it adds once (two brackets). ``rate_per_s`` is how many
    requests a second the receiver takes, None for any number; a webhook's own lower limit goes before it.
    ``pace_key`` names what has that pace, such as a channel: webhooks of this sink with the same key share it. "" = the
    webhook has it for itself. It is kept as a digest, so it may hold a secret.
    """

    max_events: int = 20_000
    max_bytes: int = 8 * 1024 * 1024
    max_item_bytes: int = 8 * 1024 * 1024
    item_overhead: int = 1
    rate_per_s: int | None = None
    request_overhead: int = 0
    pace_key: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    """One formatted event, ready to be framed into a request."""

    event_id: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Reject:
    """The sink can never send this event; ``reason`` says why, without secrets."""

    event_id: str
    reason: str


SYSLOG_METHOD = "SYSLOG"
"""What history shows as the method of bytes written to a syslog receiver."""


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """A certificate and its key, PEM, to show to a receiver that wants to know its clients by TLS."""

    certificate: bytes
    key: bytes = field(repr=False)


class SignatureKind(StrEnum):
    """How a request is signed (Standard Webhooks): with a shared secret, or with a key whose public half is known."""

    V1 = "v1"
    V1A = "v1a"


@dataclass(frozen=True, slots=True)
class OutboundRequest:
    """One HTTP request for the host to send, or bytes for it to write to a syslog receiver.

    For ``syslog+tls://``, ``syslog+tcp://`` and ``syslog+udp://`` the body is written as it is, complete with its
    framing (over UDP as one datagram); there are no headers, and ``method`` is ``SYSLOG_METHOD``. Nobody answers, so
    the host calls it accepted but unconfirmed when every byte was written, and ``classify`` is not asked.

    For HTTP, the host adds the webhook's own headers, ``user-agent``, and the Standard Webhooks headers; a sink adds
    ``content-type`` and its credentials. Names listed in ``secret_headers`` (lower case) are masked in history, and
    so is every occurrence in the body of a text in ``secret_texts``, for receivers that want their key there.
    ``client_certificate`` is shown to a receiver that asks for one during the TLS handshake.
    """

    url: str
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()
    method: str = "POST"
    secret_headers: frozenset[str] = frozenset()
    secret_texts: tuple[str, ...] = field(default=(), repr=False)
    client_certificate: ClientCertificate | None = None

    @property
    def shown_body(self) -> bytes:
        """The body as history keeps it: the very bytes, except for the secret texts."""
        body = self.body
        for secret in self.secret_texts:
            body = body.replace(secret.encode(), MASK.encode())
        return body


@dataclass(frozen=True, slots=True)
class Answer:
    """A receiver's HTTP answer. ``headers`` has lower-case names; ``body`` is cut at 64 KiB (``truncated``)."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    truncated: bool = False


class Verdict(StrEnum):
    """What an answer means."""

    DELIVERED = "delivered"
    ACCEPTED_UNCONFIRMED = "accepted_unconfirmed"
    PARTIAL = "partial"
    RETRY = "retry"
    THROTTLE = "throttle"
    SPLIT = "split"
    REJECT = "reject"
    SINK_BROKEN = "sink_broken"


@dataclass(frozen=True, slots=True)
class Outcome:
    """A sink's reading of an answer.

    Args:
        verdict: what it means.
        reason: one plain sentence for the history, without secrets.
        retry_after_s: for RETRY and THROTTLE, the wait the receiver asked for, in seconds; for DELIVERED, the pause it
            would like before the next request.
        items: for PARTIAL, one Outcome per item of the request, in order, none of them PARTIAL itself.
        disable: for SINK_BROKEN, the receiver says it is gone for good (410): the webhook is disabled.
    """

    verdict: Verdict
    reason: str = ""
    retry_after_s: float | None = None
    items: tuple[Outcome, ...] = ()
    disable: bool = False


@dataclass(frozen=True, slots=True)
class SinkInfo:
    """What a sink says about itself.

    ``name`` is the entry-point name and the word in the API (``[a-z][a-z0-9_]{1,31}``). ``idempotency`` says where a
    receiver finds the event's id so that it can drop a repeated event, such as "``_id`` of the document"; "" = nowhere,
    so that a retry after an unknown outcome may show twice. ``sample_url`` is an address of the kind users give.
    ``secret_url`` says that whoever knows the endpoint URL may send (Slack, Teams): only its origin is ever shown.
    ``schemes`` are those that an endpoint URL of this sink may have.
    """

    name: str
    title: str
    description: str
    api_version: int = API_VERSION
    supports_batch: bool = True
    docs_url: str = ""
    idempotency: str = ""
    sample_url: str = "https://receiver.example/"
    secret_url: bool = False
    schemes: tuple[str, ...] = WEB_SCHEMES


@dataclass(frozen=True, slots=True)
class PluginEventType:
    """An event type that a plugin adds to the catalogue.

    Args:
        id: as sources send it: dotted, the first part is the service.
        title: a short name for people.
    """

    id: str
    title: str


@dataclass(frozen=True, slots=True)
class Classification:
    """What a plugin adds to the rating of an event.

    Args:
        tags: added to the tags it has.
        sensitivity: 1 to 5; it counts where it is higher than the present one. None says nothing.
    """

    tags: tuple[str, ...] = ()
    sensitivity: int | None = None


@dataclass(frozen=True, slots=True)
class ObservedAttempt:
    """One attempt as it was recorded.

    Args:
        delivery_id: the delivery it was made for.
        webhook_id: its webhook.
        organization_id: the webhook's organization.
        sink: the webhook's sink.
        number: from 1; every attempt of a delivery has one of its own.
        started_at: microseconds since 1970.
        outcome: ``delivered``, ``unconfirmed``, ``retry``, ``throttled``, ``rejected``, ``sink_broken``, ``split``,
            ``unknown``, ``blocked`` or ``our_fault``.
        status: of the HTTP answer, None without one.
        error: the kind of failure, None when the receiver answered.
    """

    delivery_id: str
    webhook_id: str
    organization_id: str
    sink: str
    number: int
    started_at: int
    outcome: str
    status: int | None
    error: str | None
