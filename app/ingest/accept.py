"""Accepting events: parse, normalise, mask, and commit them with the deliveries they owe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.core.body import BadElement, Element, split_body
from app.core.clock import Clock, Micros
from app.core.doorbell import Doorbell
from app.core.errors import ForbiddenError, InvalidInputError, NotRememberedError
from app.core.event import CanonicalEvent
from app.core.normalise import normalise
from app.ingest.group_commit import GroupCommit
from app.ingest.names import KnownNames, Names
from app.ingest.passage import FREE, Buckets, Passage
from app.ingest.shaping import Shaping
from app.ingest.writing import Arrival, Candidate, EventWriter, Written
from app.routing.policies import KnownPolicies, Policies
from app.security.principal import Principal
from app.store import Store

FOREIGN = "foreign_organization"


@dataclass(frozen=True, slots=True)
class Rejection:
    """One element that was not accepted, and why; ``index`` is its place in the body."""

    index: int
    type: str
    detail: str


@dataclass(frozen=True, slots=True)
class IngestResult:
    """What became of a body. ``ids`` holds the ids of all accepted events and duplicates, in the body's order."""

    accepted: int
    duplicates: int
    rejected: tuple[Rejection, ...]
    ids: tuple[str, ...]


class NothingAcceptedError(InvalidInputError):
    """Not one element of the body is an event; ``rejected`` says why for each."""

    def __init__(self, rejected: Sequence[Rejection]) -> None:
        super().__init__(f"no event in the body could be accepted: {rejected[0].detail}")
        self.rejected = tuple(rejected)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A body taken apart: its events, ready for the transaction, and what was refused of it."""

    candidates: tuple[Candidate, ...]
    rejected: tuple[Rejection, ...]
    passage: Passage = FREE

    @property
    def arrival(self) -> Arrival:
        """What goes into the transaction."""
        return Arrival(self.candidates, self.passage)

    def result(self, written: Written) -> IngestResult:
        """What became of it, after the commit."""
        ids = tuple([candidate.row.id for candidate in self.candidates])
        return IngestResult(written.accepted, len(ids) - written.accepted, self.rejected, ids)


Commits = GroupCommit[Arrival, Written]
_NOTHING = Written(0, frozenset())


class IngestService:
    """Accepts bodies of events for one process.

    Args:
        store: the ledger.
        clock: current time.
        doorbell: rung after each commit that owes deliveries.
        shaping: what plugins do to every event.
    """

    def __init__(self, store: Store, clock: Clock, doorbell: Doorbell, shaping: Shaping | None = None) -> None:
        self._clock = clock
        self._shaping = shaping or None
        self._doorbell = doorbell
        self._names = Names(store)
        self._policies = Policies(store, clock, on_change=self._names.forget_organizations)
        self.buckets = Buckets()
        self._writer = EventWriter(store, self._names, self.buckets)
        self.commits: Commits = GroupCommit(self._write)

    def accept(
        self,
        body: bytes,
        content_type: str,
        headers: Mapping[str, str],
        principal: Principal,
        passage: Passage = FREE,
    ) -> IngestResult:
        """Accept every good element of a body; answers only after the commit.

        Raises:
            InvalidInputError: nothing in the body can be parsed, or not one element was accepted.
            ForbiddenError: every element belongs to somebody else.
            StoreUnavailableError: nothing was committed.
        """
        return self._committed(self.prepare(body, content_type, headers, principal, passage))

    def accept_parts(
        self, parts: Sequence[Element | BadElement], principal: Principal, passage: Passage = FREE
    ) -> IngestResult:
        """Accept every good one of elements that a source plugin read; answers only after the commit.

        Raises:
            InvalidInputError: not one was accepted.
            ForbiddenError: every element belongs to somebody else.
            StoreUnavailableError: nothing was committed.
        """
        return self._committed(self._prepared(parts, principal, passage, self._names, self._policies))

    def prepare(
        self,
        body: bytes,
        content_type: str,
        headers: Mapping[str, str],
        principal: Principal,
        passage: Passage = FREE,
        *,
        may_read: bool = True,
    ) -> Prepared:
        """Take a body apart, normalise and mask its events. One without an event costs its sender nothing yet.

        Args:
            body: the uncompressed bytes.
            content_type: the header as received.
            headers: those that may speak of the event.
            principal: who sends.
            passage: how the request came through the gate.
            may_read: False for a caller that must not wait for the database.

        Raises:
            InvalidInputError: nothing in the body can be parsed.
            StoreUnavailableError: a name or a policy could not be read.
            NotRememberedError: ``may_read`` is False, and a name or a policy would have to be read or a plugin asked.
        """
        if self._shaping is not None and not may_read:
            raise NotRememberedError("plugins are asked about events, which may take a while")
        names = self._names if may_read else self._names.memory
        policies = self._policies if may_read else self._policies.memory
        return self._prepared(split_body(body, content_type, headers), principal, passage, names, policies)

    def _committed(self, prepared: Prepared) -> IngestResult:
        number = len(prepared.candidates)
        if prepared.rejected and not number:
            self.buckets.charge_here(prepared.passage, len(prepared.rejected), self._clock())
            _refuse_all(prepared.rejected)
        return prepared.result(self.commits.submit(prepared.arrival, number) if number else _NOTHING)

    def _prepared(
        self,
        parts: Sequence[Element | BadElement],
        principal: Principal,
        passage: Passage,
        names: KnownNames,
        policies: KnownPolicies,
    ) -> Prepared:
        now = self._clock()
        rejected: list[Rejection] = []
        candidates: list[Candidate] = []
        for part in parts:
            verdict = _judge(part, principal, names, policies, now, self._shaping)
            if isinstance(verdict, Rejection):
                rejected.append(verdict)
            else:
                candidates.append(verdict)
        return Prepared(tuple(candidates), tuple(rejected), passage)

    def _write(self, group: Sequence[Arrival]) -> list[Written]:
        written = self._writer.write(group, self._clock())
        self._doorbell.ring(frozenset().union(*(one.partitions for one in written)))
        return written


def _judge(
    part: Element | BadElement,
    principal: Principal,
    names: KnownNames,
    policies: KnownPolicies,
    now: Micros,
    shaping: Shaping | None,
) -> Candidate | Rejection:
    if isinstance(part, BadElement):
        return Rejection(part.index, part.type, part.detail)
    try:
        event = normalise(
            part.data,
            received_at=now,
            default_organization=principal.organization_id,
            default_context=principal.context_id,
            header_id=part.header_id,
        )
    except InvalidInputError as error:
        return Rejection(part.index, "invalid_event", error.detail)
    refusal = _refusal(event, principal, names)
    if refusal is not None:
        return Rejection(part.index, *refusal)
    if part.source is not None:
        event = event._replace(source_format=part.source)
    if shaping is not None:
        event = shaping.shaped(event, now)
    return Candidate.of(event, names, now, policies.of(event.organization_id or ""))


def _refusal(event: CanonicalEvent, principal: Principal, names: KnownNames) -> tuple[str, str] | None:
    if event.organization_id is None:
        return "no_organization", "the event names no organization and the key belongs to none"
    if principal.organization_id is not None and event.organization_id != principal.organization_id:
        return FOREIGN, "the event belongs to another organization than the key"
    if principal.context_id is not None and event.context_id != principal.context_id:
        return FOREIGN, "the event belongs to another context than the key"
    if names.organization(event.organization_id) is None:
        return "unknown_organization", "create the organization first: POST /v1/organizations"
    return None


def _refuse_all(rejected: Sequence[Rejection]) -> None:
    if all(item.type == FOREIGN for item in rejected):
        raise ForbiddenError(rejected[0].detail)
    raise NothingAcceptedError(rejected)
