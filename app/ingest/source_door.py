"""Taking the requests of foreign systems: find the source, prove who sends, let its plugin read, accept the events."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import orjson
from sqlalchemy import RowMapping

from app.core.body import BadElement, Element, check_element
from app.core.clock import SECOND, Clock, Micros
from app.core.errors import (
    ForbiddenError,
    InvalidInputError,
    NotFoundError,
    PermanentError,
    RateLimitedError,
    StoreUnavailableError,
)
from app.ingest.accept import IngestResult, IngestService, NothingAcceptedError
from app.ingest.gate import Gate
from app.ingest.passage import Passage
from app.ingest.source_reader import ReadEvents, SourceReader, SourceUnavailableError
from app.ingest.source_tally import SourceOutcome, SourceTally
from app.routing.hook_faults import HookFaults
from app.security.permissions import Role
from app.security.principal import Principal
from app.security.sealed_fields import SOURCE_SECRET
from app.security.vault import Vault
from app.sinks.manager import SinkManager
from app.sinks.sources import EventSource, Handshake, Inbound
from app.store.engine import Store
from app.store.sources import source_row

REMEMBERED_FOR: Micros = 2 * SECOND
"""How long a changed, rotated or deleted source still counts in another process."""
MAX_REMEMBERED = 1_000
_SOURCE_ID = re.compile(r"src_[a-z2-7]{16}")
_AnswerT = TypeVar("_AnswerT")


class UnverifiedError(PermanentError):
    """Whoever sent this did not show that they know the secret."""


@dataclass(frozen=True, slots=True)
class _Source:
    """A source as it was read, its secrets opened."""

    id: str
    kind: str
    enabled: bool
    config: dict[str, Any]
    principal: Principal
    secret: str = field(repr=False)
    previous: str | None = field(repr=False)
    previous_until: Micros
    read_at: Micros

    def secrets(self, now: Micros) -> tuple[str, ...]:
        """The secrets that count now."""
        overlapping = self.previous is not None and now < self.previous_until
        return (self.secret, self.previous or "") if overlapping else (self.secret,)


class SourceDoor:
    """Takes requests of sources, for one process. Used by any thread.

    Args:
        store: where sources are kept.
        vault: opens their secrets.
        sinks: knows the plugins that read their requests.
        ingest: takes the events.
        gate: how much a source may send.
        tally: told what came of each request.
        faults: told what plugins did wrong.
        clock: the time.
    """

    def __init__(
        self,
        store: Store,
        vault: Vault,
        sinks: SinkManager,
        ingest: IngestService,
        gate: Gate,
        tally: SourceTally,
        faults: HookFaults,
        clock: Clock,
    ) -> None:
        self._store = store
        self._vault = vault
        self._sinks = sinks
        self._ingest = ingest
        self._gate = gate
        self._tally = tally
        self._faults = faults
        self._clock = clock
        self._known: dict[str, _Source] = {}
        self._readers: dict[str, SourceReader] = {}

    def take(self, source_id: str, inbound: Inbound) -> Handshake | IngestResult | None:
        """What a request comes to: a greeting, stored events, or None when it has nothing of interest.

        Raises:
            NotFoundError: there is no such source, or it is switched off.
            UnverifiedError: the secret was not shown.
            RateLimitedError: the source has sent too much.
            InvalidInputError: the request cannot be read, or not one event of it can be accepted.
            SourceUnavailableError: its plugin is missing or failed.
            StoreUnavailableError: nothing was committed.
        """
        source = self._source(source_id)
        if not source.enabled:
            self._tally.count(source.id, SourceOutcome.SWITCHED_OFF)
            raise NotFoundError("no such source")
        plugin = self._sinks.source(source.kind)
        if plugin is None:
            self._tally.count(source.id, SourceOutcome.PLUGIN_MISSING)
            raise SourceUnavailableError("the plugin of this source is not loaded; send this again later")
        reader = self._reader(source, plugin)
        greeted = self._counted(source, reader.greet, inbound, source.secrets(inbound.received_at))
        if not greeted.is_verified:
            self._tally.count(source.id, SourceOutcome.UNVERIFIED)
            raise UnverifiedError("the signature or secret of this request is missing or wrong")
        if greeted.handshake is not None:
            self._tally.count(source.id, SourceOutcome.HANDSHAKE)
            return greeted.handshake
        passage = self._admitted(source)
        return self._accepted(source, _parts(source, self._counted(source, reader.read, inbound)), passage)

    def _reader(self, source: _Source, plugin: EventSource) -> SourceReader:
        reader = self._readers.get(source.id)
        if reader is None or reader.plugin is not plugin or reader.settings != source.config:
            if len(self._readers) >= MAX_REMEMBERED:
                self._readers.clear()
            reader = self._readers[source.id] = SourceReader(plugin, source.config, self._faults, self._clock)
        return reader

    def _admitted(self, source: _Source) -> Passage:
        try:
            return self._gate.admit(source.id, self._gate.terms(source.id))
        except RateLimitedError:
            self._tally.count(source.id, SourceOutcome.RATE_LIMITED)
            raise

    def _accepted(self, source: _Source, parts: list[Element | BadElement], passage: Passage) -> IngestResult | None:
        if not parts:
            self._tally.count(source.id, SourceOutcome.IGNORED)
            return None
        try:
            result = self._ingest.accept_parts(parts, source.principal, passage)
        except (NothingAcceptedError, ForbiddenError):
            self._tally.count(source.id, SourceOutcome.INVALID_EVENT, len(parts))
            raise
        except StoreUnavailableError:
            self._tally.count(source.id, SourceOutcome.NOT_STORED)
            raise
        self._tally.count(source.id, SourceOutcome.ACCEPTED, result.accepted)
        self._tally.count(source.id, SourceOutcome.DUPLICATE, result.duplicates)
        self._tally.count(source.id, SourceOutcome.INVALID_EVENT, len(result.rejected))
        return result

    def _counted(self, source: _Source, function: Callable[..., _AnswerT], *given: Any) -> _AnswerT:
        """What the plugin answers; that it could not is counted."""
        try:
            return function(*given)
        except InvalidInputError:
            self._tally.count(source.id, SourceOutcome.UNREADABLE)
            raise
        except SourceUnavailableError:
            self._tally.count(source.id, SourceOutcome.PLUGIN_FAILED)
            raise

    def _source(self, source_id: str) -> _Source:
        now = self._clock()
        known = self._known.get(source_id)
        if known is not None and 0 <= now - known.read_at < REMEMBERED_FOR:
            return known
        if not _SOURCE_ID.fullmatch(source_id):
            raise NotFoundError("no such source")
        with self._store.read() as connection:
            row = source_row(connection, source_id)
        if row is None:
            self._known.pop(source_id, None)
            raise NotFoundError("no such source")
        if len(self._known) >= MAX_REMEMBERED:
            self._known.clear()
        found = self._known[source_id] = self._opened(row, now)
        return found

    def _opened(self, row: RowMapping, now: Micros) -> _Source:
        def opened(column: str) -> str:
            place = {"organization": row["organization_id"], "webhook": row["id"]}
            return self._vault.open(row[column], **place, field=SOURCE_SECRET).decode()

        return _Source(
            id=row["id"],
            kind=row["kind"],
            enabled=row["enabled"],
            config=orjson.loads(row["config"]),
            principal=Principal(row["id"], Role.INGEST, row["organization_id"], row["context_id"]),
            secret=opened("secret_sealed"),
            previous=None if row["previous_sealed"] is None else opened("previous_sealed"),
            previous_until=row["previous_until"] or 0,
            read_at=now,
        )


def _parts(source: _Source, read: ReadEvents) -> list[Element | BadElement]:
    parts = [check_element(index, event) for index, event in enumerate(read.events)]
    return [
        replace(part, header_id=_event_id(read.delivery_id, part.index, len(parts)), source=source.kind)
        if isinstance(part, Element)
        else part
        for part in parts
    ]


def _event_id(delivery_id: str, index: int, number: int) -> str | None:
    if not delivery_id:
        return None
    return delivery_id if number == 1 else f"{delivery_id}.{index}"
