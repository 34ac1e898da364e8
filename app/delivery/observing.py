"""Telling plugins what was tried: after the commit, beside the drain, and never at its cost."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Protocol

from app.core.ids import delivery_id
from app.core.states import AttemptOutcome
from app.delivery.runtime import WebhookRuntime
from app.routing.hook_faults import HookFaults
from app.sinks.brought import HookCall
from app.sinks.manager import SinkManager
from app.sinks.types import ObservedAttempt
from app.store.record import AttemptRow

HOOK = "relaypoint_observe"
MAX_WAITING = 10_000
"""Attempts that wait for one plugin; what comes beyond them is not handed over, and counted."""
GRACE_S = 1.0
"""How long a process that ends waits for its observers."""
_LOOK_S = 0.01


class HasRuntime(Protocol):
    """Whatever works for one webhook."""

    runtime: WebhookRuntime


class Observing:
    """The observers of one process. False when there are none.

    Args:
        calls: the plugins' hooks.
        faults: told what goes wrong.
    """

    def __init__(self, calls: Sequence[HookCall], faults: HookFaults) -> None:
        self._observers = tuple([_Observer(call, faults) for call in calls])

    @classmethod
    def of(cls, sinks: SinkManager, faults: HookFaults) -> Observing:
        """Those of the loaded plugins."""
        return cls(sinks.calls(HOOK), faults)

    def __bool__(self) -> bool:
        return bool(self._observers)

    def tell(self, rows: Sequence[AttemptRow], working: Mapping[int, HasRuntime]) -> None:
        """Hand over what a commit recorded. Attempts of a webhook that is worked for no more are left out.

        Args:
            rows: the attempts.
            working: what works for each webhook, by its key.
        """
        attempts = tuple([_told(row, working[row.webhook_pk].runtime) for row in rows if row.webhook_pk in working])
        if attempts:
            for observer in self._observers:
                observer.take(attempts)

    def finish(self) -> None:
        """Wait, for a moment, until everything was looked at."""
        end = time.monotonic() + GRACE_S
        while any(observer.is_behind for observer in self._observers) and time.monotonic() < end:
            time.sleep(_LOOK_S)


def _told(row: AttemptRow, runtime: WebhookRuntime) -> ObservedAttempt:
    return ObservedAttempt(
        delivery_id=delivery_id(runtime.id, row.event_seq),
        webhook_id=runtime.id,
        organization_id=runtime.organization_id,
        sink=runtime.sink.info.name,
        number=row.n,
        started_at=row.started_at,
        outcome=AttemptOutcome(row.outcome).name.lower(),
        status=row.status,
        error=row.error_class,
    )


class _Observer:
    """One plugin's hook, on a thread that starts with the first group."""

    def __init__(self, call: HookCall, faults: HookFaults) -> None:
        self._call = call
        self._faults = faults
        self._changed = threading.Condition()
        self._groups: deque[tuple[ObservedAttempt, ...]] = deque()
        self._waiting = 0
        self._at_work = False
        self._thread: threading.Thread | None = None

    @property
    def is_behind(self) -> bool:
        """Whether something waits or is being looked at."""
        return self._at_work or bool(self._groups)

    def take(self, attempts: tuple[ObservedAttempt, ...]) -> None:
        with self._changed:
            fits = self._waiting + len(attempts) <= MAX_WAITING or not self._groups
            if fits:
                self._groups.append(attempts)
                self._waiting += len(attempts)
                self._changed.notify()
                if self._thread is None:
                    name = f"{HOOK} of {self._call.plugin}"
                    self._thread = threading.Thread(target=self._run, name=name, daemon=True)
                    self._thread.start()
        if not fits:
            self._faults.note(self._call.plugin, HOOK, "attempts dropped: it cannot keep up", len(attempts))

    def _run(self) -> None:
        while True:
            with self._changed:
                self._at_work = False
                while not self._groups:
                    self._changed.wait()
                attempts = self._groups.popleft()
                self._waiting -= len(attempts)
                self._at_work = True
            try:
                self._call.function(attempts)
            except (Exception, SystemExit) as error:  # noqa: BLE001 - a plugin may raise anything
                self._faults.note(self._call.plugin, HOOK, type(error).__name__)
