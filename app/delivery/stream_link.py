"""A link to one syslog receiver: its wire, and the messages that wait to be written in their order.

Syslog has no answer, and a write succeeds as soon as the own kernel took the bytes: the lost last message is its oldest
trap. So the peer is asked before each write whether it is still there, and a message counts as written only when the
receiver's machine acknowledged its last byte and did not reset the connection. What can be lost counts as unknown.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from app.delivery.egress_loop import TransferLoop
from app.delivery.exchange import FailureClass, Outgoing, Returned, Timings, TransferFailure
from app.delivery.stream_wire import Wire, WireBrokenError

IDLE_S = 60.0
"""An unused wire is closed after this long."""
LIFETIME_S = 600.0
"""A wire older than this is replaced when it has nothing to write, so that a changed address is noticed."""
_TURN = 1024 * 1024
"""Bytes that one link writes before others have their turn."""
_FIRST_PAUSE_S = 0.001
_LONGEST_PAUSE_S = 0.016
"""Pauses between two looks at what was acknowledged; kernels hold an acknowledgement back for up to 40 ms."""
_NEVER = float("inf")


@dataclass(slots=True)
class _Message:
    request: Outgoing
    rest: memoryview
    started_at: float
    deadline: float
    timings: Timings
    mark: int = 0
    """Where its last byte stands in the wire's count."""

    @property
    def is_begun(self) -> bool:
        return len(self.rest) < len(self.request.body)


class StreamLink:
    """Writes messages to one target, one after the other.

    Args:
        loop: where it waits.
        new_wire: makes a wire that is not yet open.
        report: gets the result of each message.
        on_rest: called whenever the link has neither a message nor a wire.
    """

    def __init__(
        self,
        loop: TransferLoop,
        new_wire: Callable[[], Wire],
        report: Callable[[Returned], None],
        on_rest: Callable[[], None],
    ) -> None:
        self._loop = loop
        self._new_wire = new_wire
        self._report = report
        self._on_rest = on_rest
        self._queue: deque[_Message] = deque()
        self._sent: deque[_Message] = deque()
        self._wire: Wire | None = None
        self._is_open = False
        self._is_proven = False
        """This wire has taken a message to its end, so a break is no reason to doubt the target."""
        self._opened_at = 0.0
        self._alarm = _NEVER
        self._pause_s = _FIRST_PAUSE_S
        self._is_pausing = False
        self.used_at = 0.0

    @property
    def is_idle(self) -> bool:
        """No message waits, neither to be written nor to be acknowledged."""
        return not self._queue and not self._sent

    def push(self, request: Outgoing) -> None:
        """Takes a message; its result comes through ``report``.

        Raises:
            pycurl.error, ValueError: the target cannot be opened at all; the message was not taken.
        """
        now = time.monotonic()
        if self.is_idle and now - self._opened_at > LIFETIME_S:
            self._close_wire()
        if self._wire is None:
            self._open()
        deadline = now + request.total_limit_ms / 1000
        self._queue.append(_Message(request, memoryview(request.body), now, deadline, Timings()))
        self.used_at = now
        self._set_alarm(deadline)
        if self._is_open and len(self._queue) == 1:
            self._work()

    def close(self) -> None:
        """Drops the wire and everything that waits, without results."""
        self._queue.clear()
        self._sent.clear()
        self._close_wire()

    def _open(self) -> None:
        wire = self._new_wire()
        wire.open(self._opened)
        self._wire = wire
        self._is_proven = False

    def _opened(self, failure: TransferFailure | None) -> None:
        if failure is not None:
            self._wire = None
            self._fail_all(self._queue, failure.kind, failure.detail)
            self._on_rest()
            return
        self._is_open = True
        self._opened_at = time.monotonic()
        for message in self._queue:
            message.timings = self._wire.timings if self._wire else message.timings
        self._work()

    def _work(self) -> None:
        """Writes as much as the wire takes now, if the peer is still there."""
        if self._wire is None:
            return
        ending = self._wire.ending()
        if not ending:
            try:
                self._write(self._wire)
            except WireBrokenError as broken:
                ending = str(broken)
        self._settle(ending)

    def _write(self, wire: Wire) -> None:
        turn = _TURN
        while self._queue and turn > 0:
            message = self._queue[0]
            taken = wire.write(message.rest)
            if not taken:
                return
            turn -= taken
            message.rest = message.rest[taken:]
            if not message.rest:
                message.mark = wire.mark()
                self._sent.append(self._queue.popleft())

    def _settle(self, ending: str = "") -> None:
        """Reports what was acknowledged, and then looks whether the wire may go on."""
        wire = self._wire
        if wire is None:
            return
        while self._sent and wire.reached(self._sent[0].mark):
            self._is_proven = True
            self._report(_result(self._sent.popleft(), wire.peer))
        ending = ending or wire.ending()
        if ending:
            self._broke(FailureClass.CONNECTION_LOST, ending)
            return
        wire.watch(self._on_news, writable=bool(self._queue))
        if not self._sent:
            self._pause_s = _FIRST_PAUSE_S
        elif not self._is_pausing:
            self._is_pausing = True
            self._loop.call_at(time.monotonic() + self._pause_s, self._look_again)
            self._pause_s = min(2 * self._pause_s, _LONGEST_PAUSE_S)

    def _look_again(self) -> None:
        self._is_pausing = False
        if self._is_open:
            self._settle()

    def _on_news(self) -> None:
        if self._queue:
            self._work()
        else:
            self._settle()

    def _broke(self, kind: FailureClass, detail: str) -> None:
        """Fails what may be lost. What was not begun goes over a new wire, unless this one never took anything."""
        if self._queue and self._queue[0].is_begun:
            self._sent.append(self._queue.popleft())
        self._fail_all(self._sent, kind, detail)
        if not self._is_proven:
            self._fail_all(self._queue, kind, detail)
        self._close_wire()
        if self._queue:
            self._open()
        else:
            self._on_rest()

    def _close_wire(self) -> None:
        if self._wire is not None:
            self._wire.close()
        self._wire = None
        self._is_open = False

    def _fail_all(self, messages: deque[_Message], kind: FailureClass, detail: str) -> None:
        failed = list(messages)
        messages.clear()
        self._fail(failed, kind, detail)

    def _fail(self, messages: Iterable[_Message], kind: FailureClass, detail: str) -> None:
        peer = self._wire.peer if self._wire else ""
        for message in messages:
            failure = TransferFailure(kind, detail, request_sent=message.is_begun)
            self._report(_result(message, peer)._replace(failure=failure))

    def _set_alarm(self, when: float) -> None:
        if when < self._alarm:
            self._alarm = when
            self._loop.call_at(when, lambda: self._on_alarm(when))

    def _on_alarm(self, when: float) -> None:
        if when != self._alarm:
            return
        self._alarm = _NEVER
        now = time.monotonic()
        if not self.is_idle:
            self._expire(now)
        elif self._wire is not None and now - self.used_at >= IDLE_S:
            self._close_wire()
            self._on_rest()
        if not self.is_idle:
            self._set_alarm((self._sent or self._queue)[0].deadline)
        elif self._wire is not None:
            self._set_alarm(self.used_at + IDLE_S)

    def _expire(self, now: float) -> None:
        """Fails what waited too long. A wire that swallowed bytes without acknowledging them can carry no others."""
        oldest = (self._sent or self._queue)[0]
        if oldest.deadline > now:
            return
        if oldest.is_begun:
            self._broke(FailureClass.TIMEOUT_SENDING, "the receiver did not take all bytes in time")
            return
        late = [message for message in self._queue if message.deadline <= now]
        self._queue = deque(message for message in self._queue if message.deadline > now)
        self._fail(late, FailureClass.TIMEOUT_SENDING, "the receiver took no bytes in time")
        if not self._queue:
            self._close_wire()
            self._on_rest()


def _result(message: _Message, peer: str) -> Returned:
    total = int((time.monotonic() - message.started_at) * 1_000_000)
    timings = message.timings._replace(total=total)
    return Returned(message.request.key, 0, b"", b"", truncated=False, peer=peer, timings=timings)
