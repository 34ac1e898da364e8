"""One transaction for everybody who is waiting: concurrent requests share a commit, and with it an fsync.

A thread of its own commits. What is submitted while a commit runs waits together for the next one, so the busier it
is, the larger the groups. A request is answered only after its own commit.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from app.core.errors import StoreUnavailableError

WorkT = TypeVar("WorkT")
ResultT = TypeVar("ResultT")

GROUP_LIMIT = 256
"""Requests per transaction."""
GROUP_WEIGHT = 4_000
"""Events per transaction, unless a single request has more; bounds how long one commit keeps the others waiting."""
PATIENCE_S = 10.0
"""How long a request waits for its turn."""
_IDLE_S = 10.0
"""The thread ends after this long without work; the next request starts another."""


class Ticket(Generic[WorkT, ResultT]):
    """One waiting request.

    Args:
        work: what to commit.
        weight: how many events it holds.
        done: called by the committing thread once the outcome is known; must not block.
    """

    __slots__ = ("_error", "_result", "done", "weight", "work")

    def __init__(self, work: WorkT, weight: int, done: Callable[[], None]) -> None:
        self.work = work
        self.weight = weight
        self.done = done
        self._result: ResultT | None = None
        self._error: BaseException | None = None

    def settle(self, result: ResultT | None, error: BaseException | None = None) -> None:
        """Write the outcome down."""
        self._result = result
        self._error = error

    def outcome(self) -> ResultT:
        """The result of the work.

        Raises:
            StoreUnavailableError: the database could not commit, or patience ended before it tried.
        """
        if self._error is not None:
            raise self._error
        if self._result is None:
            raise StoreUnavailableError("the database is too busy; try again")
        return self._result


class GroupCommit(Generic[WorkT, ResultT]):
    """Collects work of concurrent requests into shared transactions.

    Args:
        commit: writes a group in one transaction and answers one result per work, in order; on an error nothing of the
            group may have been stored.
        patience_s: how long :meth:`submit` stays in line before it gives up with :class:`StoreUnavailableError`.
    """

    def __init__(self, commit: Callable[[Sequence[WorkT]], Sequence[ResultT]], patience_s: float = PATIENCE_S) -> None:
        self._commit = commit
        self._patience_s = patience_s
        self._changed = threading.Condition(threading.Lock())
        self._waiting: deque[Ticket[WorkT, ResultT]] = deque()
        self._thread: threading.Thread | None = None

    def submit(self, work: WorkT, weight: int = 1) -> ResultT:
        """Commit the work, together with others; answers its result.

        Raises:
            StoreUnavailableError: the database could not commit.
        """
        done = threading.Event()
        ticket = Ticket[WorkT, ResultT](work, weight, done.set)
        self.enqueue(ticket)
        if not done.wait(self._patience_s) and not self.give_up(ticket):
            done.wait()
        return ticket.outcome()

    def enqueue(self, ticket: Ticket[WorkT, ResultT]) -> None:
        """Put a request in line."""
        with self._changed:
            self._waiting.append(ticket)
            self._changed.notify()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="group-commit", daemon=True)
                self._thread.start()

    def give_up(self, ticket: Ticket[WorkT, ResultT]) -> bool:
        """Leave the line; False when a transaction has taken the work already, and will call ``done``."""
        with self._changed:
            if ticket not in self._waiting:
                return False
            self._waiting.remove(ticket)
            return True

    def _run(self) -> None:
        while True:
            with self._changed:
                if not self._waiting and not self._changed.wait(_IDLE_S) and not self._waiting:
                    self._thread = None
                    return
                group = self._next_group()
            if group:
                self._serve(group)

    def _next_group(self) -> list[Ticket[WorkT, ResultT]]:
        """The first waiting requests: one whatever its weight, then as many as the limits allow."""
        group: list[Ticket[WorkT, ResultT]] = []
        weight = 0
        while self._waiting and len(group) < GROUP_LIMIT:
            weight += self._waiting[0].weight
            if group and weight > GROUP_WEIGHT:
                break
            group.append(self._waiting.popleft())
        return group

    def _serve(self, group: Sequence[Ticket[WorkT, ResultT]]) -> None:
        try:
            results = self._commit([ticket.work for ticket in group])
        except StoreUnavailableError as error:
            for ticket in group:
                ticket.settle(None, error)
        except Exception as error:  # noqa: BLE001 - whatever it is belongs to the request that caused it
            if len(group) > 1:
                # One request's rows broke the shared transaction: each goes alone, so that only the culprit fails.
                for ticket in group:
                    self._serve([ticket])
                return
            group[0].settle(None, error)
        else:
            for ticket, result in zip(group, results, strict=True):
                ticket.settle(result)
        for ticket in group:
            ticket.done()
