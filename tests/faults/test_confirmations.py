"""``kill -9`` between sending, recording, asking and recording the word: accepted events are never lost or made up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson
import pytest

from tests.delivery.hec import TOKEN, Collector, collecting
from tests.faults.conftest import NewTroupe
from tests.faults.installation import await_that
from tests.faults.sources import sample_events
from tests.faults.troupe import Troupe

pytestmark = [pytest.mark.process, pytest.mark.redis, pytest.mark.timeout(120)]

SETTINGS = {"gzip": False, "ack_poll_s": 1, "ack_wait_s": 10}
WITHIN_S = 40.0


@dataclass
class Stage:
    """A troupe with one webhook to a collector that says of each number only once that it is indexed."""

    troupe: Troupe
    collector: Collector
    next: int = 0

    def post(self) -> str:
        (event,) = sample_events(self.next, 1)
        self.next += 1
        answer = self.troupe.post(orjson.dumps([event]))
        return str(orjson.loads(answer.content)["ids"][0])

    def numbers(self) -> dict[str, Any]:
        return self.troupe.ledger()

    def is_settled(self) -> bool:
        numbers = self.numbers()
        return numbers["delivered"] == self.next and not numbers["pending"] and not numbers["confirming"]


@pytest.fixture(
    scope="module",
    params=["sqlite", pytest.param("postgresql", marks=[pytest.mark.postgres, pytest.mark.faults_full])],
)
def stage(request: pytest.FixtureRequest, new_troupe: NewTroupe) -> Iterator[Stage]:
    with collecting() as collector:
        collector.forgets = True
        troupe = new_troupe(request.param)
        troupe.create_organization(("ctx_1", "entrypoint"))
        troupe.create_webhook(
            collector.url, sink="splunk_hec", config=SETTINGS, secrets={"token": TOKEN}, retry={"schedule_s": [1] * 5}
        )
        yield Stage(troupe, collector)


@pytest.mark.parametrize(
    ("label", "copies", "cause"),
    [
        ("record.before_commit", 2, "worker_lost"),
        ("record.after_commit", 1, None),
        ("question.leaving", 1, None),
        ("question.before_commit", 2, "unconfirmed"),
        ("question.after_commit", 1, None),
    ],
)
def test_a_worker_that_dies_on_the_way_to_a_confirmation(
    stage: Stage, label: str, copies: int, cause: str | None
) -> None:
    """Its successor asks on; where the word died with the worker, the event is sent once more, which is counted."""
    points = stage.troupe.points
    before = stage.numbers()["duplicate_causes"]
    struck = points.struck(label)
    points.arm(label)
    event_id = stage.post()
    await_that(lambda: points.struck(label) > struck, 20, stage.troupe.log)
    assert stage.numbers()["balanced"]
    await_that(stage.is_settled, WITHIN_S, stage.troupe.log)
    assert stage.collector.event_ids.count(event_id) == copies
    numbers = stage.numbers()
    assert numbers["balanced"]
    added = {name: number - before.get(name, 0) for name, number in numbers["duplicate_causes"].items()}
    assert {name: number for name, number in added.items() if number} == ({cause: 1} if cause else {})
