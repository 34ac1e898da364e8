"""Cases 24, 34 and 39: bad weather between worker and receiver, and between the processes and Redis."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest

from tests.faults.conftest import Measure, NewTroupe
from tests.faults.fault_proxy import CLEAR, FaultProxy, Weather
from tests.faults.installation import await_that
from tests.faults.scene import Scene

pytestmark = [pytest.mark.process, pytest.mark.redis, pytest.mark.timeout(180)]

HEALS_WITHIN_S = 15.0
FULL = pytest.mark.faults_full
KILOBIT = 1_000 / 8
CONCURRENCY = 20


class Windy:
    """A scene whose receiver stands behind a proxy."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.proxy = FaultProxy(("127.0.0.1", urlsplit(scene.receiver.url).port or 0))
        url = f"http://127.0.0.1:{self.proxy.port}/{scene.webhook.id}"
        scene.troupe.call("PATCH", f"/v1/webhooks/{scene.webhook.id}", {"endpoint_url": url})


@pytest.fixture(scope="module")
def windy(new_troupe: NewTroupe) -> Iterator[Windy]:
    scene = Scene(new_troupe(), concurrency=CONCURRENCY)
    made = Windy(scene)
    with closing(scene.receiver), closing(made.proxy):
        yield made


@pytest.fixture(autouse=True)
def invariants(windy: Windy) -> Iterator[None]:
    """Every case ends in clear weather with the same questions; each starts on fresh connections."""
    yield
    windy.proxy.weather = CLEAR
    windy.scene.settle(40)
    windy.scene.close()


def one_event(windy: Windy, weather: Weather) -> list[tuple[str, str | None]]:
    """Outcome and error class of each attempt at one event, whose first attempt meets the weather."""
    scene = windy.scene
    windy.proxy.hang_up()
    time.sleep(1.2)  # libcurl asks a kept connection for its health at most once a second
    windy.proxy.weather = weather
    scene.accept()
    await_that(lambda: bool(scene.last_delivery()["attempts"]), 20, scene.troupe.log)
    windy.proxy.weather = CLEAR
    await_that(lambda: scene.last_delivery()["state"] == "delivered", 20, scene.troupe.log)
    attempts = scene.last_delivery()["attempts"]
    return [(one["outcome"], (one["error"] or {}).get("class"))[:2] for one in attempts]


def test_case_24_a_reset_before_the_request_is_read_costs_no_copy(windy: Windy) -> None:
    first, last = one_event(windy, Weather(reset_after=0))
    assert first in {("retry", "connect"), ("unknown", "connection_lost")}
    assert last == ("delivered", None)
    assert windy.scene.copies(windy.scene.acknowledged[-1]) == 1


def test_case_24_a_reset_after_the_request_was_read_is_of_unknown_end_and_counted(windy: Windy) -> None:
    before = windy.scene.troupe.ledger()["duplicates_possible"]
    first, last = one_event(windy, Weather(answers_reset=True))
    assert (first[0], last) == ("unknown", ("delivered", None))
    assert windy.scene.copies(windy.scene.acknowledged[-1]) == 2
    assert windy.scene.troupe.ledger()["duplicates_possible"] == before + 1


def test_a_half_closed_request_is_tried_again(windy: Windy) -> None:
    first, last = one_event(windy, Weather(half_close_after=100))
    assert (first[0], last) == ("unknown", ("delivered", None))
    assert windy.scene.copies(windy.scene.acknowledged[-1]) == 1


WEATHERS = {
    "a third of the chunks reset": Weather(reset_share=0.3),
    "64 kbit/s": Weather(bytes_per_s=64 * KILOBIT),
    "latency and jitter": Weather(latency_s=0.2, jitter_s=0.3),
}


@pytest.mark.parametrize("name", [next(iter(WEATHERS)), *(pytest.param(name, marks=FULL) for name in [*WEATHERS][1:])])
def test_case_34_bad_weather_loses_nothing(windy: Windy, measure: Measure, name: str) -> None:
    windy.proxy.weather = WEATHERS[name]
    windy.scene.accept(40)
    time.sleep(3)
    windy.proxy.weather = CLEAR
    measure(f"case 34, {name}", at_rest_after_s=windy.scene.settle(30))


@pytest.mark.parametrize("hole_s", [4.0, pytest.param(60.0, marks=FULL)])
def test_case_34_a_partition_between_worker_and_receiver_heals(windy: Windy, measure: Measure, hole_s: float) -> None:
    windy.proxy.weather = Weather(black_hole=True)
    windy.scene.accept(40)
    time.sleep(hole_s)
    windy.proxy.weather = CLEAR
    took_s = windy.scene.settle(60)
    measure(f"case 34, black hole for {hole_s:.0f} s before the receiver", at_rest_after_s=took_s)


@pytest.mark.parametrize("hole_s", [4.0, pytest.param(60.0, marks=FULL)])
def test_case_34_a_partition_between_the_processes_and_redis_heals(
    windy: Windy, measure: Measure, hole_s: float
) -> None:
    troupe = windy.scene.troupe
    server = urlsplit(troupe.redis.url)
    with closing(FaultProxy(troupe.redis.socket_path)) as wire:
        url = f"redis://:{quote(server.password or '', safe='')}@127.0.0.1:{wire.port}/0"
        for name, words in [*((worker, ("worker",)) for worker in troupe.workers), ("tick", ("tick",))]:
            troupe.take_away([name])
            troupe.start(*words, name=name, RELAYPOINT_REDIS_URL=url)
        windy.scene.accept(5)
        windy.scene.settle()
        wire.weather = Weather(black_hole=True)
        windy.scene.accept(40)
        time.sleep(hole_s)
        wire.weather = CLEAR
        took_s = windy.scene.settle(HEALS_WITHIN_S)
        measure(f"case 34, black hole for {hole_s:.0f} s before Redis", at_rest_after_s=took_s)
        for name, words in [*((worker, ("worker",)) for worker in troupe.workers), ("tick", ("tick",))]:
            troupe.take_away([name])
            troupe.start(*words, name=name)


def test_weather_leaves_no_descriptor_thread_or_memory_behind(windy: Windy, measure: Measure) -> None:
    troupe = windy.scene.troupe
    storm(windy)  # What a process opens once and for all, such as its second database connection, is open after this.
    before = {name: holdings(troupe.pid(name)) for name in troupe.workers}
    for _ in range(3):
        storm(windy)
    after = {name: holdings(troupe.pid(name)) for name in troupe.workers}
    for name in troupe.workers:
        descriptors, threads, megabytes = (now - was for now, was in zip(after[name], before[name], strict=True))
        measure(f"I7, {name}", more_descriptors=descriptors, more_threads=threads, more_megabytes=megabytes)
        assert descriptors <= CONCURRENCY + 5, "kept connections, and no more"
        assert threads <= 1
        assert megabytes <= 16


def storm(windy: Windy) -> None:
    """A second of resets amid a hundred events, and the calm in which they arrive."""
    windy.proxy.weather = WEATHERS["a third of the chunks reset"]
    windy.scene.accept(100)
    time.sleep(1)
    windy.proxy.weather = CLEAR
    windy.scene.settle(40)


def holdings(pid: int) -> tuple[int, int, float]:
    """Open descriptors, threads and resident megabytes of a process."""
    place = Path(f"/proc/{pid}")
    pages = int((place / "statm").read_text().split()[1])
    return len(list((place / "fd").iterdir())), len(list((place / "task").iterdir())), pages * 4096 / 1_000_000
