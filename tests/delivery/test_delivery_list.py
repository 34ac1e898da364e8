"""Lists of deliveries: every filter finds all that fit, page by page, and looks at a bounded number for each page."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from sqlalchemy import Connection, insert, update

from app.core.answer_class import AnswerClass
from app.core.clock import MINUTE, SECOND
from app.core.ids import delivery_id
from app.core.states import AttemptOutcome, CloseReason, DeliveryState
from app.delivery import delivery_list, delivery_walk
from app.delivery.delivery_list import DeliveryPage, list_across, list_deliveries
from app.delivery.delivery_walk import DeliveryFilter
from app.security.scope import Scope
from app.store import Store, open_store
from app.store.accepted import write_events
from app.store.record import AttemptRow, write_attempts
from app.store.replay_sets import next_numbers, redeliverable
from app.store.replays import ReplayKind, Selection
from app.store.tables import batches, deliveries
from tests.store.rows import NOW, add_organization, add_webhook, event

D = DeliveryState
SCOPE = Scope("acme")
EVENTS = 72
TYPES = ("a.changed", "b.changed")
HOOKS = ("one", "two")
ENDS = (
    (D.DELIVERED, 200),
    (D.FAILED, 404),
    (D.PENDING, 503),
    (D.DELIVERED, 204),
    (D.SKIPPED, None),
    (D.PARKED, 0),
    (D.PENDING, None),
    (D.FAILED, 0),
    (D.SENDING, 302),
)
"""State, and status of the last attempt that ended: None = there was none, 0 = it got no answer."""


@dataclass(frozen=True)
class One:
    """A delivery as the test knows it."""

    seq: int
    hook: str
    state: DeliveryState
    status: int | None

    @property
    def event_type(self) -> str:
        return TYPES[self.seq % 5 == 0]

    @property
    def received_at(self) -> int:
        return NOW + self.seq * MINUTE

    def fits(self, wanted: DeliveryFilter) -> bool:
        """The filter, said once more and plainly."""
        return (
            wanted.state in {None, self.state}
            and wanted.event_type in {None, self.event_type}
            and (wanted.since is None or self.received_at >= wanted.since)
            and (wanted.until is None or self.received_at < wanted.until)
            and (wanted.query is None or f"e{self.seq}".startswith(wanted.query))
            and self._has(wanted.code, named=wanted.state is not None)
        )

    def _has(self, code: AnswerClass | None, *, named: bool) -> bool:
        if code is None:
            return True
        lowest, highest = code.bounds
        left_out = self.state is D.DELIVERED and code is not AnswerClass.GOOD and not named
        return self.status is not None and lowest <= self.status <= highest and not left_out


ALL = [
    One(seq, hook, *ENDS[(seq + 4 * place) % len(ENDS)])
    for seq in range(1, EVENTS + 1)
    for place, hook in enumerate(HOOKS)
]


@pytest.fixture
def store(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """Two webhooks that are owed every event; the bounds are so small that every walk meets them."""
    made = open_store(database_url)
    with made.write() as connection:
        add_organization(connection)
        pks = {hook: add_webhook(connection, hook) for hook in HOOKS}
        owes = tuple((pk, None) for pk in pks.values())
        numbers = range(1, EVENTS + 1)
        types = {one.seq: one.event_type for one in ALL}
        rows = [event(seq, owes, type=types[seq], received_at=NOW + seq * MINUTE) for seq in numbers]
        write_events(connection, rows)
        for one in ALL:
            _end(connection, pks[one.hook], one)
    monkeypatch.setattr(delivery_walk, "_CHUNK", 4)
    monkeypatch.setattr(delivery_list, "SCAN_LIMIT", 10)
    monkeypatch.setattr(delivery_list, "LEAST_SHARE", 5)
    yield made
    made.close()


def _end(connection: Connection, pk: int, one: One) -> None:
    tried = one.status is not None
    open_ = one.state in {D.PENDING, D.SENDING}
    values = {
        "state": one.state,
        "due_at": NOW if open_ else None,
        "attempt_count": int(tried) + (one.state is D.SENDING),
    }
    this = (deliveries.c.webhook_pk == pk, deliveries.c.event_seq == one.seq)
    connection.execute(update(deliveries).where(*this).values(values))
    if tried:
        outcome = AttemptOutcome.RETRY
        write_attempts(connection, [AttemptRow(pk, one.seq, 1, NOW, outcome, one.status or None, None)])


def hook_id(name: str) -> str:
    return f"wh_{name:a<16}"


def every_filter() -> Iterator[DeliveryFilter]:
    times = ((None, None), (NOW + 20 * MINUTE, None), (NOW + 9 * MINUTE + 1, NOW + 60 * MINUTE))
    states = (None, D.DELIVERED, D.FAILED, D.PENDING, D.SENDING, D.SKIPPED, D.PARKED)
    for state, code, kind, (since, until), query in itertools.product(
        states, (None, *AnswerClass), (None, TYPES[1]), times, (None, "e4")
    ):
        yield DeliveryFilter(state, code, kind, since, until, query)


def pages_of(store: Store, wanted: DeliveryFilter, limit: int = 6) -> list[DeliveryPage[int]]:
    found: list[DeliveryPage[int]] = []
    before: int | None = None
    with store.read() as connection:
        while not found or before is not None:
            page = list_deliveries(connection, hook_id("one"), SCOPE, limit=limit, before_seq=before, wanted=wanted)
            found.append(page)
            before = page.following
    return found


def test_every_filter_finds_all_that_fit_and_nothing_twice(store: Store) -> None:
    # A round trip to a server is dear; what it answers differs from SQLite's in nothing but its planner.
    for wanted in itertools.islice(every_filter(), 0, None, 1 if store.is_sqlite else 5):
        # An id that names an event whole means that event alone.
        expected = [
            one.seq
            for one in reversed(ALL)
            if one.hook == "one" and one.fits(wanted) and (wanted.query is None or one.seq == 4)
        ]
        pages = pages_of(store, wanted)
        assert [row.event_seq for page in pages for row in page.rows] == expected, wanted
        assert all(len(page.rows) <= 6 for page in pages)


def test_pages_across_webhooks_go_on_until_all_that_fit_were_shown(store: Store) -> None:
    for state, code in itertools.product((None, D.DELIVERED, D.FAILED, D.PENDING), (None, *AnswerClass)):
        wanted = DeliveryFilter(state, code, None if code else TYPES[1])
        fitting = [(one.seq, hook_id(one.hook)) for one in ALL if one.fits(wanted)]
        assert shown_across(store, wanted) == sorted(fitting, key=lambda one: (-one[0], one[1])), wanted


def test_a_redelivery_with_the_filter_of_a_list_means_what_is_listed_there_and_has_ended(store: Store) -> None:
    repeatable = {D.DELIVERED, D.FAILED, D.PARKED}
    met = set()
    with store.read() as connection:
        for wanted in every_filter():
            if wanted.query is None and wanted.state in {None, D.SKIPPED, *repeatable}:
                times = (wanted.since or 0, wanted.until or NOW + EVENTS * MINUTE + 1)
                narrowed = (wanted.state, wanted.code, wanted.event_type)
                selection = Selection(ReplayKind.REDELIVER, 1, *times, 0, EVENTS, *narrowed)
                ended = repeatable if wanted.state is None else {wanted.state}
                listed = [one for one in ALL if one.hook == "one" and one.fits(wanted) and one.state in ended]
                found = next_numbers(connection, redeliverable(selection), EVENTS)
                assert found == [one.seq for one in listed], wanted
                met |= {(wanted.code, one.state) for one in listed}
    assert {(AnswerClass.GOOD, D.DELIVERED), (AnswerClass.NONE, D.PARKED), (AnswerClass.REFUSED, D.FAILED)} <= met


def shown_across(store: Store, wanted: DeliveryFilter) -> list[tuple[int, str]]:
    found: list[tuple[int, str]] = []
    before: tuple[int, str] | None = None
    with store.read() as connection:
        while True:
            page = list_across(connection, SCOPE, limit=6, before=before, wanted=wanted)
            found += [(row.event_seq, row.webhook_id) for row in page.rows]
            before = page.following
            if before is None:
                return found


def test_a_short_page_says_how_far_back_it_looked(store: Store) -> None:
    first, *rest = pages_of(store, DeliveryFilter(event_type="no.such.type"))
    assert (first.rows, first.following) == ([], EVENTS - 9)
    assert first.looked_back_to == NOW + (EVENTS - 10) * MINUTE
    assert len(rest) == 7
    assert (rest[-1].following, rest[-1].looked_back_to) == (None, None)


def test_a_start_of_an_id_is_looked_for_where_no_event_has_the_whole_of_it(store: Store) -> None:
    with store.write() as connection:
        write_events(connection, [event(100 + n, ((1, None),), id=f"long-{n}", received_at=NOW) for n in range(3)])
    pages = pages_of(store, DeliveryFilter(query="long-"))
    assert [row.event_id for page in pages for row in page.rows] == ["long-2", "long-1", "long-0"]


def add_batch(connection: Connection, public_id: str, due_at: int | None) -> int:
    row = {"id": public_id, "webhook_pk": 1, "due_at": due_at, "attempt_count": 0, "closed_at": NOW}
    closed = {"close_reason": CloseReason.AGE, "event_count": 2, "byte_count": 9}
    return int(connection.execute(insert(batches).values(row | closed).returning(batches.c.pk)).scalar_one())


def test_deliveries_are_found_by_their_own_id_and_by_that_of_their_request(store: Store) -> None:
    with store.write() as connection:
        pk = add_batch(connection, f"bat_{'b' * 16}", due_at=None)
        members = deliveries.c.event_seq.in_([7, 9])
        connection.execute(update(deliveries).where(deliveries.c.webhook_pk == 1, members).values(batch_pk=pk))

    def found(query: str) -> list[int]:
        return [row.event_seq for page in pages_of(store, DeliveryFilter(query=query)) for row in page.rows]

    assert found(delivery_id(hook_id("one"), 12)) == [12]
    assert found(delivery_id(hook_id("two"), 12)) == []
    assert found(f"bat_{'b' * 16}") == [9, 7]
    assert found(f"bat_{'b' * 16}-0123456789ab") == [9, 7], "a part of a batch"
    assert found(f"bat_{'c' * 16}") == []


def test_members_of_a_batch_that_was_not_sent_are_pending_too(store: Store) -> None:
    with store.write() as connection:
        pk = add_batch(connection, "bat_x", due_at=NOW)
        pending = (deliveries.c.webhook_pk == 1, deliveries.c.state == D.PENDING)
        connection.execute(update(deliveries).where(*pending).values(batch_pk=pk, due_at=None))
    expected = [one.seq for one in reversed(ALL) if one.hook == "one" and one.state is D.PENDING]
    pages = pages_of(store, DeliveryFilter(D.PENDING))
    assert [row.event_seq for page in pages for row in page.rows] == expected


def test_clocks_that_differ_a_little_hide_nothing(store: Store) -> None:
    late, sooner = NOW + 200 * MINUTE, NOW + 200 * MINUTE - 5 * SECOND
    with store.write() as connection:
        rows = [event(200 + n, ((1, None),), received_at=at) for n, at in enumerate((late, sooner))]
        write_events(connection, rows)
    (page,) = pages_of(store, DeliveryFilter(since=late))
    assert [row.event_id for row in page.rows] == ["e200"]
    (page,) = pages_of(store, DeliveryFilter(since=sooner, until=late))
    assert [row.event_id for row in page.rows] == ["e201"]
