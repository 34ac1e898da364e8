"""Looking for deliveries, newest first, at a bounded price: what a filter costs never depends on how little it finds.

A walk goes through one range of one index and looks the other tables up by key, asked with scalar sub-queries, which
no planner can turn around. It ends after so many deliveries, found or not, and says how far it came.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, literal, select

from app.core.answer_class import AnswerClass
from app.core.clock import Micros
from app.core.states import DeliveryState
from app.delivery.delivery_keys import Owner, numbers_named
from app.store.last_status import last_answer_is
from app.store.spans import Span, span_of
from app.store.tables import batches, deliveries, events

SCAN_LIMIT = 10_000
"""Deliveries looked at for one page; a filter that fits few of them then answers a short page to go on from."""
OPEN_LIMIT = 2_500
"""Deliveries without an end that are all looked at; among more of them a walk finds some soon."""
_CHUNK = 500
"""Keys per statement; well under SQLite's bound on variables."""
_BATCHES = 100
"""Unsent batches whose members are all looked at."""

States = tuple[DeliveryState, ...]

_OPEN: States = (DeliveryState.PENDING, DeliveryState.SENDING)
_INDEXED = frozenset({DeliveryState.FAILED, DeliveryState.SKIPPED, DeliveryState.PARKED, DeliveryState.ACCEPTED})
_TRIED_IN_VAIN = (DeliveryState.FAILED, DeliveryState.PARKED)


@dataclass(frozen=True, slots=True)
class DeliveryFilter:
    """Which deliveries to list; None = any.

    Args:
        state: where they stand.
        code: what their last attempt got. Every class but 2xx leaves out what was delivered, unless ``state`` names it.
        event_type: of their event.
        since: their event was received then or later.
        until: their event was received before.
        query: an event id or its start, a delivery id, or the ``webhook-id`` of a request.
    """

    state: DeliveryState | None = None
    code: AnswerClass | None = None
    event_type: str | None = None
    since: Micros | None = None
    until: Micros | None = None
    query: str | None = None


@dataclass(frozen=True, slots=True)
class Stretch:
    """What a walk found: event numbers, highest first.

    ``reached`` is the number down to which everything was looked at; None = nothing is left behind it.
    """

    numbers: Sequence[int]
    reached: int | None = None


class DeliveryWalk:
    """Looks for the deliveries that a filter means.

    Args:
        connection: to the database.
        wanted: the filter.
        share: how many deliveries of one webhook are looked at.
    """

    def __init__(self, connection: Connection, wanted: DeliveryFilter, share: int) -> None:
        self._connection = connection
        self._wanted = wanted
        self._share = share
        self._spans: dict[str, Span] = {}

    def of(self, owner: Owner, before: int | None, room: int) -> Stretch:
        """Up to ``room`` deliveries of a webhook whose event number is below ``before``."""
        span = self._span(owner.organization_id).below(before)
        name = self._wanted.query
        known = numbers_named(self._connection, owner, name) if name else None
        if known is not None:
            return self._among(owner, known, span, room, self._conditions())
        return merged([self._walk(owner, states, span, room) for states in self._ways()])

    def _span(self, organization_id: str) -> Span:
        if organization_id not in self._spans:
            ends = (self._wanted.since, self._wanted.until)
            self._spans[organization_id] = span_of(self._connection, organization_id, *ends)
        return self._spans[organization_id]

    def _ways(self) -> list[States]:
        """The states that are looked for each on a way of its own; none = any."""
        if self._wanted.state is not None:
            return [(self._wanted.state,)]
        if self._wanted.code is None or not self._wanted.code.leaves_out_delivered:
            return [()]
        return [_OPEN, *((state,) for state in _TRIED_IN_VAIN)]

    def _walk(self, owner: Owner, states: States, span: Span, room: int) -> Stretch:
        if states and set(states) <= set(_OPEN):
            few = self._open_numbers(owner)
            if few is not None:
                return self._among(owner, few, span, room, [_is_in(states), *self._conditions()])
        path = [deliveries.c.webhook_pk == owner.pk, deliveries.c.event_seq.between(*span)]
        loose = self._loose()
        if _INDEXED.issuperset(states) and states:
            path += [deliveries.c.state == states[0], _ENDED_BADLY]
        elif states:
            loose.append(_is_in(states))
        floor = self._floor(path) if loose else None
        if floor is not None:
            path.append(deliveries.c.event_seq > floor)
        found = self._numbers([*path, *loose, *self._times()], room)
        if len(found) == room:
            return Stretch(found, found[-1])
        return Stretch(found, None if floor is None else floor + 1)

    def _floor(self, path: Sequence[ColumnElement[bool]]) -> int | None:
        """The first delivery on the way that is not looked at any more; None = all are."""
        statement = select(deliveries.c.event_seq).where(*path).order_by(deliveries.c.event_seq.desc())
        return self._connection.execute(statement.offset(self._share).limit(1)).scalar_one_or_none()

    def _numbers(self, conditions: Iterable[ColumnElement[bool]], room: int) -> list[int]:
        statement = select(deliveries.c.event_seq).where(*conditions).order_by(deliveries.c.event_seq.desc())
        return list(self._connection.execute(statement.limit(room)).scalars())

    def _among(
        self, owner: Owner, numbers: Iterable[int], span: Span, room: int, conditions: Sequence[ColumnElement[bool]]
    ) -> Stretch:
        """Those of some known deliveries that match."""
        within = sorted({number for number in numbers if span.first <= number <= span.last}, reverse=True)
        found: list[int] = []
        for start in range(0, len(within), _CHUNK):
            these = deliveries.c.event_seq.in_(within[start : start + _CHUNK])
            found += self._numbers([deliveries.c.webhook_pk == owner.pk, these, *conditions], room - len(found))
            if len(found) == room:
                return Stretch(found, found[-1])
        return Stretch(found)

    def _open_numbers(self, owner: Owner) -> list[int] | None:
        """Every delivery without an end: it is due at some time, or a member of a batch that is. None = too many."""
        most = min(self._share, OPEN_LIMIT)
        due = (
            select(deliveries.c.event_seq)
            .where(deliveries.c.webhook_pk == owner.pk, deliveries.c.due_at > 0)
            .order_by(deliveries.c.due_at, deliveries.c.event_seq)
            .limit(most + 1)
        )
        found = list(self._connection.execute(due).scalars())
        unsent = (
            select(batches.c.pk)
            .where(batches.c.webhook_pk == owner.pk, batches.c.due_at > 0)
            .order_by(batches.c.due_at)
            .limit(_BATCHES)
        )
        pks = self._connection.execute(unsent).scalars().all()
        if pks and len(found) <= most:
            members = select(deliveries.c.event_seq).where(deliveries.c.batch_pk.in_(pks))
            found += self._connection.execute(members.limit(most + 1)).scalars()
        return found if len(found) <= most and len(pks) < _BATCHES else None

    def _conditions(self) -> list[ColumnElement[bool]]:
        """The whole filter but for an id, which was found."""
        state = [] if self._wanted.state is None else [_is_in((self._wanted.state,))]
        return [*state, *self._loose(by_start=False), *self._times()]

    def _loose(self, *, by_start: bool = True) -> list[ColumnElement[bool]]:
        """What any number of deliveries on the way may not fit."""
        wanted = self._wanted
        meant = []
        if wanted.event_type is not None:
            meant.append(events.c.type == wanted.event_type)
        if by_start and wanted.query:
            meant.append(events.c.id.startswith(wanted.query, autoescape=True))
        found = [_its_event(meant)] if meant else []
        if wanted.code is not None:
            found.append(last_answer_is(wanted.code))
        return found

    def _times(self) -> list[ColumnElement[bool]]:
        """What all deliveries of a span fit but some at its ends."""
        wanted = self._wanted
        meant = []
        if wanted.since is not None:
            meant.append(events.c.received_at >= wanted.since)
        if wanted.until is not None:
            meant.append(events.c.received_at < wanted.until)
        return [_its_event(meant)] if meant else []


def merged(stretches: Sequence[Stretch]) -> Stretch:
    """What several ways found, down to where the shortest of them ended."""
    ends = [stretch.reached for stretch in stretches if stretch.reached is not None]
    reached = max(ends, default=None)
    numbers = sorted((number for stretch in stretches for number in stretch.numbers), reverse=True)
    return Stretch([number for number in numbers if reached is None or number >= reached], reached)


# The index's own condition, word for word: with a parameter it would not be recognised.
_ENDED_BADLY = deliveries.c.state > literal(int(DeliveryState.DELIVERED), literal_execute=True)


def _is_in(states: States) -> ColumnElement[bool]:
    return deliveries.c.state.in_(states)


def _its_event(meant: Sequence[ColumnElement[bool]]) -> ColumnElement[bool]:
    event = select(events.c.seq).where(events.c.seq == deliveries.c.event_seq, *meant).correlate(deliveries)
    return event.scalar_subquery().is_not(None)
