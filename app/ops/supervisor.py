"""The supervisor: starts children, starts them again when they die, and ends them in order."""

from __future__ import annotations

import logging
import signal
import time
from collections.abc import Callable, Sequence
from itertools import groupby

import click

from app.ops.child import Child, ChildSpec

log = logging.getLogger(__name__)

_POLL_S = 0.05


class Supervisor:
    """Keeps children running until it is told to stop.

    Start, run and stop belong to the main thread: the kernel ties a child to the thread that created it.

    Args:
        say: takes the children's lines; standard output by default.
    """

    def __init__(self, say: Callable[[str], object] = click.echo) -> None:
        self._say = say
        self._children: list[Child] = []
        self._signals = 0
        self.restarts = 0
        """How often a child had to be started again."""

    @property
    def stopping(self) -> bool:
        """Whether the end was asked for."""
        return self._signals > 0

    def install_signals(self) -> None:
        """SIGINT and SIGTERM ask for the end; the second one makes it immediate."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda _number, _frame: self.request_stop())

    def request_stop(self) -> None:
        """Ask for the end, as a signal does; asked twice, nobody gets any grace."""
        self._signals += 1

    def add(self, specs: Sequence[ChildSpec]) -> None:
        """Start these children now and keep them running."""
        for spec in specs:
            child = Child(spec, self._say)
            child.start()
            self._children.append(child)
            log.info("started", extra={"child": spec.name, "pid": child.pid})

    def pids(self) -> dict[str, int]:
        """Name to process id of every child that runs."""
        return {child.spec.name: child.pid for child in self._children if child.pid is not None}

    def run(self, each_round: Callable[[], object] = lambda: None) -> None:
        """Watch over the children until the end is asked for.

        Args:
            each_round: called about 20 times a second; must not block.
        """
        while not self.stopping:
            self.watch_once()
            each_round()
            time.sleep(_POLL_S)

    def watch_once(self) -> None:
        """Notice who died, start who is due."""
        now = time.monotonic()
        for child in self._children:
            code = child.reap()
            if code is not None:
                wait_s = max(0.0, child.start_at - now)
                log.warning("died", extra={"child": child.spec.name, "exit": code, "again_in_s": round(wait_s, 1)})
            elif child.pid is None and now >= child.start_at:
                child.start()
                self.restarts += 1
                log.info("started again", extra={"child": child.spec.name, "pid": child.pid})

    def stop(self) -> None:
        """End the children, group after group in their order, each within its grace."""
        ordered = sorted(self._children, key=lambda child: child.spec.order)
        for _, group in groupby(ordered, key=lambda child: child.spec.order):
            self._stop_group(list(group))
        log.info("all stopped")

    def _stop_group(self, group: Sequence[Child]) -> None:
        asked_at = time.monotonic()
        for child in group:
            child.ask_to_end()
        for child in group:
            while not child.wait(_POLL_S):
                if self._signals > 1 or time.monotonic() - asked_at > child.spec.grace_s:
                    log.warning("killed", extra={"child": child.spec.name})
                    child.kill()
                    break
