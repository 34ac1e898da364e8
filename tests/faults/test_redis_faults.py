"""Cases 9 and 11 to 15: the bell breaks, the tick dies, a worker is asked to end; and Redis was never needed."""

from __future__ import annotations

import signal
import statistics
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.faults.conftest import Measure, NewTroupe
from tests.faults.installation import await_that
from tests.faults.scene import Scene

pytestmark = [pytest.mark.process, pytest.mark.redis, pytest.mark.timeout(180)]

RESUMES_WITHIN_S = 10.0
"""From the moment Redis is back to the delivery of what came meanwhile."""

INGEST_P99_S = 0.5
FULL = pytest.mark.faults_full


def most_copies(scene: Scene) -> int:
    """The largest number of copies of one delivery."""
    return max(Counter(one.headers["webhook-id"] for one in scene.receiver.requests).values())


@pytest.fixture(scope="module")
def scene(new_troupe: NewTroupe) -> Iterator[Scene]:
    made = Scene(new_troupe(), concurrency=50)
    with closing(made.receiver):
        yield made


@pytest.fixture(autouse=True)
def invariants(scene: Scene) -> Iterator[None]:
    """Every case ends with the same questions."""
    scene.delay_s = 0.0
    yield
    scene.close()


def test_case_9_another_tick_takes_over_from_one_that_died_with_the_rings(scene: Scene, measure: Measure) -> None:
    workers = scene.troupe.workers
    scene.troupe.stop(*workers)
    scene.troupe.start("tick", name="tick-2")
    scene.accept()
    with scene.troupe.redis.client() as client:
        client.flushall()
    scene.troupe.take_away(["tick"])
    for worker in workers:
        scene.troupe.start("worker", name=worker)
    took_s = scene.settle(15)
    measure("case 9, from the death of the tick to the delivery", took_s=took_s)


def test_case_11_a_worker_asked_to_end_finishes_what_is_in_flight_and_gives_the_rest_back(scene: Scene) -> None:
    scene.delay_s = 1.0
    before = len(scene.receiver.requests)
    scene.accept(120)
    await_that(lambda: len(scene.receiver.requests) - before >= 20, 10, scene.troupe.log)
    began = time.monotonic()
    scene.troupe.stop(*scene.troupe.workers)
    took_s = time.monotonic() - began
    assert took_s < 20
    assert {code for name, code in scene.troupe.deaths if name in scene.troupe.workers} == {0}
    given_back = scene.troupe.ledger()["pending"]
    assert given_back > 0
    for worker in scene.troupe.workers:
        scene.troupe.start("worker", name=worker)
    scene.settle()
    assert most_copies(scene) == 1
    assert scene.troupe.ledger()["duplicates_possible"] == 0


@pytest.mark.parametrize("away_s", [3.0, pytest.param(30.0, marks=FULL)])
def test_case_12_without_redis_events_are_accepted_and_with_it_they_are_delivered(
    scene: Scene, measure: Measure, away_s: float
) -> None:
    scene.troupe.redis.kill()
    gone = time.monotonic()
    posts = []
    while time.monotonic() - gone < away_s:
        posts.append(scene.accept())
        time.sleep(0.1)
    assert scene.ready()["status"] == "degraded"
    scene.troupe.redis.start()
    measure(f"case 12, Redis away for {away_s:.0f} s", longest_post_s=max(posts), resumed_after_s=scene.settle())
    assert scene.ready()["status"] == "ok"


def test_case_13_flushall_under_load_is_a_delay_at_most(scene: Scene, measure: Measure) -> None:
    scene.delay_s = 0.05
    for _ in range(10):
        scene.accept(30)
        with scene.troupe.redis.client() as client:
            client.flushall()
    measure("case 13, ten times FLUSHALL", all_done_after_s=scene.settle())
    assert scene.troupe.ledger()["duplicates_possible"] == 0


@pytest.mark.parametrize("hung_s", [3.0, pytest.param(60.0, marks=FULL)])
def test_case_14_a_hanging_redis_does_not_slow_the_ingest(scene: Scene, measure: Measure, hung_s: float) -> None:
    scene.troupe.redis.hang()
    hung = time.monotonic()
    posts = []
    while time.monotonic() - hung < hung_s:
        posts.append(scene.accept())
        time.sleep(0.02)
    assert scene.ready()["status"] == "degraded"
    scene.troupe.redis.go_on()
    took_s = scene.settle()
    p99_s = statistics.quantiles(posts, n=100)[-1]
    measure(f"case 14, Redis hung for {hung_s:.0f} s", p99_s=p99_s, resumed_after_s=took_s)
    assert p99_s < INGEST_P99_S
    assert scene.ready()["status"] == "ok"


def test_case_15_a_full_redis_is_the_same_as_none_and_says_so(scene: Scene, measure: Measure) -> None:
    with scene.troupe.redis.client() as client:
        client.config_set("maxmemory", "1")
    posts = [scene.accept() for _ in range(20)]
    status = scene.ready()["status"]
    with scene.troupe.redis.client() as client:
        client.config_set("maxmemory", "0")
    assert status == "degraded"
    assert max(posts) < INGEST_P99_S
    measure("case 15, after Redis had room again", resumed_after_s=scene.settle())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_stack_without_a_single_worker_accepts_and_delivers_later(scene: Scene, number: signal.Signals) -> None:
    scene.troupe.stop(*scene.troupe.workers, number=number)
    scene.accept(20)
    for worker in scene.troupe.workers:
        scene.troupe.start("worker", name=worker)
    scene.settle()
    assert most_copies(scene) == 1
