"""How much a sender may send, on every process together, and that a copy of a signed message is a duplicate."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from hashlib import sha256

import orjson
import pytest
from sqlalchemy import event as sqlalchemy_event
from sqlalchemy import func, select

from app.core.clock import MINUTE, SECOND, Micros
from app.core.errors import RateLimitedError, StoreUnavailableError
from app.core.rate_limit import Rate
from app.ingest.accept import IngestResult, IngestService, NothingAcceptedError
from app.ingest.passage import Passage
from app.store import Store
from app.store.rate_buckets import remove_full_buckets, spend
from app.store.seen_messages import MessageMark, forget_messages
from app.store.tables import events
from app.store.tables_limits import rate_buckets, seen_messages
from tests.conftest import MovableClock
from tests.world import ADMIN, World, audit

RATE = Rate(10, 20)
LIMITED = Passage("key_1", RATE)


@pytest.fixture
def frozen(clock: MovableClock, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Micros]:
    """A clock that stands still until a test moves it."""
    began = clock()
    monkeypatch.setattr(MovableClock, "__call__", lambda self: began + self.ahead)
    return clock


def send(service: IngestService, first: int, number: int = 1, passage: Passage = LIMITED) -> IngestResult:
    body = orjson.dumps([audit(place) for place in range(first, first + number)])
    return service.accept(body, "application/json", {}, ADMIN, passage)


def may_enter(service: IngestService, now: Micros) -> bool:
    try:
        service.buckets.admit("key_1", RATE, now)
    except RateLimitedError:
        return False
    return True


@pytest.fixture
def statements(store: Store) -> Iterator[list[str]]:
    """Every statement from here on."""
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        seen.append(statement)

    sqlalchemy_event.listen(store.engine, "before_cursor_execute", note)
    yield seen
    sqlalchemy_event.remove(store.engine, "before_cursor_execute", note)


def test_a_sender_that_has_taken_too_much_waits_and_then_gets_in(world: World, frozen: MovableClock) -> None:
    send(world.ingest, 0, 19)
    assert may_enter(world.ingest, frozen())
    send(world.ingest, 19, 31)
    with pytest.raises(RateLimitedError) as caught:
        world.ingest.buckets.admit("key_1", RATE, frozen())
    assert caught.value.retry_after_s == 4
    frozen.advance(3 * SECOND)
    assert not may_enter(world.ingest, frozen())
    frozen.advance(SECOND)
    assert may_enter(world.ingest, frozen())


def test_processes_share_one_bucket_and_learn_of_it_with_their_next_commit(world: World, frozen: MovableClock) -> None:
    other = IngestService(world.store, frozen, world.rings)
    send(world.ingest, 0, 30)
    assert not may_enter(world.ingest, frozen())
    assert may_enter(other, frozen())
    send(other, 30, 1)
    assert not may_enter(other, frozen())
    frozen.advance(2 * SECOND)
    assert may_enter(world.ingest, frozen())
    assert may_enter(other, frozen())


def test_a_sender_without_a_limit_costs_no_statement_and_one_with_a_limit_one_per_commit(
    world: World, statements: list[str]
) -> None:
    send(world.ingest, 0, 1)
    statements.clear()
    send(world.ingest, 1, 5, Passage("key_1"))
    free = len(statements)
    assert not [one for one in statements if "rate_buckets" in one or "seen_messages" in one]
    statements.clear()
    send(world.ingest, 6, 5)
    assert len([one for one in statements if "rate_buckets" in one]) == 1
    assert len(statements) == free + 1


def test_duplicates_and_bodies_without_an_event_are_paid_for_too(world: World, frozen: MovableClock) -> None:
    for _ in range(2):
        send(world.ingest, 0, 12)
    assert not may_enter(world.ingest, frozen())
    frozen.advance(MINUTE)
    with pytest.raises(NothingAcceptedError):
        world.ingest.accept(orjson.dumps([1] * 30), "application/json", {}, ADMIN, LIMITED)
    assert not may_enter(world.ingest, frozen())


def test_a_body_that_was_looked_at_from_memory_first_is_paid_for_once(world: World, frozen: MovableClock) -> None:
    body = orjson.dumps([1] * 15)
    world.ingest.prepare(body, "application/json", {}, ADMIN, LIMITED, may_read=False)
    with pytest.raises(NothingAcceptedError):
        world.ingest.accept(body, "application/json", {}, ADMIN, LIMITED)
    assert may_enter(world.ingest, frozen())


def test_full_buckets_are_removed_and_others_stay(store: Store, clock: MovableClock) -> None:
    with store.write() as connection:
        spend(connection, {"a": SECOND, "b": MINUTE}, clock())
        remove_full_buckets(connection, clock() + 2 * SECOND)
        left = connection.execute(select(rate_buckets.c.name)).scalars().all()
    assert left == ["b"]


def signed(content: bytes, until: Micros) -> Passage:
    return Passage("key_1", None, MessageMark("key_1", sha256(content).digest(), until))


def event_count(store: Store) -> int:
    with store.read() as connection:
        return int(connection.execute(select(func.count()).select_from(events)).scalar_one())


def test_a_copy_of_a_signed_message_is_a_duplicate_whatever_is_in_it_and_on_every_process(world: World) -> None:
    until = world.clock() + 10 * MINUTE
    assert send(world.ingest, 0, 2, signed(b"one", until)).accepted == 2
    other = IngestService(world.store, world.clock, world.rings)
    copy = send(other, 7, 3, signed(b"one", until))
    assert (copy.accepted, copy.duplicates) == (0, 3)
    assert send(other, 7, 3, signed(b"two", until)).accepted == 3
    assert event_count(world.store) == 5


def test_two_copies_in_one_commit_are_one_message(world: World) -> None:
    until = world.clock() + 10 * MINUTE
    prepared = [
        world.ingest.prepare(orjson.dumps(audit(place)), "", {}, ADMIN, signed(b"same", until)) for place in (1, 2)
    ]
    written = world.ingest._write([one.arrival for one in prepared])
    assert [one.accepted for one in written] == [1, 0]


def test_another_senders_message_of_the_same_mark_is_none(world: World) -> None:
    mine = signed(b"one", world.clock() + MINUTE)
    send(world.ingest, 0, 1, mine)
    assert mine.mark is not None
    theirs = replace(mine, sender="key_2", mark=mine.mark._replace(sender="key_2"))
    assert send(world.ingest, 1, 1, theirs).accepted == 1


def test_a_message_whose_events_were_not_stored_is_not_remembered(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    passage = signed(b"one", world.clock() + MINUTE)

    def fail(*_: object) -> None:
        raise StoreUnavailableError("away")

    with monkeypatch.context() as broken:
        broken.setattr("app.ingest.writing._store", fail)
        with pytest.raises(StoreUnavailableError):
            send(world.ingest, 0, 1, passage)
    assert send(world.ingest, 0, 1, passage).accepted == 1


def test_a_message_is_forgotten_after_its_window_and_not_before(world: World, frozen: MovableClock) -> None:
    def passage() -> Passage:
        return signed(b"one", frozen() + 10 * MINUTE)

    send(world.ingest, 0, 1, passage())
    frozen.advance(10 * MINUTE - SECOND)
    assert send(world.ingest, 1, 1, passage()).accepted == 0
    with world.store.write() as connection:
        assert forget_messages(connection, frozen()) == 0
    frozen.advance(SECOND)
    assert send(world.ingest, 2, 1, passage()).accepted == 1
    frozen.advance(10 * MINUTE)
    with world.store.write() as connection:
        assert forget_messages(connection, frozen()) == 1
        assert connection.execute(select(func.count()).select_from(seen_messages)).scalar_one() == 0
