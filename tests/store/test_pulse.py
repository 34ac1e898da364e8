"""Whether anything happened, and in which organization; and at what price on a long history."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection, event, insert, text

from app.store import Store
from app.store import pulse as subject
from app.store.pulse import ENGINES, TOLD_APART, Pulse, organizations_between, read_pulse
from app.store.record import EXCHANGE_BITS, ExchangeRow
from app.store.tables import exchanges
from tests.store.rows import NOW, add_organization, add_webhook, owe


def number_of(engine: int, count: int) -> int:
    return (engine << EXCHANGE_BITS) + count


def send(connection: Connection, webhook_pk: int, *numbers: int) -> None:
    rows = [
        ExchangeRow(number, webhook_pk, NOW, "m", "s", None, None, None, None, False, "", 0, 0, 0, 0, 0)
        for number in numbers
    ]
    connection.execute(insert(exchanges), [row._asdict() for row in rows])


@pytest.fixture
def hooks(store: Store) -> dict[str, int]:
    """A webhook of each of two organizations."""
    with store.write() as connection:
        add_organization(connection)
        add_organization(connection, "other")
        return {name: add_webhook(connection, name, organization_id=name) for name in ("acme", "other")}


def look(store: Store) -> Pulse:
    with store.read() as connection:
        return read_pulse(connection)


def concerned(store: Store, before: Pulse) -> frozenset[str] | None:
    with store.read() as connection:
        return organizations_between(connection, before, read_pulse(connection))


def test_an_empty_installation_has_a_pulse_that_stands_still(store: Store) -> None:
    assert look(store) == look(store) == Pulse(0, ())


def test_an_event_concerns_its_organization(store: Store, hooks: dict[str, int]) -> None:
    before = look(store)
    owe(store, hooks["acme"], range(1, 2))
    assert concerned(store, before) == {"acme"}
    assert concerned(store, look(store)) == frozenset()


def test_an_exchange_of_any_engine_concerns_the_organization_of_its_webhook(
    store: Store, hooks: dict[str, int]
) -> None:
    with store.write() as connection:
        send(connection, hooks["acme"], number_of(3, 0), number_of(3, 1), number_of(9, 0))
    before = look(store)
    assert before.exchanges == (number_of(9, 0), number_of(3, 1))
    with store.write() as connection:
        send(connection, hooks["other"], number_of(3, 2))
    assert concerned(store, before) == {"other"}
    before = look(store)
    with store.write() as connection:
        send(connection, hooks["acme"], number_of(10, 0))
    assert concerned(store, before) == {"acme"}


def test_what_was_removed_meanwhile_concerns_nobody(store: Store, hooks: dict[str, int]) -> None:
    with store.write() as connection:
        send(connection, hooks["acme"], number_of(1, 0), number_of(1, 1))
    before = look(store)
    with store.write() as connection:
        connection.execute(exchanges.delete().where(exchanges.c.id == number_of(1, 1)))
    assert concerned(store, before) == frozenset()


def test_too_much_at_once_may_concern_everybody(store: Store, hooks: dict[str, int]) -> None:
    before = look(store)
    with store.write() as connection:
        send(connection, hooks["acme"], *(number_of(1, count) for count in range(TOLD_APART)))
    assert concerned(store, before) == {"acme"}
    with store.write() as connection:
        send(connection, hooks["acme"], number_of(1, TOLD_APART))
    assert concerned(store, before) is None


def test_only_the_engines_that_started_last_are_looked_at(store: Store, hooks: dict[str, int]) -> None:
    with store.write() as connection:
        send(connection, hooks["acme"], *(number_of(engine, 5) for engine in range(1, ENGINES + 6)))
    assert [one >> EXCHANGE_BITS for one in look(store).exchanges] == list(range(ENGINES + 5, 5, -1))


def test_a_look_is_two_statements_and_reads_no_table_from_end_to_end(store: Store, hooks: dict[str, int]) -> None:
    with store.write() as connection:
        for engine in (1, 2):
            send(connection, hooks["acme"], *(number_of(engine, count) for count in range(3_000)))
        if not store.is_sqlite:
            connection.execute(text("ANALYZE exchanges"))
    asked: list[str] = []
    event.listen(store.engine, "after_cursor_execute", lambda *found: asked.append(found[2]))
    look(store)
    assert len([one for one in asked if "SELECT" in one]) == 2
    explain = "EXPLAIN QUERY PLAN " if store.is_sqlite else "EXPLAIN "
    bound = subject._NEWEST_EXCHANGES.text.replace(":bits", str(EXCHANGE_BITS)).replace(":engines", str(ENGINES))
    with store.read() as connection:
        plan = "\n".join(str(row) for row in connection.execute(text(explain + bound)))
    assert "SCAN exchanges" not in plan
    assert "SCAN x" not in plan
    assert "Seq Scan" not in plan
