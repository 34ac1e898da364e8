"""Observers hear of every attempt after its commit, and whatever they do, deliveries go on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from app.core.states import AttemptOutcome, DeliveryState
from app.delivery import observing
from app.delivery.drain import Drain
from app.delivery.observing import HOOK, Observing
from app.routing.hook_faults import HookFaults
from app.sinks import ObservedAttempt
from app.sinks.brought import HookCall
from app.store.record import AttemptRow
from tests.delivery.receiver import Receiver
from tests.world import World

RUNTIME: Any = SimpleNamespace(
    id="wh_aaaaaaaaaaaaaaaa", organization_id="acme", sink=SimpleNamespace(info=SimpleNamespace(name="slack"))
)
WORKING: dict[int, Any] = {7: SimpleNamespace(runtime=RUNTIME)}


def row(seq: int, pk: int = 7) -> AttemptRow:
    return AttemptRow(pk, seq, 1, 1_000_000, AttemptOutcome.DELIVERED, 200, None)


@pytest.fixture
def faults() -> HookFaults:
    return HookFaults(lambda: 0)


def watching(faults: HookFaults, *functions: Callable[..., Any]) -> Observing:
    calls = [HookCall(f"acme:{number}", HOOK, function) for number, function in enumerate(functions)]
    return Observing(calls, faults)


def test_an_attempt_is_told_with_what_is_public_of_it(faults: HookFaults) -> None:
    seen: list[Sequence[ObservedAttempt]] = []
    watch = watching(faults, seen.append)
    watch.tell([row(36)], WORKING)
    watch.finish()
    expected = ObservedAttempt(
        delivery_id="dlv_aaaaaaaaaaaaaaaa_10",
        webhook_id="wh_aaaaaaaaaaaaaaaa",
        organization_id="acme",
        sink="slack",
        number=1,
        started_at=1_000_000,
        outcome="delivered",
        status=200,
        error=None,
    )
    assert seen == [(expected,)]


def test_groups_come_whole_and_in_order_without_webhooks_that_are_gone(faults: HookFaults) -> None:
    seen: list[list[str]] = []
    watch = watching(faults, lambda attempts: seen.append([one.delivery_id[-1] for one in attempts]))
    watch.tell([row(1), row(2), row(3, pk=8)], WORKING)
    watch.tell([row(4, pk=8)], WORKING)
    watch.tell([row(5)], WORKING)
    watch.finish()
    assert seen == [["1", "2"], ["5"]]


def test_an_observer_that_raises_keeps_hearing_and_disturbs_no_other(faults: HookFaults) -> None:
    seen: list[Any] = []

    def raising(attempts: Any) -> None:
        seen.append(attempts)
        raise SystemExit("s3cret")

    watch = watching(faults, raising, seen.append)
    watch.tell([row(1)], WORKING)
    watch.tell([row(2)], WORKING)
    watch.finish()
    assert len(seen) == 4
    assert faults.counted() == [(("acme:0", HOOK, "SystemExit"), 2)]


def test_one_that_hangs_misses_what_it_cannot_hold_and_it_is_counted(
    faults: HookFaults, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(observing, "MAX_WAITING", 3)
    monkeypatch.setattr(observing, "GRACE_S", 0.05)
    over, began = threading.Event(), threading.Event()

    def hanging(_: Any) -> None:
        began.set()
        over.wait(30)

    watch = watching(faults, hanging)
    watch.tell([row(0)], WORKING)
    assert began.wait(10)
    start = time.monotonic()
    for seq in range(1, 11):
        watch.tell([row(seq)], WORKING)
    watch.finish()
    assert time.monotonic() - start < 5
    assert [times for _, times in faults.counted()] == [7]
    over.set()


def test_the_drain_tells_after_the_commit_and_goes_on_whatever_an_observer_does(
    world: World, target: Receiver, drain: Drain, faults: HookFaults
) -> None:
    seen: list[tuple[str, str, int]] = []

    def look(attempts: Sequence[ObservedAttempt]) -> None:
        delivered = world.states(hook).count(DeliveryState.DELIVERED)
        seen.extend((one.webhook_id, one.outcome, delivered) for one in attempts)
        raise ValueError

    watch = watching(faults, look)
    drain._observing = watch
    hook = world.add_webhook(target.url)
    world.send_numbers(1, 2)
    world.deliver(drain)
    watch.finish()
    assert [one[:2] for one in seen] == [(hook.id, "delivered")] * 2
    # The two may be recorded by one commit or by two; each is told when it, at least, is in the database.
    assert all(delivered >= number for number, (_, _, delivered) in enumerate(seen, 1))
    assert world.ledger().balanced


def test_nobody_who_watches_is_false() -> None:
    assert not Observing((), HookFaults(lambda: 0))
