"""The engine's thread: handed partitions, it delivers; told to stop, it leaves nothing behind."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.core.states import DeliveryState
from app.delivery import engine as engine_module
from app.delivery.drain import Drain
from app.delivery.engine import DrainEngine, build_engine
from app.settings import Settings
from app.sinks import AnyBinding, Event, Item
from app.store import Store
from plugins.webhook import WebhookSink
from tests.delivery.receiver import Received, Receiver, Reply
from tests.world import Rings, World

DELIVERED, PENDING = DeliveryState.DELIVERED, DeliveryState.PENDING


@pytest.fixture
def bell() -> Rings:
    return Rings()


@pytest.fixture
def engine(world: World, store: Store, database_url: str, tmp_path: Path, bell: Rings) -> Iterator[DrainEngine]:
    settings = Settings(instance=tmp_path, database_url=database_url, egress_allow=("127.0.0.0/8",))
    made = build_engine(settings, bell)
    run_on_a_thread(made)
    yield made
    made.stop(5.0)
    assert made.failed is None


def run_on_a_thread(engine: DrainEngine) -> None:
    engine.start()
    threading.Thread(target=engine.run, daemon=True).start()


def wait_until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_partition_handed_over_is_delivered(world: World, target: Receiver, engine: DrainEngine) -> None:
    hook = world.add_webhook(target.url)
    world.send_numbers(*range(1, 101))
    engine.drain(hook.partition, 10.0)
    wait_until(lambda: world.account(hook).delivered == 100)
    assert len(target.requests) == len(set(target.ids)) == 100
    assert world.ledger().balanced


def test_a_worker_outlives_a_schema_that_lacks_a_part_and_says_so(
    world: World, target: Receiver, engine: DrainEngine, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    hook = world.add_webhook(target.url)
    world.send_numbers(1)
    _rename(store, "muted_contexts", "lost")
    engine.drain(hook.partition, 0.1)
    wait_until(lambda: "database lacks a part" in caplog.messages)
    told = next(record for record in caplog.records if record.message == "database lacks a part")
    assert "muted_contexts" in vars(told)["error"]
    assert "waiting does not help" in vars(told)["error"]
    _rename(store, "lost", "muted_contexts")
    wait_until(lambda: world.account(hook).delivered == 1)


def _rename(store: Store, old: str, new: str) -> None:
    with store.write() as connection:
        connection.exec_driver_sql(f"ALTER TABLE webhooks RENAME COLUMN {old} TO {new}")


def test_a_quiet_partition_comes_back_at_once(engine: DrainEngine) -> None:
    started = time.monotonic()
    engine.drain(3, 10.0)
    assert time.monotonic() - started < 2.0


def test_a_ring_while_draining_is_heard(world: World, target: Receiver, engine: DrainEngine) -> None:
    hook = world.add_webhook(target.url)
    for number in range(1, 31):
        world.send_numbers(number)
        engine.drain(hook.partition, 10.0)
    wait_until(lambda: world.account(hook).delivered == 30)


def test_stopping_waits_for_what_is_in_flight_and_gives_the_rest_back(
    world: World, target: Receiver, engine: DrainEngine
) -> None:
    def respond(_request: Received) -> Reply:
        time.sleep(0.3)
        return Reply()

    target.respond = respond
    hook = world.add_webhook(target.url, concurrency=1)
    world.send_numbers(1, 2, 3)
    engine.drain(hook.partition, 0.05)
    wait_until(lambda: len(target.requests) == 1)
    engine.stop(5.0)
    states = world.states(hook)
    sent = len(target.requests)
    assert sent < 3
    assert states == [DELIVERED] * sent + [PENDING] * (3 - sent)
    assert world.account(hook).duplicates_possible == 0
    assert world.ledger().balanced


def test_the_next_life_of_a_worker_takes_over_at_once_what_its_last_left_in_flight(
    world: World, target: Receiver, drain: Drain, store: Store, database_url: str, tmp_path: Path, bell: Rings
) -> None:
    hook = world.add_webhook(target.url)
    world.send_numbers(1)
    drain._seat = "worker-1"
    drain.turn([hook.partition])
    assert world.states(hook) == [DeliveryState.SENDING]
    settings = Settings(instance=tmp_path, database_url=database_url, egress_allow=("127.0.0.0/8",))
    next_life = build_engine(settings, bell, "worker-1")
    run_on_a_thread(next_life)
    began = time.monotonic()
    wait_until(lambda: world.states(hook) == [DELIVERED])
    assert time.monotonic() - began < 5, "nobody rang, and the lease of its last life was not waited for"
    next_life.stop(5.0)
    assert [attempt.error_class for attempt in world.attempts(hook)] == ["worker_lost", None]


def test_a_plugin_that_hangs_ends_the_process_and_not_all_deliveries(
    world: World, target: Receiver, engine: DrainEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_module, "STUCK_AFTER_S", 0.5)
    released = threading.Event()
    format_event = WebhookSink.format

    def hang(self: WebhookSink, event: Event, binding: AnyBinding) -> Item:
        released.wait(10)
        return format_event(self, event, binding)

    monkeypatch.setattr(WebhookSink, "format", hang)
    hook = world.add_webhook(target.url)
    world.send_numbers(1)
    engine.drain(hook.partition, 0.1)
    wait_until(lambda: isinstance(engine.failed, TimeoutError))
    released.set()
    wait_until(lambda: engine.failed is None)
    wait_until(lambda: world.account(hook).delivered == 1)


def test_a_ring_without_a_job_is_delivered(world: World, target: Receiver, engine: DrainEngine) -> None:
    hook = world.add_webhook(target.url)
    for number in range(1, 11):
        world.send_numbers(number)
        engine.heed([hook.partition])
        assert not engine.is_refused(hook.partition)
    wait_until(lambda: world.account(hook).delivered == 10)
    assert world.ledger().balanced


def test_a_ring_for_a_partition_that_another_engine_holds_is_refused(
    world: World, target: Receiver, engine: DrainEngine, drain: Drain
) -> None:
    hook = world.add_webhook(target.url)
    world.send_numbers(1)
    drain.turn([hook.partition])
    engine.heed([hook.partition])
    assert engine.is_refused(hook.partition)
