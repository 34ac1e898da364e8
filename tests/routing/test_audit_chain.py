"""Whoever changes, removes or invents a record of our own audit in the database is found out."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
from sqlalchemy import delete, func, insert, select, update

from app.core.audit_chain import AuditRecord, content_digest, own_event_key
from app.core.clock import DAY, SECOND, Micros
from app.routing.audit_chain import Break, ChainCheck, read_head
from app.routing.own_audit import SYSTEM, OwnAudit, OwnChange, differences
from app.security.resealing import reseal
from app.security.vault import Vault
from app.store import Store, open_store
from app.store.retention import remove_events
from app.store.tables import events, organizations
from app.store.tables_audit import audit_heads, audit_records
from tests.conftest import MovableClock

KEYS = {"one": b"1" * 32, "two": b"2" * 32}
VAULT = Vault(KEYS, "one")
ORGANIZATION = "acme"
OTHER = "other"


def change(organization: str, number: int) -> OwnChange:
    changes = differences("webhooks[wh_1]", {"name": f"name {number}"}, {"name": f"name {number + 1}"})
    return OwnChange(organization, SYSTEM, "update", "webhook", "wh_1", f"hook {number}", changes)


def write(store: Store, clock: Callable[[], Micros], number: int, organization: str = ORGANIZATION) -> None:
    audit = OwnAudit(VAULT, clock=clock, random_bytes=secrets.token_bytes)
    for place in range(number):
        with store.write() as connection:
            audit.record(connection, change(organization, place))


def found(store: Store, organization: str = ORGANIZATION, *, since: Micros = 0, **more: object) -> Break | None:
    with store.snapshot() as connection:
        check = ChainCheck(connection, VAULT, organization, kept_since=since, **more)  # type: ignore[arg-type]
        for _ in check:
            pass
    return check.broken


def what(store: Store, **more: object) -> tuple[int, str]:
    broken = found(store, **more)  # type: ignore[arg-type]
    assert broken is not None
    return broken.number, broken.what


@pytest.fixture
def chained(sqlite_url: str, clock: MovableClock) -> Iterator[Store]:
    """A chain to tamper with: how it is read does not depend on the database."""
    with closing(open_store(sqlite_url, pool_size=2)) as store:
        yield filled(store, clock)


@pytest.fixture
def shared(store: Store, clock: MovableClock) -> Store:
    """The same on both databases."""
    return filled(store, clock)


def filled(store: Store, clock: MovableClock) -> Store:
    """Seven records of one organization and three of another."""
    with store.write() as connection:
        for organization in (ORGANIZATION, OTHER):
            connection.execute(insert(organizations).values(id=organization, name=organization, created_at=1))
    write(store, clock, 7)
    write(store, clock, 3, OTHER)
    return store


def run(store: Store, *statements: object) -> None:
    with store.write() as connection:
        for statement in statements:
            connection.execute(statement)  # type: ignore[call-overload]


def at(number: int) -> object:
    return (audit_records.c.organization_id == ORGANIZATION) & (audit_records.c.number == number)


def event_of(store: Store, number: int) -> str:
    with store.read() as connection:
        return str(connection.execute(select(audit_records.c.event_id).where(at(number))).scalar_one())


def one_event(store: Store, number: int) -> object:
    return events.c.dedupe_key == own_event_key(event_of(store, number))


def test_what_nobody_touched_is_whole(shared: Store) -> None:
    assert found(shared) is None
    assert found(shared, OTHER) is None


def test_an_organization_that_never_changed_anything_is_whole(chained: Store) -> None:
    run(chained, insert(organizations).values(id="quiet", name="q", created_at=1))
    assert found(chained, "quiet") is None


def test_an_edited_event_is_named(shared: Store) -> None:
    run(shared, update(events).where(one_event(shared, 4)).values(body=b"{}"))
    assert what(shared) == (4, f"has another event {event_of(shared, 4)} than was written")
    assert found(shared, OTHER) is None


def test_two_events_that_changed_places_are_named(chained: Store) -> None:
    with chained.read() as connection:
        bodies = [connection.execute(select(events.c.body).where(one_event(chained, n))).scalar_one() for n in (2, 5)]
    for number, body in ((2, bodies[1]), (5, bodies[0])):
        run(chained, update(events).where(one_event(chained, number)).values(body=body))
    assert what(chained)[0] == 2


def test_a_deleted_event_is_named_until_its_time_is_over(chained: Store, clock: MovableClock) -> None:
    run(chained, delete(events).where(one_event(chained, 3)))
    number, words = what(chained)
    assert number == 3
    assert "should still be kept" in words
    assert found(chained, since=clock() + DAY) is None


@pytest.mark.parametrize(
    "column",
    [
        {"event_id": "evt_invented"},
        {"recorded_at": 5},
        {"content": content_digest(b"invented")},
        {"digest": b"\0" * 32},
    ],
    ids=lambda column: next(iter(column)),
)
def test_an_edited_record_is_named(chained: Store, column: dict[str, object]) -> None:
    run(chained, update(audit_records).where(at(3)).values(**column))
    assert what(chained) == (3, "was changed, or does not follow the one before it")


def test_a_deleted_record_is_named(chained: Store) -> None:
    run(chained, delete(audit_records).where(at(4)))
    assert what(chained) == (4, "is missing")


def test_two_records_that_changed_places_are_named(chained: Store) -> None:
    for number, place in ((3, 99), (6, 3), (99, 6)):
        run(chained, update(audit_records).where(at(number)).values(number=place))
    assert what(chained)[0] == 3


def test_a_shorter_end_is_named_also_when_its_events_are_gone(chained: Store) -> None:
    run(
        chained,
        delete(events).where(one_event(chained, 7)),
        delete(audit_records).where(at(7)),
    )
    assert what(chained) == (7, "is missing, and all behind it")
    run(chained, delete(audit_records).where(audit_records.c.organization_id == ORGANIZATION))
    assert what(chained) == (1, "is missing, and all behind it")


def test_a_chain_without_its_head_and_a_head_of_somebody_else_are_named(chained: Store) -> None:
    mine = audit_heads.c.organization_id == ORGANIZATION
    with chained.read() as connection:
        foreign = connection.execute(
            select(audit_heads.c.head_sealed).where(audit_heads.c.organization_id == OTHER)
        ).scalar_one()
    run(chained, update(audit_heads).where(mine).values(head_sealed=foreign))
    assert what(chained) == (7, "is not where we ended the chain: its head was not written by us")
    run(chained, delete(audit_heads).where(mine))
    assert what(chained) == (7, "is not where we ended the chain")


def test_a_whole_chain_that_was_computed_anew_without_the_master_key_is_named(chained: Store) -> None:
    run(chained, update(events).where(one_event(chained, 2)).values(body=b"{}"))
    with chained.write() as connection:
        previous = bytes(32)
        for row in connection.execute(select(audit_records).where(audit_records.c.organization_id == ORGANIZATION)):
            content = content_digest(b"{}") if row.number == 2 else row.content
            record = AuditRecord(ORGANIZATION, row.number, row.event_id, row.recorded_at, content)
            previous = record.digest(previous)
            connection.execute(update(audit_records).where(at(row.number)).values(content=content, digest=previous))
    assert what(chained) == (7, "is not where we ended the chain")


@pytest.mark.parametrize("damage", ["truncate", "forge", "drop"])
def test_no_later_record_hides_a_break(chained: Store, clock: MovableClock, damage: str) -> None:
    mine = audit_heads.c.organization_id == ORGANIZATION
    run(chained, delete(audit_records).where(at(7)))
    if damage == "forge":
        run(chained, update(audit_heads).where(mine).values(head_sealed=b"forged"))
    if damage == "drop":
        run(chained, delete(audit_heads).where(mine))
    write(chained, clock, 2)
    assert what(chained)[0] == 7


def test_an_older_head_put_back_is_found_by_what_was_written_down(chained: Store, clock: MovableClock) -> None:
    mine = audit_heads.c.organization_id == ORGANIZATION
    with chained.read() as connection:
        older = connection.execute(select(audit_heads.c.head_sealed).where(mine)).scalar_one()
    write(chained, clock, 2)
    with chained.read() as connection:
        head = read_head(connection, VAULT, ORGANIZATION)
    assert head is not None
    anchors = {head.number: head.digest}
    assert found(chained, anchors=anchors) is None
    run(
        chained,
        delete(audit_records).where(audit_records.c.organization_id == ORGANIZATION, audit_records.c.number > 7),
        update(audit_heads).where(mine).values(head_sealed=older),
    )
    assert found(chained) is None
    assert what(chained, anchors=anchors) == (9, "was written down and is missing")
    write(chained, clock, 2)
    assert what(chained, anchors=anchors) == (9, "is another than the one that was written down")


def test_retention_takes_events_and_leaves_the_chain_whole(shared: Store, clock: MovableClock) -> None:
    clock.advance(100 * DAY)
    write(shared, clock, 1)
    assert remove_events(shared, clock() - 90 * DAY, 0)
    with shared.read() as connection:
        assert connection.execute(select(func.count()).select_from(events)).scalar_one() == 1
    assert found(shared, since=clock() - 90 * DAY) is None


def test_another_master_key_changes_nothing_about_the_chain(shared: Store) -> None:
    reseal(shared, Vault(KEYS, "two"), lambda _done: None)
    with shared.snapshot() as connection:
        check = ChainCheck(connection, Vault({"two": KEYS["two"]}, "two"), ORGANIZATION, kept_since=0)
        assert sum(check) == 7
    assert check.broken is None


def test_many_who_change_things_at_once_make_one_chain(shared: Store, database_url: str, clock: MovableClock) -> None:
    stores = [open_store(database_url, pool_size=2) for _ in range(4)]
    threads = [threading.Thread(target=write, args=(store, clock, 10)) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for store in stores:
        store.close()
    assert found(shared) is None
    with shared.read() as connection:
        head = read_head(connection, VAULT, ORGANIZATION)
    assert head is not None
    assert head.number == 47


def test_a_change_that_was_not_committed_leaves_no_record(shared: Store, clock: MovableClock) -> None:
    audit = OwnAudit(VAULT, clock=clock, random_bytes=secrets.token_bytes)

    def fail() -> None:
        with shared.write() as connection:
            audit.record(connection, change(ORGANIZATION, 1))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    write(shared, clock, 1)
    assert found(shared, since=clock() - SECOND) is None
    with shared.read() as connection:
        head = read_head(connection, VAULT, ORGANIZATION)
    assert head is not None
    assert head.number == 8
