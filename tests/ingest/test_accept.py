"""What becomes of a body: accepted once, owed in the same transaction, refused element by element."""

from __future__ import annotations

import threading
from typing import Any

import orjson
import pytest
from sqlalchemy import func, select

from app.core.clock import AT_ONCE
from app.core.errors import ForbiddenError, StoreUnavailableError
from app.core.normalise import normalise
from app.core.states import DeliveryState, Mode
from app.ingest.accept import IngestService, NothingAcceptedError
from app.ingest.names import Names
from app.ingest.writing import Candidate
from app.security.permissions import Role
from app.security.principal import Principal
from app.store import Store, accepted
from app.store.accepted import known_keys, lock_ingest, write_events
from app.store.bulk import bulk_insert
from app.store.tables import contexts, deliveries, events
from tests.world import ADMIN, PLATFORM, World, audit

URL = "http://127.0.0.1:9/x"


def stored(store: Store) -> list[str]:
    with store.read() as connection:
        return list(connection.execute(select(events.c.id).order_by(events.c.seq)).scalars())


def owed(store: Store) -> int:
    with store.read() as connection:
        return int(connection.execute(select(func.count()).select_from(deliveries)).scalar_one())


def test_events_are_stored_in_order_and_owed_to_every_match(world: World, store: Store) -> None:
    first, second = world.add_webhook(URL), world.add_webhook(URL)
    result = world.send_numbers(1, 2, 3)
    assert (result.accepted, result.duplicates, result.rejected) == (3, 0, ())
    assert result.ids == ("event-1", "event-2", "event-3")
    assert stored(store) == list(result.ids)
    assert owed(store) == 6
    assert set(world.rings.partitions) == {first.partition, second.partition}
    assert world.ledger().balanced


def test_a_duplicate_within_a_body_and_across_bodies_is_counted_not_stored(world: World, store: Store) -> None:
    world.add_webhook(URL)
    inside = world.send_numbers(1, 1, 2)
    assert (inside.accepted, inside.duplicates, inside.ids) == (2, 1, ("event-1", "event-1", "event-2"))
    across = world.send_numbers(2, 3)
    assert (across.accepted, across.duplicates) == (1, 1)
    assert stored(store) == ["event-1", "event-2", "event-3"]
    assert owed(store) == 3


def test_only_duplicates_ring_nobody(world: World) -> None:
    world.add_webhook(URL)
    world.send_numbers(1)
    world.rings.partitions.clear()
    world.send_numbers(1)
    assert world.rings.partitions == []


def test_the_same_event_from_many_threads_and_services_is_accepted_once(world: World, store: Store) -> None:
    world.add_webhook(URL)
    services = [world.ingest, IngestService(store, world.clock, world.rings)]
    body = orjson.dumps(audit(1))
    results: list[Any] = []
    together = threading.Barrier(20)

    def accept(number: int) -> None:
        together.wait()
        results.append(services[number % 2].accept(body, "application/json", {}, ADMIN))

    threads = [threading.Thread(target=accept, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sum(result.accepted for result in results) == 1
    assert sum(result.duplicates for result in results) == 19
    assert stored(store) == ["event-1"]
    assert owed(store) == 1


def test_a_check_for_duplicates_waits_for_the_commit_before_it(world: World, store: Store) -> None:
    """Two processes take in the same event at once: the second sees what the first commits, and no error."""
    other = IngestService(store, world.clock, world.rings)
    body = orjson.dumps(audit(1))
    result: list[Any] = []

    def accept() -> None:
        result.append(other.accept(body, "application/json", {}, ADMIN))

    thread = threading.Thread(target=accept)
    event = normalise(audit(1), received_at=1, default_organization=None)
    row = Candidate.of(event, Names(store), 1).row
    with store.write() as connection:
        lock_ingest(connection)
        assert known_keys(connection, [row.dedupe_key]) == set()
        thread.start()
        thread.join(0.3)
        assert thread.is_alive()
        write_events(connection, [row])
    thread.join(10)
    assert [(one.accepted, one.duplicates) for one in result] == [(0, 1)]
    assert stored(store) == ["event-1"]


def test_one_bad_element_does_not_harm_the_others(world: World, store: Store) -> None:
    result = world.send(audit(1), {"id": "no-type", "organizationId": "acme"}, audit(3))
    assert (result.accepted, [item.index for item in result.rejected]) == (2, [1])
    assert result.rejected[0].type == "invalid_event"
    assert stored(store) == ["event-1", "event-3"]


def test_a_body_of_only_bad_elements_is_an_error_that_names_each(world: World) -> None:
    with pytest.raises(NothingAcceptedError) as caught:
        world.send({"x": 1}, audit(1, organizationId="nobody"))
    assert [item.type for item in caught.value.rejected] == ["invalid_event", "unknown_organization"]


def key(organization: str | None, context: str | None = None) -> Principal:
    return Principal("key_x", Role.ADMIN, organization, context)


def test_a_foreign_event_is_refused(world: World, store: Store) -> None:
    world.add_organization("other")
    with pytest.raises(ForbiddenError):
        world.send(audit(1), principal=key("other"))
    mixed = world.send(audit(1), audit(2, organizationId="other"), principal=key("other"))
    assert [(item.index, item.type) for item in mixed.rejected] == [(0, "foreign_organization")]
    with pytest.raises(ForbiddenError):
        world.send(audit(3, contextId="c2"), principal=key("acme", "c1"))
    assert stored(store) == ["event-2"]


def test_an_event_that_names_no_organization_takes_the_keys(world: World, store: Store) -> None:
    nameless = audit(1)
    del nameless["organizationId"]
    with pytest.raises(NothingAcceptedError) as caught:
        world.send(nameless)
    assert caught.value.rejected[0].type == "no_organization"
    assert world.send(nameless, principal=key("acme")).accepted == 1


def test_the_same_id_in_two_organizations_is_two_events(world: World) -> None:
    world.add_organization("other")
    assert world.send(audit(1), audit(1, organizationId="other")).accepted == 2


def names_of_contexts(store: Store) -> dict[str, str | None]:
    with store.read() as connection:
        return {row.id: row.name for row in connection.execute(select(contexts.c.id, contexts.c.name))}


def test_a_context_appears_keeps_its_name_and_is_renamed(world: World, store: Store) -> None:
    world.send(audit(1, contextId="c1"))
    assert names_of_contexts(store) == {"c1": None}
    world.send(audit(2, contextId="c1", contextName="Staff"))
    world.send(audit(3, contextId="c1"))
    assert names_of_contexts(store) == {"c1": "Staff"}
    world.send(audit(4, contextId="c1", contextName="Employees"))
    assert names_of_contexts(store) == {"c1": "Employees"}
    with store.read() as connection:
        bodies = [
            orjson.loads(body) for body in connection.execute(select(events.c.body).order_by(events.c.seq)).scalars()
        ]
    assert [body["context"]["name"] for body in bodies] == [None, "Staff", "Staff", "Employees"]


def test_a_failure_before_the_deliveries_are_written_stores_no_event(
    world: World, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.add_webhook(URL)

    def fail_at_deliveries(connection: Any, table: Any, *rest: Any, **more: Any) -> None:
        if table is deliveries:
            raise StoreUnavailableError("power cut")
        bulk_insert(connection, table, *rest, **more)

    monkeypatch.setattr(accepted, "bulk_insert", fail_at_deliveries)
    with pytest.raises(StoreUnavailableError):
        world.send(audit(1, contextId="c1"))
    assert (stored(store), owed(store), names_of_contexts(store)) == ([], 0, {})
    assert world.rings.partitions == []
    monkeypatch.undo()
    assert world.send(audit(1, contextId="c1")).accepted == 1
    assert owed(store) == 1
    assert names_of_contexts(store) == {"c1": None}
    assert world.ledger().balanced


def test_a_paused_webhook_is_owed_its_events_like_any_other_and_a_batch_lets_them_age(
    world: World, store: Store
) -> None:
    paused, batch = world.add_webhook(URL), world.add_webhook(URL, mode="batch", batch={"max_age_s": 60})
    world.webhooks.pause(PLATFORM, paused.id)
    world.send_numbers(1)
    with store.read() as connection:
        due = {row.webhook_pk: row for row in connection.execute(select(deliveries))}
        received = connection.execute(select(events.c.received_at)).scalar_one()
    assert (due[paused.pk].state, due[paused.pk].due_at) == (DeliveryState.PENDING, AT_ONCE)
    assert due[batch.pk].due_at == received + 60_000_000
    assert Mode.BATCH.label == "batch"


def test_a_rotated_secret_is_masked_yet_accepted_and_owed(world: World, store: Store) -> None:
    hook = world.add_webhook(URL)
    change = {
        "field": "Shared secret",
        "path": "radius.sharedSecret",
        "secret": True,
        "before": "0ld-pa55",
        "after": "n3w-pa55",
    }
    assert world.send(audit(1, changes=[change])).accepted == 1
    with store.read() as connection:
        body = connection.execute(select(events.c.body)).scalar_one()
    assert b"pa55" not in body
    assert orjson.loads(body)["changes"], "that something changed is still told"
    assert world.account(hook).matched == 1


def test_radius_outcomes_are_stored_but_owed_to_nobody(world: World, store: Store) -> None:
    world.add_webhook(URL)
    assert world.send(audit(1, eventId="entrypoint.radius.authentication")).accepted == 1
    assert owed(store) == 0
    assert world.ledger().balanced


def test_a_nul_is_left_out_and_harms_no_database(world: World, store: Store) -> None:
    hostile = {"field": "x\0", "before": "\u202e", "after": "y\0z"}
    nul = audit(
        1, id="event\0-1", contextId="c\0 1", contextName="a\0b", userEmail="o\0@example.com", changes=[hostile]
    )
    assert world.send(nul).ids == ("event-1",)
    with store.read() as connection:
        event = orjson.loads(connection.execute(select(events.c.body)).scalar_one())
    assert event["context"] == {"id": "c 1", "name": "ab"}
    assert event["actor"]["email"] == "o@example.com"
    assert event["changes"][0] | {"path": None} == hostile | {
        "field": "x",
        "after": "yz",
        "path": None,
        "secret": False,
    }
    assert names_of_contexts(store) == {"c 1": "ab"}
