"""A troupe with one webhook and a receiver in the test's own process: what most cases are played on."""

from __future__ import annotations

import contextlib
import socket
import time
from typing import Any

import orjson
import requests

from tests.faults.installation import await_that
from tests.faults.invariants import Account, check
from tests.faults.receivers import OK, Receiver
from tests.faults.sources import sample_events
from tests.faults.troupe import Troupe

RETRIES = {"schedule_s": [1] * 10}


class Scene:
    """Posts events, remembers what was acknowledged, and asks the invariants."""

    def __init__(self, troupe: Troupe, *, concurrency: int, delay_s: float = 0.0) -> None:
        self.troupe = troupe
        self.delay_s = delay_s
        self.receiver = Receiver(self._answer)
        troupe.create_organization(("ctx_1", "entrypoint"))
        self.webhook = troupe.create_webhook(f"{self.receiver.url}/{{id}}", concurrency=concurrency, retry=RETRIES)
        self.acknowledged: list[str] = []
        self.next = 0
        self._in_order = [self.webhook.id] if concurrency == 1 else []

    def _answer(self, connection: socket.socket, _number: int) -> None:
        time.sleep(self.delay_s)
        connection.sendall(OK)

    def new_events(self, number: int = 1) -> list[dict[str, Any]]:
        """Events that nobody has seen yet."""
        self.next += number
        return sample_events(self.next - number, number)

    def post(self, batch: list[dict[str, Any]]) -> requests.Response:
        """One post; what it acknowledges is remembered."""
        answer = self.troupe.post(orjson.dumps(batch))
        if answer.status_code == requests.codes.ok:
            self.acknowledged += orjson.loads(answer.content)["ids"]
        return answer

    def repeat(self, batch: list[dict[str, Any]], within_s: float = 15.0) -> requests.Response:
        """A post that is repeated, as a source does, while nobody listens: a server may still be on its way out."""
        answers: list[requests.Response] = []

        def is_answered() -> bool:
            with contextlib.suppress(requests.ConnectionError):
                answers.append(self.post(batch))
            return bool(answers)

        await_that(is_answered, within_s, self.troupe.log)
        return answers[0]

    def accept(self, number: int = 1) -> float:
        """New events in one post that must be acknowledged; answers the seconds until it was."""
        answer = self.post(self.new_events(number))
        assert answer.status_code == requests.codes.ok, answer.text
        return answer.elapsed.total_seconds()

    def settle(self, within_s: float = 10.0) -> float:
        """Wait until nothing is pending; answers the seconds it took."""
        return await_that(lambda: not self.troupe.ledger()["pending"], within_s, self.troupe.log)

    def copies(self, event_id: str) -> int:
        """How often the receiver read this event."""
        return sum(orjson.loads(one.body)["id"] == event_id for one in tuple(self.receiver.requests))

    def last_delivery(self) -> dict[str, Any]:
        """The delivery of the event that was acknowledged last, with its attempts."""
        return self.webhook.only_delivery_of(self.acknowledged[-1])

    def ready(self) -> dict[str, Any]:
        """What ``/readyz`` says."""
        return self.troupe.call("GET", "/readyz")

    def close(self) -> Account:
        """Come to rest, and ask what must hold after every fault."""
        self.troupe.points.disarm()
        self.settle(30)
        secrets = [self.webhook.secret]
        return check(self.troupe, self.receiver.requests, self.acknowledged, in_order=self._in_order, secrets=secrets)
