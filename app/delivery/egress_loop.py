"""The event loop under the egress client: one CurlMulti, one epoll set, a pool of handles, a few timers.

libcurl tells which sockets it waits for and when its next timer is due; epoll does the waiting. So the cost of a
round depends on the sockets that have news and not on all that are open, and there is no limit of 1,024 descriptors.
"""

from __future__ import annotations

import heapq
import os
import resource
import select
import time
from collections import defaultdict
from collections.abc import Callable
from itertools import count

import pycurl

from app.delivery.egress_guard import EgressPolicy, Guard
from app.delivery.egress_handle import Errand, Transfer
from app.delivery.egress_tls import TlsVersions
from app.delivery.exchange import Outgoing, Returned
from app.sinks.types import ClientCertificate

_EVENTS_PER_ROUND = 256
_RESTING_CONNECTIONS = 512
_INTEREST = {
    pycurl.POLL_NONE: 0,
    pycurl.POLL_IN: select.EPOLLIN,
    pycurl.POLL_OUT: select.EPOLLOUT,
    pycurl.POLL_INOUT: select.EPOLLIN | select.EPOLLOUT,
}
_READABLE = select.EPOLLIN | select.EPOLLHUP | select.EPOLLERR
_DESCRIPTOR_SHARE = 2
"""Resting connections take at most one in this many of the process's descriptors."""


class TransferLoop:
    """Runs transfers; used by one thread. Only ``wake`` may be called from others."""

    def __init__(self, policy: EgressPolicy, max_in_flight: int) -> None:
        self._policy = policy
        self._guard = Guard(policy)
        self._versions = TlsVersions()
        self._pool: defaultdict[str, list[Transfer]] = defaultdict(list)
        self._active: set[Transfer] = set()
        self._finished: list[Returned] = []
        self._deadline: float | None = None
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._timer_numbers = count()
        self._listeners: dict[int, Callable[[], None]] = {}
        self._watched: set[int] = set()
        self._epoll = select.epoll()
        self._bell = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._epoll.register(self._bell, select.EPOLLIN)
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_MAXCONNECTS, _resting_connections(max_in_flight))
        self._multi.setopt(pycurl.M_SOCKETFUNCTION, self._on_socket)
        self._multi.setopt(pycurl.M_TIMERFUNCTION, self._on_timer)

    @property
    def in_flight(self) -> int:
        """Transfers under way, and results not yet returned."""
        return len(self._active) + len(self._finished)

    def start(self, request: Outgoing, lines: list[str]) -> None:
        """Begins a request with header ``lines`` that were checked.

        Raises:
            pycurl.error, ValueError, TypeError, UnicodeError: libcurl does not take the request; nothing was begun.
        """
        resting = self._pool[request.method]
        transfer = resting.pop() if resting else Transfer(request.method, self._policy, self._guard, self._versions)
        self._begin(transfer, request, lines)

    def errand(
        self,
        errand: Errand,
        url: str,
        limit_ms: int,
        on_end: Callable[[Returned], None],
        certificate: ClientCertificate | None = None,
    ) -> Transfer:
        """Begins a look at a target's addresses, or a bare connection; ``on_end`` gets the result.

        A connection that came to be is the caller's until it hands the transfer to ``drop``.
        """
        transfer = Transfer("GET", self._policy, self._guard, self._versions, errand, on_end)
        self._begin(transfer, Outgoing(None, "GET", url, (), b"", limit_ms, limit_ms, certificate), [])
        return transfer

    def _begin(self, transfer: Transfer, request: Outgoing, lines: list[str]) -> None:
        transfer.load(request, lines)
        self._multi.add_handle(transfer.curl)
        self._active.add(transfer)

    def watch(self, descriptor: int, on_news: Callable[[], None], *, writable: bool = False) -> None:
        """Calls ``on_news`` whenever the descriptor can be read or broke, and, if asked, when it can be written."""
        interest = select.EPOLLIN | (select.EPOLLOUT if writable else 0)
        if descriptor in self._listeners:
            self._epoll.modify(descriptor, interest)
        else:
            self._epoll.register(descriptor, interest)
        self._listeners[descriptor] = on_news

    def unwatch(self, descriptor: int) -> None:
        """Ends ``watch``; call it before the descriptor is closed."""
        if self._listeners.pop(descriptor, None) is not None:
            self._epoll.unregister(descriptor)

    def call_at(self, when: float, action: Callable[[], None]) -> None:
        """Calls ``action`` once, when the monotonic clock reaches ``when``."""
        heapq.heappush(self._timers, (when, next(self._timer_numbers), action))

    def report(self, returned: Returned) -> None:
        """Adds a result to those that ``pump`` returns."""
        self._finished.append(returned)

    def pump(self, timeout_s: float) -> list[Returned]:
        """Works until something finished, somebody woke us, or the time is over."""
        end = time.monotonic() + timeout_s
        while True:
            woken = self._round(end)
            self._collect()
            finished, self._finished = self._finished, []
            if finished or woken or time.monotonic() >= end:
                return finished

    def wake(self) -> None:
        """Ends the present or next ``pump`` early; for any thread."""
        os.eventfd_write(self._bell, 1)

    def drop(self, transfer: Transfer) -> None:
        """Ends a transfer or an open connection, without a result, and closes its handle."""
        self._active.discard(transfer)
        self._multi.remove_handle(transfer.curl)
        transfer.close()

    def close(self) -> None:
        """Drops what is under way and closes every connection."""
        for transfer in list(self._active):
            self.drop(transfer)
        for resting in self._pool.values():
            for transfer in resting:
                transfer.close()
        self._pool.clear()
        self._multi.close()
        self._epoll.close()
        os.close(self._bell)

    def _round(self, end: float) -> bool:
        """Waits once and hands the news to libcurl; True when the bell rang."""
        now = time.monotonic()
        until = now if self._finished else self._next_moment(end)
        woken = False
        act = self._multi.socket_action
        for descriptor, events in self._epoll.poll(max(0.0, until - now), _EVENTS_PER_ROUND):
            if descriptor == self._bell:
                os.eventfd_read(self._bell)
                woken = True
                continue
            listener = self._listeners.get(descriptor)
            if listener is not None:
                listener()
                continue
            mask = pycurl.CSELECT_IN if events & _READABLE else 0
            if events & select.EPOLLOUT:
                mask |= pycurl.CSELECT_OUT
            act(descriptor, mask)
        if self._deadline is not None and time.monotonic() >= self._deadline:
            self._deadline = None
            act(pycurl.SOCKET_TIMEOUT, 0)
        while self._timers and self._timers[0][0] <= time.monotonic():
            heapq.heappop(self._timers)[2]()
        return woken

    def _next_moment(self, end: float) -> float:
        moments = [end]
        if self._deadline is not None:
            moments.append(self._deadline)
        if self._timers:
            moments.append(self._timers[0][0])
        return min(moments)

    def _collect(self) -> None:
        queued = 1
        while queued:
            queued, fine, failed = self._multi.info_read(_EVENTS_PER_ROUND)
            for curl in fine:
                self._finish(curl.transfer, 0, "")
            for curl, code, message in failed:
                self._finish(curl.transfer, code, message)

    def _finish(self, transfer: Transfer, code: int, message: str) -> None:
        self._active.discard(transfer)
        stays_open = transfer.errand is Errand.CONNECT and not code
        if not stays_open:
            self._multi.remove_handle(transfer.curl)
        returned = transfer.finish(code, message)
        if transfer.errand is Errand.REQUEST:
            self._pool[transfer.method].append(transfer)
            self._finished.append(returned)
            return
        if not stays_open:
            transfer.close()
        if transfer.on_end is not None:
            transfer.on_end(returned)

    def _on_socket(self, what: int, descriptor: int, _multi: object, _data: object) -> None:
        if what == pycurl.POLL_REMOVE:
            self._forget(descriptor)
        elif descriptor in self._watched:
            self._epoll.modify(descriptor, _INTEREST[what])
        else:
            self._epoll.register(descriptor, _INTEREST[what])
            self._watched.add(descriptor)

    def _forget(self, descriptor: int) -> None:
        if descriptor in self._watched:
            self._watched.discard(descriptor)
            try:
                self._epoll.unregister(descriptor)
            except OSError:
                return  # closed already: the kernel has forgotten it by itself

    def _on_timer(self, wait_ms: int) -> None:
        self._deadline = None if wait_ms < 0 else time.monotonic() + wait_ms / 1000


def _resting_connections(max_in_flight: int) -> int:
    descriptors = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    wanted = max(_RESTING_CONNECTIONS, 2 * max_in_flight)
    return wanted if descriptors == resource.RLIM_INFINITY else min(wanted, descriptors // _DESCRIPTOR_SHARE)
