"""The ledger balances at any instant: read hundreds of times while everything that writes to it runs."""

from __future__ import annotations

import contextlib
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from itertools import count

import orjson

from app.core.clock import SECOND
from app.core.egress_table import parse_allow
from app.core.errors import ConflictError, StoreUnavailableError
from app.core.ids import delivery_id
from app.core.states import DeliveryState
from app.delivery.egress import EgressClient
from app.delivery.egress_guard import EgressPolicy
from app.delivery.redeliver import redeliver
from app.delivery.replaying import Replayer
from app.delivery.replays import ReplayOrder, ReplayService
from app.routing.ledger import ledger_document
from app.store.due import due_partitions
from app.store.ledger import duplicate_causes
from app.store.partitions import PARTITION_LEASE
from app.store.replays import ReplayKind
from tests.conftest import MovableClock
from tests.delivery.receiver import Received, Receiver, Reply
from tests.world import PLATFORM, World, audit, step

READS = 300
FIRST = 50
PATIENCE_S = 40
PARTS = ("delivered", "pending", "failed", "skipped", "parked")


@contextlib.contextmanager
def all_the_time(*works: Callable[[], None]) -> Iterator[None]:
    """Each of these again and again, on a thread of its own. A database that is busy may refuse; nothing else may."""
    stop = threading.Event()
    errors: list[BaseException] = []

    def again(work: Callable[[], None]) -> None:
        while not stop.is_set():
            try:
                with contextlib.suppress(StoreUnavailableError, ConflictError):
                    work()
            except BaseException as error:  # noqa: BLE001 - shown by the test
                errors.append(error)
                return

    threads = [threading.Thread(target=again, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(30)
    assert not errors


class Load:
    """Everything that writes deliveries, a little of it per call."""

    def __init__(self, world: World, clock: MovableClock, target: Receiver, ca_bundle: str) -> None:
        self.world, self.clock, self.url, self.ca_bundle = world, clock, target.url, ca_bundle
        self.numbers = count(FIRST + 1)
        self.drained, self.replayed, self.pressed = count(1), count(1), count(1)
        self.hooks = [world.add_webhook(self.url, retry={"schedule_s": [1]}) for _ in range(3)]
        self.hooks.append(world.add_webhook(self.url, mode="batch", batch={"max_events": 10}))
        world.send_numbers(*range(1, FIRST + 1))
        self.replays = ReplayService(world.store, clock=clock, random_bytes=secrets.token_bytes)
        self.replayer = Replayer(world.store)
        self.start_worker()

    def start_worker(self) -> None:
        self.client = EgressClient(EgressPolicy(allow=(parse_allow("127.0.0.0/8"),), ca_bundle=self.ca_bundle))
        self.drain = self.world.drain(self.client)

    def ingest(self) -> None:
        self.world.send_numbers(*(next(self.numbers) for _ in range(4)))

    def deliver(self) -> None:
        """Now and then the worker dies with requests on the wire, and another one takes over."""
        with self.world.store.read() as connection:
            again = set(due_partitions(connection, self.clock()))
        for _ in range(5):
            again = step(self.drain, again)
        if next(self.drained) % 10 == 0:
            self.client.close()
            self.clock.advance(PARTITION_LEASE + 1)
            self.start_worker()

    def replay(self) -> None:
        self.clock.advance(SECOND)
        self.replayer.step(self.clock())
        hook = self.hooks[next(self.replayed) % len(self.hooks)]
        order = ReplayOrder(ReplayKind.REDELIVER, 0, delivery_state=DeliveryState.FAILED)
        self.replays.start(PLATFORM, hook.id, order, created_by="test", per_s=50)

    def redeliver(self) -> None:
        number = next(self.pressed)
        one = delivery_id(self.hooks[number % 3].id, number % FIRST + 1)
        with self.world.store.write() as connection:
            redeliver(connection, one, PLATFORM, self.clock())

    def come_and_go(self) -> None:
        """A webhook comes, is backfilled, held, and deleted with deliveries in every state."""
        hook = self.world.add_webhook(self.url)
        self.replays.start(PLATFORM, hook.id, ReplayOrder(ReplayKind.BACKFILL, 0), created_by="test")
        self.world.send(audit(next(self.numbers)))
        self.world.webhooks.pause(PLATFORM, hook.id)
        self.world.send(audit(next(self.numbers)))
        self.world.webhooks.delete(PLATFORM, hook.id)


def answer(request: Received) -> Reply:
    """Some are refused for good, some fail for now."""
    body = orjson.loads(request.body)
    number = int((body[0] if isinstance(body, list) else body)["id"].removeprefix("event-"))
    return Reply({0: 400, 1: 500}.get(number % 6, 200))


def test_it_balances_for_each_webhook_at_every_instant(
    world: World, target: Receiver, clock: MovableClock, ca_bundle: str
) -> None:
    target.respond = answer
    load = Load(world, clock, target, ca_bundle)
    accepted = reads = 0
    missing = {"delivered", "pending", "failed", "skipped", "duplicates_possible"}
    end = time.monotonic() + PATIENCE_S
    with all_the_time(load.ingest, load.deliver, load.replay, load.redeliver, load.come_and_go):
        while reads < READS or missing:
            document = ledger_document(world.store)
            assert document["balanced"]
            for account in [document, *document["webhooks"]]:
                assert account["owed"] == account["matched"] == sum(account[part] for part in PARTS)
            assert document["accepted"] >= accepted
            accepted = document["accepted"]
            missing = {name for name in missing if not document[name]}
            reads += 1
            assert time.monotonic() < end, f"nothing was ever {missing}"
    load.client.close()
    final = ledger_document(world.store)
    assert final["balanced"]
    assert final["duplicate_causes"]["worker_lost"] > 0
    assert final["duplicates_possible"] == sum(final["duplicate_causes"].values())
    with world.store.read() as connection:
        assert duplicate_causes(connection) == final["duplicate_causes"]
