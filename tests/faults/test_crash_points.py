"""Cases 1 to 8: ``kill -9`` at labelled points, one event at a time, and exactly the copies that had to be."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from contextlib import closing

import orjson
import pytest
import requests

from tests.faults.conftest import Measure, NewTroupe
from tests.faults.installation import await_that
from tests.faults.scene import Scene
from tests.faults.troupe import LEASE_S, Troupe

pytestmark = [pytest.mark.process, pytest.mark.redis, pytest.mark.timeout(120)]

TICK_S = 1.0
RECOVERY_S = LEASE_S + TICK_S + 8.0
"""A lease, a tick, and as much again as a busy machine may need."""


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def scene(request: pytest.FixtureRequest, new_troupe: NewTroupe) -> Iterator[Scene]:
    made = Scene(new_troupe(request.param), concurrency=1, delay_s=0.05)
    with closing(made.receiver):
        yield made


@pytest.fixture(autouse=True)
def invariants(scene: Scene) -> Iterator[None]:
    """Every case ends with the same questions."""
    yield
    scene.close()


def kill_while_posting(scene: Scene, label: str) -> list[dict[str, object]]:
    """A post during which the web process dies; answers the events, of which nothing was acknowledged."""
    batch = scene.new_events()
    scene.troupe.points.arm(label)
    with pytest.raises(requests.ConnectionError):
        scene.post(batch)
    assert scene.troupe.points.struck(label)
    scene.troupe.await_ready()
    return batch


def test_case_1_web_dies_before_its_commit_and_the_repeated_post_is_stored_once(scene: Scene) -> None:
    before = scene.troupe.ledger()["accepted"]
    batch = kill_while_posting(scene, "ingest.before_commit")
    assert scene.troupe.ledger()["accepted"] == before
    counts = [orjson.loads(scene.repeat(batch).content) for _ in range(2)]
    assert [(count["accepted"], count["duplicates"]) for count in counts] == [(1, 0), (0, 1)]
    scene.settle()
    assert scene.copies(batch[0]["id"]) == 1


def test_case_2_web_dies_after_its_commit_and_the_repeated_post_gets_the_same_id(scene: Scene) -> None:
    batch = kill_while_posting(scene, "ingest.after_commit")
    answer = orjson.loads(scene.repeat(batch).content)
    assert (answer["accepted"], answer["duplicates"], answer["ids"]) == (0, 1, [batch[0]["id"]])
    scene.settle()
    assert scene.copies(batch[0]["id"]) == 1


def test_case_3_web_dies_before_the_ring_and_the_tick_rings(scene: Scene, measure: Measure) -> None:
    scene.troupe.points.arm("ring.before")
    # The ring is beside the answer: the source may or may not have heard of its success.
    with contextlib.suppress(requests.ConnectionError):
        scene.post(scene.new_events())
    await_that(lambda: scene.troupe.points.struck("ring.before") > 0, 10, scene.troupe.log)
    took_s = await_that(lambda: scene.copies(f"evt-{scene.next - 1}") == 1, RECOVERY_S, scene.troupe.log)
    measure("case 3, from the web's death to the delivery", took_s=took_s)
    scene.troupe.await_ready()


@pytest.mark.parametrize(
    ("case", "label", "copies"),
    [
        (4, "job.taken", 1),
        (4, "ring.heard", 1),
        (4, "lease.before_commit", 1),
        (4, "claim.before_commit", 1),
        (5, "lease.after_commit", 1),
        (5, "claim.after_commit", 1),
        (5, "send.before_connect", 1),
        (5, "connect.opened", 1),
        (6, "answer.before_record", 2),
        (6, "record.before_commit", 2),
        (7, "record.after_commit", 1),
    ],
)
def test_cases_4_to_7_a_worker_dies_and_the_receiver_gets(
    scene: Scene, measure: Measure, case: int, label: str, copies: int
) -> None:
    if label in {"connect.opened", "job.taken"}:
        scene.troupe.kill(*scene.troupe.workers)  # with them go their kept connections, and whoever listens for rings
    elif label == "ring.heard":
        scene.post(scene.new_events())
        scene.settle(RECOVERY_S)  # whoever delivered this goes on listening for a while
    scene.troupe.points.arm(label)
    scene.post(scene.new_events())
    await_that(lambda: scene.troupe.points.struck(label) > 0, 10, scene.troupe.log)
    took_s = scene.settle(RECOVERY_S)
    attempts = scene.last_delivery()["attempts"]
    assert scene.copies(scene.acknowledged[-1]) == copies, attempts
    assert attempts[-1]["outcome"] == "delivered"
    if copies == 2:
        assert [(one["outcome"], one["error"]["class"]) for one in attempts[:-1]] == [("unknown", "worker_lost")]
    measure(f"case {case}, {label}", recovered_after_s=took_s)


def test_case_8_a_worker_that_sleeps_past_its_lease_is_fenced(scene: Scene) -> None:
    refused_before = scene.troupe.whole_log().count("late results refused")
    label = "answer.before_record"
    scene.troupe.points.arm(label, number=signal.SIGSTOP)
    scene.post(scene.new_events())
    await_that(lambda: len(sleeping(scene.troupe)) == 1, 10, scene.troupe.log)
    (sleeper,) = sleeping(scene.troupe)
    scene.settle()
    assert scene.copies(scene.acknowledged[-1]) == 2
    scene.troupe.kill(sleeper, number=signal.SIGCONT)
    await_that(lambda: scene.troupe.whole_log().count("late results refused") > refused_before, 10, scene.troupe.log)
    assert [one["outcome"] for one in scene.last_delivery()["attempts"]] == [
        "unknown",
        "delivered",
    ]


def sleeping(troupe: Troupe) -> list[str]:
    """The workers that a signal has stopped."""
    return [name for name in troupe.workers if troupe.state(name).startswith("T")]


def test_case_37_the_same_event_from_a_hundred_posts_at_once_is_one_event(scene: Scene) -> None:
    batch = scene.new_events()
    answers: list[requests.Response] = []
    threads = [threading.Thread(target=lambda: answers.append(scene.post(batch))) for _ in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer.status_code for answer in answers] == [200] * 100
    read = [orjson.loads(answer.content) for answer in answers]
    assert sorted(one["accepted"] for one in read) == [0] * 99 + [1]
    assert all(one["accepted"] + one["duplicates"] == 1 and one["ids"] == [batch[0]["id"]] for one in read)
    scene.settle()
    assert scene.copies(batch[0]["id"]) == 1
