"""The chain of our own audit: each record carries the digest of the one before, so that none can go unnoticed.

A record names an event by its id and by the SHA-256 of its bytes. So the chain proves the events as long as they are
kept, and that they existed after that.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from app.core.clock import Micros

DIGEST_BYTES = 32
START = bytes(DIGEST_BYTES)
"""What the first record of an organization follows."""
BROKEN = hashlib.sha256(b"the head of this chain could not be believed").digest()
"""What a record follows that was written when the head was gone or forged: a break that no later record can hide."""
_VERSION = b"relaypoint audit record 1"
_NUMBER_BYTES = 8
_EVENT_KEY_BYTES = 16


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """One change of an organization's configuration, by its place in the chain, from 1."""

    organization_id: str
    number: int
    event_id: str
    recorded_at: Micros
    content: bytes
    """SHA-256 of the event's bytes."""

    def digest(self, previous: bytes) -> bytes:
        """The digest of this record behind one with the digest ``previous``."""
        parts = (
            previous,
            self.organization_id.encode(),
            self.number.to_bytes(_NUMBER_BYTES, "big"),
            self.event_id.encode(),
            self.recorded_at.to_bytes(_NUMBER_BYTES, "big"),
            self.content,
        )
        # Every part with its length, so that no two different records have the same bytes.
        framed = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
        return hashlib.sha256(_VERSION + framed).digest()


@dataclass(frozen=True, slots=True)
class Head:
    """Where a chain ends: the number and the digest of its last record."""

    number: int
    digest: bytes

    def to_bytes(self) -> bytes:
        """As it is sealed."""
        return self.number.to_bytes(_NUMBER_BYTES, "big") + self.digest

    @classmethod
    def from_bytes(cls, raw: bytes) -> Head:
        """The inverse of :meth:`to_bytes`."""
        return cls(int.from_bytes(raw[:_NUMBER_BYTES], "big"), raw[_NUMBER_BYTES:])


NOTHING_YET = Head(0, START)


def own_event_key(event_id: str) -> bytes:
    """The dedupe key of one of our own events. No event from outside can have it."""
    return hashlib.sha256(event_id.encode()).digest()[:_EVENT_KEY_BYTES]


def content_digest(body: bytes) -> bytes:
    """What a record says of an event's bytes."""
    return hashlib.sha256(body).digest()
