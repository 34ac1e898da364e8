"""``kill -9`` in the middle: nothing is lost, nothing comes twice unannounced, and nobody has to help."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import orjson
import pytest

from tests.faults.conftest import Measure, StartReceive, StartStack
from tests.faults.installation import await_that
from tests.faults.receive_command import ReceiveCommand
from tests.faults.sources import PatientPoster, sample_events
from tests.faults.stack import RECOVERY_WITHIN_S, Stack

pytestmark = [pytest.mark.process, pytest.mark.redis, pytest.mark.timeout(300)]

EVENTS = 2_500
WEBHOOKS = 2
DELIVERIES = EVENTS * WEBHOOKS
FIRST_PART = 1_000
"""Events of the first POST; the others trickle in while things die."""

BATCH = 20
MIDDLE = DELIVERIES // 5
"""Deliveries that have arrived when the kill comes."""

RECEIVER_DELAY_MS = 150

Fault = Callable[[Stack], None]


def kill_workers(stack: Stack) -> None:
    """One worker, and when the other has had time to take over, that one."""
    stack.kill("worker-1")
    time.sleep(1.5)
    stack.kill("worker-2")


def kill_web(stack: Stack) -> None:
    stack.kill("web")


def kill_below_web(stack: Stack) -> None:
    """The process that answers requests, while the one that started it goes on."""
    stack.kill_below("web")


def kill_redis(stack: Stack) -> None:
    stack.flush_redis()
    time.sleep(0.5)
    stack.kill("redis")


def kill_everything(stack: Stack) -> None:
    stack.flush_redis()
    stack.kill("worker-1", "worker-2", "redis", "web", "tick")


FAULTS: dict[str, tuple[Fault, tuple[str, ...]]] = {
    "worker": (kill_workers, ("worker-1", "worker-2")),
    "web": (kill_web, ("web",)),
    "below-web": (kill_below_web, ()),
    "redis": (kill_redis, ("redis",)),
    "everything": (kill_everything, ("worker-1", "worker-2", "redis", "web", "tick")),
}
_IN_EVERY_RUN = {("postgresql", "everything")}
MATRIX = [
    pytest.param(
        database,
        fault,
        run,
        id=f"{fault}-{database}-run{run}",
        marks=[pytest.mark.postgres] * (database == "postgresql")
        + [pytest.mark.faults_full] * (run > 1 or (database, fault) not in _IN_EVERY_RUN),
    )
    for database in ("sqlite", "postgresql")
    for fault in FAULTS
    for run in (1, 2, 3)
]


@pytest.mark.parametrize(("database", "fault", "run"), MATRIX)
def test_a_kill_in_the_middle_loses_nothing_and_mends_itself(
    start_stack: StartStack,
    start_receive: StartReceive,
    cleanup: ExitStack,
    measure: Measure,
    database: str,
    fault: str,
    run: int,
) -> None:
    hurt, killed = FAULTS[fault]
    stack = start_stack(database)
    stack.create_organization(("ctx_1", "entrypoint"))
    webhooks = stack.webhooks_apart(WEBHOOKS, "http://127.0.0.1:9")
    receive = start_receive("--delay", str(RECEIVER_DELAY_MS), *secrets_of(webhooks))
    for place, webhook in enumerate(webhooks):
        stack.call("PATCH", f"/v1/webhooks/{webhook.id}", {"endpoint_url": f"{receive.url}/{place}"})
    own = stack.ledger()["accepted"]
    first = sample_events(0, FIRST_PART)
    assert stack.post(orjson.dumps(first)).status_code == 200
    later = [sample_events(at, BATCH) for at in range(FIRST_PART, EVENTS, BATCH)]
    source = PatientPoster(stack, later, pause_s=0.02)
    await_that(lambda: receive.counts()["distinct"] >= MIDDLE, 60, stack.log)

    struck_at = receive.counts()["distinct"]
    watch = Watch(receive, DELIVERIES)
    cleanup.callback(watch.end)
    hurt(stack)
    source.join(RECOVERY_WITHIN_S)
    await_that(lambda: watch.seen >= DELIVERIES, RECOVERY_WITHIN_S, lambda: f"{receive.counts()}\n{stack.log()}")
    await_that(lambda: stack.ledger()["pending"] == 0, RECOVERY_WITHIN_S, stack.log)

    assert struck_at < DELIVERIES * 0.9, "the kill came too late to be in the middle"
    assert all(stack.restarted(name) == 1 for name in killed)
    acknowledged = {event["id"] for event in first} | set(source.acknowledged)
    assert len(acknowledged) == EVENTS
    counts = check_nothing_lost(stack.ledger(), own, receive)
    measure(
        f"{fault} killed on {database} at {struck_at} of {DELIVERIES}",
        longest_silence_s=watch.longest_silence_s,
        all_done_s=watch.took_s,
        duplicates=counts["duplicates"],
        duplicates_possible=stack.ledger()["duplicates_possible"],
        posts_repeated=source.repeats,
        longest_post_s=source.longest_wait_s,
    )


def secrets_of(webhooks: list[Any]) -> list[str]:
    return [word for webhook in webhooks for word in ("--secret", webhook.secret)]


def check_nothing_lost(ledger: dict[str, Any], own: int, receive: ReceiveCommand) -> dict[str, Any]:
    """Every delivery arrived under its own id; what came twice carried an id already seen and was announced.

    ``own`` events were accepted before: the news of the webhooks' own making.
    """
    counts = receive.counts()
    assert ledger["balanced"]
    assert (ledger["accepted"] - own, ledger["matched"], ledger["delivered"]) == (EVENTS, DELIVERIES, DELIVERIES)
    assert counts["distinct"] == DELIVERIES
    assert counts["events_distinct"] == EVENTS
    assert counts["invalid_signatures"] == counts["refused"] == 0
    # An event that came again under a new message id would count here only.
    assert counts["events_duplicates"] == counts["duplicates"]
    assert counts["duplicates"] <= ledger["duplicates_possible"]
    return counts


class Watch:
    """Measures how long the receiver heard nothing new, on a thread of its own, until it has all or ``end``."""

    def __init__(self, receive: ReceiveCommand, goal: int) -> None:
        self.longest_silence_s = 0.0
        self.took_s = 0.0
        self.seen = 0
        self._receive = receive
        self._goal = goal
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        began = changed = time.monotonic()
        while self.seen < self._goal and not self._over.wait(0.05):
            seen, now = self._receive.counts()["distinct"], time.monotonic()
            self.longest_silence_s = max(self.longest_silence_s, now - changed)
            if seen != self.seen:
                self.seen, changed = seen, now
            self.took_s = now - began

    def end(self) -> None:
        self._over.set()
        self._thread.join()
