"""Posting as fast as answers come: kept connections, each with one request under way, on one bare libcurl multi loop.

It drives the web process, and it is the floor that the deliveries are compared with: nothing is checked, signed, stored
or retried here.
"""

from __future__ import annotations

import io
import select
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pycurl

_EVENTS = 256
_LONGEST_WAIT_S = 1.0
_INTEREST = {
    pycurl.POLL_IN: select.EPOLLIN,
    pycurl.POLL_OUT: select.EPOLLOUT,
    pycurl.POLL_INOUT: select.EPOLLIN | select.EPOLLOUT,
}


@dataclass(slots=True)
class Posted:
    """What came of a load: how long it took, answers by status (0 = none), and the wait for each."""

    seconds: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)
    waits_s: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Answers per second."""
        return len(self.waits_s) / self.seconds

    def wait_ms(self, share: float) -> float:
        """The wait that this share of the requests did not exceed, in milliseconds."""
        ordered = sorted(self.waits_s)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000


def post_all(url: str, bodies: Sequence[bytes], *, headers: Sequence[str], connections: int) -> Posted:
    """Post every body once.

    Args:
        url: where to.
        bodies: what; kept by the caller.
        headers: header lines of every request.
        connections: how many requests are under way at any time.
    """
    return _Loop(url, iter(bodies), headers).run(min(connections, len(bodies)))


class _Loop:
    def __init__(self, url: str, bodies: Iterator[bytes], headers: Sequence[str]) -> None:
        self._url = url
        self._bodies = bodies
        self._headers = list(headers)
        self._posted = Posted()
        self._deadline: float | None = None
        self._watched: set[int] = set()
        self._sink = io.BytesIO()

    def run(self, connections: int) -> Posted:
        with select.epoll() as self._epoll:
            self._multi = pycurl.CurlMulti()
            self._multi.setopt(pycurl.M_MAXCONNECTS, connections)
            self._multi.setopt(pycurl.M_SOCKETFUNCTION, self._on_socket)
            self._multi.setopt(pycurl.M_TIMERFUNCTION, self._on_timer)
            handles = [self._handle() for _ in range(connections)]
            began = time.perf_counter()
            self._open = sum(self._next(handle) for handle in handles)
            while self._open:
                self._round()
            self._posted.seconds = time.perf_counter() - began
            for handle in handles:
                handle.close()
            self._multi.close()
        return self._posted

    def _handle(self) -> Any:
        handle = pycurl.Curl()
        for option, value in (
            (pycurl.URL, self._url),
            (pycurl.POST, 1),
            (pycurl.NOSIGNAL, 1),
            (pycurl.HTTPHEADER, [*self._headers, "Expect:"]),
            (pycurl.WRITEDATA, self._sink),
        ):
            handle.setopt(option, value)
        return handle

    def _next(self, handle: Any) -> bool:
        body = next(self._bodies, None)
        if body is None:
            return False
        handle.setopt(pycurl.POSTFIELDS, body)
        handle.began = time.perf_counter()
        self._multi.add_handle(handle)
        return True

    def _round(self) -> None:
        wait = _LONGEST_WAIT_S if self._deadline is None else max(0.0, self._deadline - time.monotonic())
        for descriptor, events in self._epoll.poll(wait, _EVENTS):
            mask = pycurl.CSELECT_OUT if events & select.EPOLLOUT else 0
            if events & ~select.EPOLLOUT:
                mask |= pycurl.CSELECT_IN
            self._multi.socket_action(descriptor, mask)
        if self._deadline is not None and time.monotonic() >= self._deadline:
            self._deadline = None
            self._multi.socket_action(pycurl.SOCKET_TIMEOUT, 0)
        queued = 1
        while queued:
            queued, fine, failed = self._multi.info_read(_EVENTS)
            for handle in [*fine, *(one[0] for one in failed)]:
                self._finish(handle)
        self._sink.seek(0)

    def _finish(self, handle: Any) -> None:
        self._posted.waits_s.append(time.perf_counter() - handle.began)
        self._posted.statuses[handle.getinfo(pycurl.RESPONSE_CODE)] += 1
        self._multi.remove_handle(handle)
        self._open -= not self._next(handle)

    def _on_socket(self, what: int, descriptor: int, _multi: object, _data: object) -> None:
        if what == pycurl.POLL_REMOVE:
            if descriptor in self._watched:
                self._watched.discard(descriptor)
                self._epoll.unregister(descriptor)
        elif descriptor in self._watched:
            self._epoll.modify(descriptor, _INTEREST[what])
        else:
            self._epoll.register(descriptor, _INTEREST[what])
            self._watched.add(descriptor)

    def _on_timer(self, wait_ms: int) -> None:
        self._deadline = None if wait_ms < 0 else time.monotonic() + wait_ms / 1000
