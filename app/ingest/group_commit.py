"""One transaction for everybody who is waiting: concurrent requests share a commit, and with it an fsync.

The first to arrive leads: it commits for itself and for all who came while the last commit ran, then hands the lead to
somebody who came later. A request is answered only after its own commit.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from app.core.errors import StoreUnavailableError

WorkT = TypeVar("WorkT")
ResultT = TypeVar("ResultT")

GROUP_LIMIT = 64
"""Requests per transaction; bounds how long one commit can take."""


class _Ticket(Generic[WorkT, ResultT]):
    """One waiting request."""

    __slots__ = ("called", "error", "leads", "result", "work")

    def __init__(self, work: WorkT) -> None:
        self.work = work
        self.called = threading.Event()
        self.leads = False
        self.result: ResultT | None = None
        self.error: BaseException | None = None


class GroupCommit(Generic[WorkT, ResultT]):
    """Collects work of concurrent threads into shared transactions.

    Args:
        commit: writes a group in one transaction and answers one result per work, in order; on an error nothing of the
            group may have been stored.
        patience_s: how long a thread waits for its turn before it gives up with :class:`StoreUnavailableError`. Its
            work may still be committed then; the sender's retry is a duplicate.
    """

    def __init__(self, commit: Callable[[Sequence[WorkT]], Sequence[ResultT]], patience_s: float = 10.0) -> None:
        self._commit = commit
        self._patience_s = patience_s
        self._mutex = threading.Lock()
        self._waiting: list[_Ticket[WorkT, ResultT]] = []
        self._somebody_leads = False

    def submit(self, work: WorkT) -> ResultT:
        """Commit the work, together with others; answers its result.

        Raises:
            StoreUnavailableError: the database could not commit.
        """
        ticket: _Ticket[WorkT, ResultT] = _Ticket(work)
        with self._mutex:
            self._waiting.append(ticket)
            if not self._somebody_leads:
                self._somebody_leads = ticket.leads = True
        if not ticket.leads and not ticket.called.wait(self._patience_s):
            self._give_up(ticket)
        if ticket.leads:
            self._lead()
        if ticket.error is not None:
            raise ticket.error
        if ticket.result is None:
            raise StoreUnavailableError("the database is too busy; try again")
        return ticket.result

    def _give_up(self, ticket: _Ticket[WorkT, ResultT]) -> None:
        """Leave the queue, unless the commit or the lead came at the last moment."""
        with self._mutex:
            if ticket in self._waiting and not ticket.leads:
                self._waiting.remove(ticket)

    def _lead(self) -> None:
        with self._mutex:
            group, self._waiting = self._waiting[:GROUP_LIMIT], self._waiting[GROUP_LIMIT:]
        try:
            self._serve(group)
        finally:
            with self._mutex:
                if self._waiting:
                    self._waiting[0].leads = True
                    self._waiting[0].called.set()
                else:
                    self._somebody_leads = False
            for ticket in group:
                ticket.called.set()

    def _serve(self, group: Sequence[_Ticket[WorkT, ResultT]]) -> None:
        try:
            results = self._commit([ticket.work for ticket in group])
        except StoreUnavailableError as error:
            for ticket in group:
                ticket.error = error
        except Exception as error:  # noqa: BLE001 - whatever it is belongs to the request that caused it
            if len(group) == 1:
                group[0].error = error
                return
            # One request's rows broke the shared transaction: each goes alone, so that only the culprit fails.
            for ticket in group:
                self._serve([ticket])
        else:
            for ticket, result in zip(group, results, strict=True):
                ticket.result = result
