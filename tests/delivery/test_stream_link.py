"""A link under every order of events: each message has one result, and "written" is never said of bytes in doubt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast
from unittest import mock

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from app.delivery import stream_link
from app.delivery.egress_loop import TransferLoop
from app.delivery.exchange import FailureClass, Outgoing, Returned, Timings, TransferFailure
from app.delivery.stream_link import IDLE_S, LIFETIME_S, StreamLink
from app.delivery.stream_wire import OnOpen, WireBrokenError

LIMIT_MS = 15_000
FIRST_MARK = 0x80
"""Each message begins with a byte of its own, so that one byte tells whether any of it was written."""


@dataclass
class Clock:
    """The loop's timers, and the time that a test says it is."""

    now: float = 1_000.0
    timers: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)

    def monotonic(self) -> float:
        return self.now

    def call_at(self, when: float, action: Callable[[], None]) -> None:
        self.timers.append((when, len(self.timers), action))

    def advance(self, seconds: float) -> None:
        end = self.now + seconds
        fired = 0
        while due := sorted(timer for timer in self.timers if timer[0] <= end):
            self.timers.remove(due[0])
            self.now = max(self.now, due[0][0])
            due[0][2]()
            fired += 1
            assert fired < 100_000, "the link never comes to rest"
        self.now = end


@dataclass
class FakeWire:
    """A connection whose kernel and peer do as told."""

    peer: str = "peer"
    timings: Timings = field(default_factory=Timings)
    on_open: OnOpen | None = None
    room: int = 0
    written: bytes = b""
    acknowledged: int = 0
    gone: str = ""
    reset: bool = False
    closed: bool = False
    on_news: Callable[[], None] | None = None
    wants_room: bool = False

    def open(self, on_open: OnOpen) -> None:
        self.on_open = on_open

    def write(self, data: memoryview) -> int:
        assert not self.closed
        if self.reset:
            raise WireBrokenError("reset")
        taken = bytes(data[: self.room])
        self.room -= len(taken)
        self.written += taken
        return len(taken)

    def mark(self) -> int:
        return len(self.written)

    def reached(self, mark: int) -> bool:
        return not self.reset and self.acknowledged >= mark

    def ending(self) -> str:
        return self.gone

    def watch(self, on_news: Callable[[], None], *, writable: bool) -> None:
        assert not self.closed
        self.on_news, self.wants_room = on_news, writable

    def close(self) -> None:
        self.closed = True

    def news(self) -> None:
        if self.on_news is not None and not self.closed:
            self.on_news()


MOSTLY = st.sampled_from([True] * 7 + [False])
SELDOM = st.sampled_from([False] * 3 + [True])


class Links(RuleBasedStateMachine):
    """One link, its wires, and whatever may happen to them."""

    @initialize()
    def begin(self) -> None:
        self.clock = Clock()
        self.patch = mock.patch.object(stream_link, "time", self.clock)
        self.patch.start()
        self.wires: list[FakeWire] = []
        self.pushed: dict[int, bytes] = {}
        self.results: dict[int, Returned] = {}
        self.rests = 0
        self.link = StreamLink(cast("TransferLoop", self.clock), self.new_wire, self.report, self.rest)

    def teardown(self) -> None:
        if not hasattr(self, "link"):
            return
        self.clock.advance(10 * LIMIT_MS / 1000 + IDLE_S)
        for wire in self.wires:
            if wire.on_open is not None and not wire.closed:
                self.fail_open(wire)
        self.clock.advance(2 * IDLE_S)
        self.patch.stop()
        assert self.results.keys() == self.pushed.keys()
        assert self.link.is_idle
        assert self.wire is None
        assert self.rests or not self.wires
        for wire in self.wires:
            self.check_stream(wire.written)

    def check_stream(self, written: bytes) -> None:
        """Whole messages one after the other, and at most the last one cut."""
        while written:
            body = self.pushed[written[0] - FIRST_MARK]
            assert written[: len(body)] == body[: len(written)]
            written = written[len(body) :]

    def fail_open(self, wire: FakeWire) -> None:
        on_open, wire.on_open = wire.on_open, None
        wire.closed = True
        assert on_open is not None
        on_open(TransferFailure(FailureClass.CONNECT, "refused", request_sent=False))

    def new_wire(self) -> FakeWire:
        assert all(wire.closed for wire in self.wires), "one wire at a time"
        self.wires.append(FakeWire())
        return self.wires[-1]

    def report(self, returned: Returned) -> None:
        assert returned.key not in self.results, "one result for each message"
        self.results[returned.key] = returned
        body = self.pushed[returned.key]
        left = any(body[:1] in wire.written for wire in self.wires)
        if returned.failure is None:
            place = [wire.written.find(body) + len(body) for wire in self.wires if body in wire.written]
            assert place, "written means every byte, on one wire"
            assert not self.wires[-1].reset
            assert self.wires[-1].acknowledged >= place[-1], "written means acknowledged"
        else:
            assert returned.failure.request_sent == left, "sent is said exactly when a byte may have left"

    def rest(self) -> None:
        self.rests += 1

    @property
    def wire(self) -> FakeWire | None:
        return self.wires[-1] if self.wires and not self.wires[-1].closed else None

    @rule(size=st.integers(1, 2_000))
    def push(self, size: int) -> None:
        number = len(self.pushed)
        self.pushed[number] = bytes([FIRST_MARK + number]) + bytes(place % 100 for place in range(size))
        self.link.push(Outgoing(number, "SYSLOG", "", (), self.pushed[number], LIMIT_MS))

    @rule(opens=MOSTLY, room=st.sampled_from([0, 10, 1_000, 50_000, 50_000]))
    def open(self, opens: bool, room: int) -> None:  # noqa: FBT001 - drawn by hypothesis
        wire = self.wire
        if wire is None or wire.on_open is None:
            return
        if not opens:
            self.fail_open(wire)
            return
        on_open, wire.on_open, wire.room = wire.on_open, None, room
        on_open(None)

    @rule(room=st.integers(1, 3_000))
    def make_room(self, room: int) -> None:
        wire = self.wire
        if wire is not None and wire.on_open is None:
            wire.room += room
            if wire.wants_room:
                wire.news()

    @rule(size=st.integers(1, 2_000))
    def deliver(self, size: int) -> None:
        """Everything goes well."""
        self.push(size)
        self.open(opens=True, room=50_000)
        self.make_room(50_000)
        self.acknowledge(1.0)
        self.wait(0.02)

    @rule(share=st.sampled_from([0.3, 1.0, 1.0]))
    def acknowledge(self, share: float) -> None:
        wire = self.wire
        if wire is not None:
            wire.acknowledged += round(share * (len(wire.written) - wire.acknowledged))

    @rule(reset=SELDOM, told=st.booleans())
    def hang_up(self, reset: bool, told: bool) -> None:  # noqa: FBT001 - drawn by hypothesis
        wire = self.wire
        if wire is not None and wire.on_open is None:
            wire.gone, wire.reset = "closed", reset
            if told:
                wire.news()

    @rule(seconds=st.sampled_from([*[0.02] * 8, 1.0, 16.0, IDLE_S + 1, LIFETIME_S + 1]))
    def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @invariant()
    def nothing_is_told_of_what_was_not_pushed(self) -> None:
        if hasattr(self, "link"):
            assert self.results.keys() <= self.pushed.keys()


Links.TestCase.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)
TestLinks = Links.TestCase
