"""The ingest transaction: duplicates out, contexts in, events and the deliveries they owe, all or nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import Connection

from app.core.clock import Micros
from app.core.event import CanonicalEvent
from app.core.event_types import find_event_type, is_deliverable
from app.core.radius import RadiusRecord, read_radius
from app.ingest.names import KnownNames, Names
from app.ingest.passage import FREE, Buckets, Passage, costs
from app.routing.match import RoutedEvent
from app.routing.owing import owed_by
from app.routing.policies import NO_POLICY, Policy, judge
from app.routing.routing_table import MEMO_LIMIT, Router, RoutingTable
from app.store import Store
from app.store.accepted import EventRow, known_keys, lock_ingest, remember_context, write_events
from app.store.radius import count_radius
from app.store.rate_buckets import spend
from app.store.seen_messages import MessageMark, remember_messages, seen_before
from app.store.seen_types import remember_types
from app.store.traffic import count_events


class Candidate(NamedTuple):
    """One normalised event, not yet known to be new. ``row.owes`` is still empty: only the transaction can tell."""

    row: EventRow
    service: str
    context_name: str | None
    routed: RoutedEvent
    radius: RadiusRecord | None = None

    @classmethod
    def of(cls, event: CanonicalEvent, names: KnownNames, now: Micros, policy: Policy = NO_POLICY) -> Candidate:
        """A candidate of an event whose organization exists and decided this policy."""
        organization_id = event.organization_id or ""
        event, windows = judge(event, policy, now)
        context_name = event.context_name
        if event.context_id and context_name is None:
            context_name = names.context(organization_id, event.context_id)
        body = event.to_json(
            received_at=now,
            organization_name=names.organization(organization_id),
            context_name=context_name,
            windows=windows,
        )
        row = EventRow(
            id=event.id,
            dedupe_key=event.dedupe_key,
            organization_id=organization_id,
            context_id=event.context_id,
            type=event.type,
            action=event.action,
            actor_email=event.actor_email,
            sensitivity=event.sensitivity,
            occurred_at=event.occurred_at,
            received_at=now,
            body=body,
            owes=(),
        )
        return cls(
            row, event.service, event.context_name, RoutedEvent(body, event.actor_type, windows), read_radius(event)
        )


@dataclass(frozen=True, slots=True)
class Written:
    """What the commit stored of one request: how many events were new, and the partitions that got work."""

    accepted: int
    partitions: frozenset[int]


Accepted = tuple[EventRow, RadiusRecord | None]
"""A new event with what it owes, and what is counted of it."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """The events of one request, on their way into the transaction, and how it came in."""

    candidates: Sequence[Candidate]
    passage: Passage = FREE


class EventWriter:
    """Writes groups of requests, one transaction per group.

    Args:
        store: the ledger.
        names: learns of new contexts.
        buckets: learns what senders have taken.
    """

    def __init__(self, store: Store, names: Names, buckets: Buckets) -> None:
        self._store = store
        self._names = names
        self._buckets = buckets
        self._router = Router()
        self._types: set[tuple[str, str]] = set()

    def write(self, group: Sequence[Arrival], now: Micros) -> list[Written]:
        """Store every new event of the group; answers what was stored of each request.

        Raises:
            StoreUnavailableError: nothing was stored.
        """
        with self._store.write() as connection:
            lock_ingest(connection)
            table = self._router.table(connection)
            fresh = _without_copies(connection, group, now)
            candidates = [candidate for request in fresh for candidate in request]
            seen = known_keys(connection, [candidate.row.dedupe_key for candidate in candidates])
            news = self._write_contexts(connection, candidates)
            accepted: list[Accepted] = []
            written = [self._collect(request, table, seen, accepted) for request in fresh]
            _store(connection, accepted)
            new_types = self._remember_types(connection, accepted)
            taken = costs((arrival.passage, len(arrival.candidates)) for arrival in group)
            balances = spend(connection, taken, now) if taken else {}
        self._buckets.learn(balances)
        self._types |= new_types
        for candidate in news:
            self._names.learn(candidate.row.organization_id, candidate.row.context_id or "", candidate.context_name)
        return written

    def _collect(
        self, request: Sequence[Candidate], table: RoutingTable, seen: set[bytes], accepted: list[Accepted]
    ) -> Written:
        before = len(accepted)
        partitions: set[int] = set()
        for candidate in request:
            row = candidate.row
            if row.dedupe_key in seen:
                continue
            seen.add(row.dedupe_key)
            routes = table.matching(row.organization_id, row.context_id, row.type)
            owed = owed_by(candidate.routed, routes, row.received_at)
            partitions |= owed.partitions
            accepted.append((row.owing(owed.owes, owed.skips), candidate.radius))
        return Written(len(accepted) - before, frozenset(partitions))

    def _remember_types(self, connection: Connection, accepted: Sequence[Accepted]) -> set[tuple[str, str]]:
        """Store the types that appear for the first time and are in no catalogue."""
        if len(self._types) > MEMO_LIMIT:
            self._types = set()
        found = {(row.organization_id, row.type) for row, _ in accepted} - self._types
        unlisted = [pair for pair in found if find_event_type(pair[1]) is None]
        if unlisted:
            remember_types(connection, unlisted, accepted[0][0].received_at)
        return found

    def _write_contexts(self, connection: Connection, candidates: Iterable[Candidate]) -> list[Candidate]:
        """Store contexts that appear or change their name; the last name in the group wins."""
        latest: dict[tuple[str, str], Candidate] = {}
        for candidate in candidates:
            row = candidate.row
            if row.context_id and self._names.is_news(row.organization_id, row.context_id, candidate.context_name):
                key = (row.organization_id, row.context_id)
                if key not in latest or candidate.context_name is not None:
                    latest[key] = candidate
        for (organization_id, context_id), candidate in sorted(latest.items(), key=lambda pair: pair[0]):
            remember_context(
                connection,
                organization_id,
                context_id,
                service=candidate.service,
                name=candidate.context_name,
                now=candidate.row.received_at,
            )
        return list(latest.values())


def _without_copies(connection: Connection, group: Sequence[Arrival], now: Micros) -> list[Sequence[Candidate]]:
    """The events of each request; none of one that is a copy of a signed message that came before."""
    signed = [arrival.passage.mark for arrival in group if arrival.passage.mark is not None]
    if not signed:
        return [arrival.candidates for arrival in group]
    seen = seen_before(connection, signed, now)
    fresh: list[Sequence[Candidate]] = []
    news: list[MessageMark] = []
    for arrival in group:
        mark = arrival.passage.mark
        is_copy = mark is not None and (mark.sender, mark.mark) in seen
        fresh.append(() if is_copy else arrival.candidates)
        if mark is not None and not is_copy:
            seen.add((mark.sender, mark.mark))
            news.append(mark)
    remember_messages(connection, news)
    return fresh


def _store(connection: Connection, accepted: Sequence[Accepted]) -> None:
    if accepted:
        write_events(connection, [row for row, _ in accepted])
        count_radius(connection, [record for _, record in accepted if record is not None])
        changes = ((row.organization_id, row.context_id) for row, _ in accepted if is_deliverable(row.type))
        count_events(connection, changes, accepted[-1][0].received_at)
