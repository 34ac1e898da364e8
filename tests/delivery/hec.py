"""An event collector with indexer acknowledgement over real sockets: it acknowledges what a test tells it to."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson

from app.core.clock import SECOND
from tests.delivery.receiver import Received, Receiver, Reply, receiving
from tests.world import Hook, World

TOKEN = "11111111-2222-3333-4444-555555555555"
POLL, WAIT = 10 * SECOND, 300 * SECOND
"""The sink's defaults."""
RETRY = 121 * SECOND
"""Longer than the first wait of the default schedule."""


@dataclass
class Collector:
    """Takes events, gives each request the next number of its channel, and says which numbers are indexed."""

    receiver: Receiver = field(default_factory=Receiver)
    indexed: Callable[[int], bool] = lambda _number: True
    ack_script: list[Reply] = field(default_factory=list)
    """Answers of the acknowledgement endpoint that go first."""
    event_script: list[Reply] = field(default_factory=list)
    code: int = 0
    """The HEC code of every success."""
    pause_s: int = 0
    """What it asks for with ``Retry-After``."""
    forgets: bool = False
    """Whether it says of each number only once that it is indexed, as the real one does."""
    numbers: dict[str, int] = field(default_factory=dict)
    polls: list[Received] = field(default_factory=list)
    sent: list[Received] = field(default_factory=list)
    said: set[tuple[str, int]] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.receiver.port}"

    @property
    def asked(self) -> list[list[int]]:
        """The numbers of each question."""
        return [orjson.loads(poll.body)["acks"] for poll in self.polls]

    @property
    def event_ids(self) -> list[str]:
        """The ids of the events in the order they came, repeats included."""
        lines = [line for request in self.sent for line in request.body.split(b"\n")]
        return [orjson.loads(line)["event"]["id"] for line in lines]

    def restart(self) -> None:
        """Count anew, and know nothing of what was."""
        self.numbers.clear()

    def answer(self, request: Received) -> Reply:
        if request.path.endswith("/ack"):
            return self._acknowledge(request)
        with self._lock:
            self.sent.append(request)
            if self.event_script:
                return self.event_script.pop(0)
            channel = request.header("x-splunk-request-channel")
            number = self.numbers.get(channel, -1) + 1
            self.numbers[channel] = number
        headers = (("retry-after", str(self.pause_s)),) if self.pause_s else ()
        return Reply(200, headers, orjson.dumps({"text": "Success", "code": self.code, "ackId": number}))

    def _acknowledge(self, request: Received) -> Reply:
        self.polls.append(request)
        if self.ack_script:
            return self.ack_script.pop(0)
        channel = request.header("x-splunk-request-channel")
        asked = orjson.loads(request.body)["acks"]
        acks = {str(number): self._is_indexed(channel, number) for number in asked}
        return Reply(body=orjson.dumps({"acks": acks}))

    def _is_indexed(self, channel: str, number: int) -> bool:
        if number > self.numbers.get(channel, -1) or not self.indexed(number):
            return False
        known = (channel, number) not in self.said
        self.said.add((channel, number))
        return known or not self.forgets


@contextmanager
def collecting() -> Iterator[Collector]:
    """A collector on a free loopback port."""
    collector = Collector()
    with receiving(collector.answer) as receiver:
        collector.receiver = receiver
        yield collector


def add_hook(world: World, collector: Collector, *, mode: str = "instant", **more: Any) -> Hook:
    """A webhook for a collector; its requests are not compressed."""
    config = {"gzip": False} | more.pop("config", {})
    secrets = {"token": TOKEN}
    return world.add_webhook(collector.url, mode=mode, sink="splunk_hec", config=config, secrets=secrets, **more)


def balanced(world: World, hook: Hook, **columns: int) -> None:
    """The ledger balances, and the webhook's account shows these numbers."""
    account = world.account(hook)
    assert {name: getattr(account, name) for name in columns} == columns
    assert world.ledger().balanced
