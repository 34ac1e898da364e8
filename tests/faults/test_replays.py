"""Redeliveries and backfills with real processes: pressed by many at once, and killed on their way."""

from __future__ import annotations

import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import closing

import orjson
import pytest
import requests

from tests.faults.conftest import Measure, NewTroupe
from tests.faults.installation import Webhook, await_that
from tests.faults.invariants import check
from tests.faults.receivers import OK, Receiver
from tests.faults.sources import sample_events
from tests.faults.troupe import Troupe

pytestmark = [pytest.mark.process, pytest.mark.redis, pytest.mark.timeout(120)]

EVENTS = 40
PER_S = 20
PRESSES = 50
LONG_AGO = "2020-01-01T00:00:00Z"
REFUSED = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n"


class House:
    """A troupe whose first webhook has refused :data:`EVENTS` events, and takes everything from now on."""

    def __init__(self, troupe: Troupe) -> None:
        self.troupe = troupe
        self.answer = REFUSED
        self.awake = threading.Event()
        self.awake.set()
        self.receiver = Receiver(self._answer)
        troupe.create_organization(("ctx_1", "entrypoint"))
        self.webhook = self.new_webhook()
        self.ids = [one["id"] for one in sample_events(0, EVENTS)]
        assert troupe.post(orjson.dumps(sample_events(0, EVENTS))).ok
        self.settle()
        assert troupe.ledger()["failed"] == EVENTS
        self.answer = OK

    def _answer(self, connection: socket.socket, _number: int) -> None:
        self.awake.wait(20)
        connection.sendall(self.answer)

    def new_webhook(self) -> Webhook:
        return self.troupe.create_webhook(f"{self.receiver.url}/{{id}}")

    def settle(self) -> None:
        await_that(lambda: not self.troupe.ledger()["pending"], 30, self.troupe.log)

    def start(self, webhook: Webhook, kind: str, per_s: int = PER_S, **more: str) -> str:
        body = {"since": LONG_AGO, "per_s": per_s, **more}
        return str(self.troupe.call("POST", f"/v1/webhooks/{webhook.id}/{kind}", body)["id"])

    def finish(self, replay: str) -> float:
        """Wait until a replay is done and everything was delivered; answers the seconds it took."""
        took_s = await_that(lambda: self.shown(replay)["state"] == "done", 40, self.troupe.log)
        self.settle()
        return took_s

    def shown(self, replay: str) -> dict[str, object]:
        return self.troupe.call("GET", f"/v1/replays/{replay}")

    def copies(self, webhook: Webhook) -> Counter[str]:
        """How often the receiver read each event from a webhook."""
        read = tuple(self.receiver.requests)
        return Counter(orjson.loads(one.body)["id"] for one in read if one.line.split(" ")[1] == f"/{webhook.id}")


@pytest.fixture(
    scope="module", params=["sqlite", pytest.param("postgresql", marks=[pytest.mark.postgres, pytest.mark.faults_full])]
)
def house(request: pytest.FixtureRequest, new_troupe: NewTroupe) -> Iterator[House]:
    made = House(new_troupe(request.param))
    with closing(made.receiver):
        yield made


@pytest.fixture(autouse=True)
def invariants(house: House) -> Iterator[None]:
    """Every case ends with the same questions."""
    yield
    house.troupe.points.disarm()
    house.settle()
    check(house.troupe, house.receiver.requests, house.ids)


def test_a_redelivery_of_many_whose_tick_dies_in_each_step_sends_each_once(house: House, measure: Measure) -> None:
    points = house.troupe.points
    replay = house.start(house.webhook, "redeliver", state="failed", code="4xx")
    for label in ("replay.before_commit", "replay.after_commit"):
        points.arm(label)
        await_that(lambda label=label: points.struck(label) > 0, 15, house.troupe.log)
    took_s = house.finish(replay)
    measure("a redelivery of many, after two deaths of the tick", done_after_s=took_s)
    assert house.shown(replay)["done"] == EVENTS
    assert house.copies(house.webhook) == dict.fromkeys(house.ids, 2), "refused once, redelivered once"


def test_case_38_pressed_fifty_times_at_once_there_is_one_redelivery(house: House) -> None:
    house.settle()
    event_id = house.ids[0]
    before = house.copies(house.webhook)[event_id]
    delivery = house.webhook.only_delivery_of(event_id)["id"]
    house.awake.clear()
    answers: list[requests.Response] = []

    def press() -> None:
        with house.troupe.session() as session:
            answers.append(session.post(f"{house.troupe.url}/v1/deliveries/{delivery}/redeliver", timeout=30))

    threads = [threading.Thread(target=press) for _ in range(PRESSES)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    house.awake.set()
    house.settle()
    assert Counter(answer.status_code for answer in answers) == {202: 1, 409: PRESSES - 1}
    refused = [answer.json()["detail"] for answer in answers if answer.status_code == requests.codes.conflict]
    assert all(why.startswith(("this delivery is pending", "this delivery is sending")) for why in refused)
    assert house.copies(house.webhook)[event_id] == before + 1


@pytest.mark.faults_full
def test_a_backfill_survives_the_death_of_every_process(house: House) -> None:
    new = house.new_webhook()
    replay = house.start(new, "backfill", per_s=5)
    for _ in range(2):
        await_that(lambda: 0 < int(str(house.shown(replay)["done"])) < EVENTS, 15, house.troupe.log)
        house.troupe.kill("tick", "web", *house.troupe.workers)
        house.troupe.await_ready()
    house.finish(replay)
    assert set(house.copies(new)) == set(house.ids)
    account = next(one for one in house.troupe.ledger()["webhooks"] if one["webhook_id"] == new.id)
    assert (account["owed"], account["delivered"]) == (EVENTS, EVENTS)
