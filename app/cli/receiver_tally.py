"""What a receiver has seen: distinct deliveries, duplicates, bad signatures, and events that never came."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from app.core.signing import ID_HEADER, SIGNATURE_HEADER, TIMESTAMP_HEADER, Reason, verify


@dataclass(frozen=True, slots=True)
class Seen:
    """How one request counted. ``group`` names the webhook it came through, as far as a receiver can tell."""

    group: str
    delivery_id: str
    reason: Reason | None
    duplicate: bool
    events: tuple[str, ...]

    @property
    def genuine(self) -> bool:
        """True unless signatures are checked and this one was wrong."""
        return self.reason is None or self.reason is Reason.OK


class Tally:
    """Counts requests. A delivery is known by the secret that signed it (or its path) and its ``webhook-id``.

    Args:
        secrets: signing secrets; none means signatures are not checked.
        expected: ids of events that ought to arrive, None if unknown.
    """

    def __init__(self, secrets: Sequence[bytes] = (), expected: Iterable[str] | None = None) -> None:
        self.requests = 0
        self.refused = 0
        self._secrets = tuple(secrets)
        self._expected = None if expected is None else frozenset(expected)
        self._deliveries: set[tuple[str, str]] = set()
        self._group_events: set[tuple[str, str]] = set()
        self._events: set[str] = set()
        self._duplicates = 0
        self._event_duplicates = 0
        self._invalid = 0

    def refuse(self) -> None:
        """Counts a request that was answered with an error on purpose; its retry is not a duplicate."""
        self.requests += 1
        self.refused += 1

    def take(self, path: str, headers: Mapping[str, str], body: bytes, now_s: int) -> Seen:
        """Counts a request that is about to be accepted.

        Args:
            path: the request target.
            headers: lower-case names.
            body: the exact bytes.
            now_s: seconds since the epoch, to judge the age of a signature.
        """
        self.requests += 1
        delivery_id = headers.get(ID_HEADER) or hashlib.sha256(body).hexdigest()
        group, reason = self._check(path, headers, body, now_s)
        if reason not in {None, Reason.OK}:
            self._invalid += 1
            return Seen(group, delivery_id, reason, duplicate=False, events=())
        key = (group, delivery_id)
        duplicate = key in self._deliveries
        self._deliveries.add(key)
        self._duplicates += duplicate
        events = tuple(event_ids(body))
        for event in events:
            self._event_duplicates += (group, event) in self._group_events
            self._group_events.add((group, event))
        self._events.update(events)
        return Seen(group, delivery_id, reason, duplicate, events)

    def _check(self, path: str, headers: Mapping[str, str], body: bytes, now_s: int) -> tuple[str, Reason | None]:
        if not self._secrets:
            return path, None
        result = verify(
            self._secrets,
            message_id=headers.get(ID_HEADER),
            timestamp=headers.get(TIMESTAMP_HEADER),
            signature=headers.get(SIGNATURE_HEADER),
            body=body,
            now_s=now_s,
        )
        return (path if result.secret_index is None else f"secret {result.secret_index + 1}"), result.reason

    def summary(self) -> dict[str, Any]:
        """The counts so far; ``missing`` is sorted and empty if nothing was expected."""
        return {
            "requests": self.requests,
            "refused": self.refused,
            "distinct": len(self._deliveries),
            "duplicates": self._duplicates,
            "invalid_signatures": self._invalid,
            "events_distinct": len(self._events),
            "events_duplicates": self._event_duplicates,
            "missing": sorted(self._expected - self._events) if self._expected is not None else [],
        }


def event_ids(body: bytes) -> list[str]:
    """The event ids in a body: an object, an array, JSON lines, or objects that wrap one under ``event``."""
    found: list[str] = []
    for document in _documents(body):
        for element in document if isinstance(document, list) else [document]:
            if not isinstance(element, dict):
                continue
            wrapped = element.get("event")
            event_id = (wrapped if isinstance(wrapped, dict) else element).get("id")
            if isinstance(event_id, str):
                found.append(event_id)
    return found


def expected_ids(text: bytes) -> frozenset[str]:
    """Event ids from a file: one per line, or JSON with ``id`` or ``ids`` (what the API answered), one per line."""
    ids: set[str] = set()
    for line in filter(None, map(bytes.strip, text.splitlines())):
        if line[:1] not in b"{[":
            ids.add(line.decode(errors="replace"))
            continue
        for document in _documents(line):
            listed = document.get("ids") if isinstance(document, dict) else document
            ids.update(value for value in listed or () if isinstance(value, str))
        ids.update(event_ids(line))
    return frozenset(ids)


def _documents(body: bytes) -> list[Any]:
    try:
        return [orjson.loads(body)]
    except orjson.JSONDecodeError:
        pass
    documents = []
    for line in body.splitlines():
        try:
            documents.append(orjson.loads(line))
        except orjson.JSONDecodeError:
            continue
    return documents
