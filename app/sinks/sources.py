"""The API of a source plugin: it knows a foreign system's requests, proves who sent them, and says what happened.

Pure, as a sink is: no network, no clock, no randomness, no logging, no state between calls.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import orjson
from pydantic import BaseModel

from app.sinks.types import API_VERSION


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """What a source plugin says about itself.

    ``name`` is the word in the API (``[a-z][a-z0-9_]{1,31}``) and the ``source.format`` of its events. ``proof`` tells
    people in a sentence how a request shows that its sender knows the secret.
    """

    name: str
    title: str
    description: str
    api_version: int = API_VERSION
    docs_url: str = ""
    proof: str = ""


@dataclass(frozen=True, slots=True)
class Inbound:
    """One request of a foreign system, exactly as it came in.

    Args:
        method: ``POST``, or ``GET`` for systems that first ask who is there.
        headers: by lower-case name.
        body: the raw bytes, which is what signatures are made of.
        received_at: microseconds since 1970, for schemes that sign the time.
    """

    method: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    received_at: int

    def header(self, name: str) -> str:
        """The value of a header, "" when it is missing."""
        return self.headers.get(name.lower(), "")

    def json(self) -> dict[str, Any]:
        """The body as a JSON object.

        Raises:
            BadDeliveryError: it is none.
        """
        try:
            parsed = orjson.loads(self.body)
        except orjson.JSONDecodeError:
            raise BadDeliveryError("the body is not JSON") from None
        if not isinstance(parsed, dict):
            raise BadDeliveryError("the body is not a JSON object")
        return parsed


class BadDeliveryError(ValueError):
    """A verified request that cannot be read; its sender is told the sentence, and sending it again is useless."""


@dataclass(frozen=True, slots=True)
class Handshake:
    """The answer to a request that only asks whether somebody is there; ``body`` is sent as JSON."""

    body: Mapping[str, Any] = field(default_factory=dict)


@runtime_checkable
class EventSource(Protocol):
    """A kind of foreign system that sends what happened in its own form.

    For each request the host calls ``verify`` once per secret that is valid now, and nothing else until one of them
    holds; then ``handshake``, and if that answers None, ``delivery_id`` and ``events``.
    """

    info: SourceInfo
    config_model: type[BaseModel]

    def verify(self, inbound: Inbound, secret: str, config: Any) -> bool:
        """Whether whoever sent this knows the secret. Compare with ``same_text`` or ``signed_with``."""
        ...

    def handshake(self, inbound: Inbound, config: Any) -> Handshake | None:
        """The answer to a request that brings no events but must be answered; None for a real delivery."""
        ...

    def delivery_id(self, inbound: Inbound) -> str:
        """The sender's own id of this delivery, the same when it is sent again; "" when there is none."""
        ...

    def events(self, inbound: Inbound, config: Any) -> Iterable[Mapping[str, Any]]:
        """What happened, each as an object that ``POST /v1/events`` would take; none for what is of no interest.

        An event without an ``id`` gets one made of ``delivery_id``. One that is wrong is refused alone.

        Raises:
            BadDeliveryError: the request cannot be read.
        """
        ...


def same_text(given: str, wanted: str) -> bool:
    """Whether two texts are equal, in a time that does not tell where they differ."""
    return hmac.compare_digest(given.encode(), wanted.encode())


def signed_with(secret: str, content: bytes, given: str, *, prefix: str = "") -> bool:
    """Whether ``given`` is ``prefix`` and the lower-case hexadecimal HMAC-SHA256 of the content, in constant time."""
    return same_text(given, prefix + hmac.new(secret.encode(), content, hashlib.sha256).hexdigest())
