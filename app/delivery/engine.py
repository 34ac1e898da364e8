"""The drain engine: the main thread of a worker process owns the drain; RQ's jobs hand it partitions from another."""

from __future__ import annotations

import logging
import os
import secrets
import threading
import time
from collections.abc import Collection
from itertools import chain, repeat

import certifi

from app.core.clock import system_clock
from app.core.doorbell import Doorbell
from app.core.egress_table import parse_allow
from app.core.errors import SchemaMismatchError, StoreUnavailableError
from app.delivery.drain import Drain
from app.delivery.egress import EgressClient
from app.delivery.egress_guard import EgressPolicy, check_build, check_environment
from app.delivery.observing import Observing
from app.delivery.plugin_watch import WATCH
from app.delivery.runtime import RuntimeLoader
from app.ops.collector import spare_the_collector
from app.routing.dialects import understand_dialects
from app.routing.hook_faults import HookFaults
from app.routing.own_audit import OwnAudit
from app.security.vault import open_vault
from app.settings import Settings
from app.sinks.manager import SinkManager
from app.store import Store, open_store
from app.store.holds import resume_returned_sinks
from app.store.partitions import end_former_leases, new_lease_token

log = logging.getLogger(__name__)

MAX_IN_FLIGHT = 1_024
"""Requests on the wire per worker process; each webhook has its own, smaller bound."""
REFUSED_PAUSE_S = 0.02
"""Rings for a partition that another engine holds need no hurry: the holder looks by itself."""
HEED_S = 1.0
"""Longest wait for the engine to look at what was rung for."""
STUCK_AFTER_S = 60.0
"""A round that takes longer than this hangs, in a plugin most likely; its process ends, so that others can go on."""
_STORE_BACKOFF_S = (0.1, 0.2, 0.5, 1.0, 2.0)


class DrainEngine:
    """Runs a :class:`Drain` apart from RQ's worker, so that a slow receiver never holds a job.

    Args:
        settings: the process's settings.
        doorbell: told about partitions that a stopping engine leaves behind with work.
        seat: the place in a supervisor that this process shares with its dead predecessors, and with nobody alive.
    """

    def __init__(self, settings: Settings, doorbell: Doorbell, seat: str | None = None) -> None:
        self._settings = settings
        self._doorbell = doorbell
        self._seat = seat
        self._changed = threading.Condition()
        self._inbox: set[int] = set()
        self._busy: set[int] = set()
        self._refused: set[int] = set()
        self._unseen: set[int] = set()
        """Partitions that were rung for without a job, and of which no turn has said what became of them."""
        self._stop_by: float | None = None
        self._drain: Drain | None = None
        self._store: Store | None = None
        self._runs = False
        self._ended = threading.Event()
        self._client: EgressClient | None = None
        self._observing: Observing | None = None
        self._alive_at = time.monotonic()
        self._error: BaseException | None = None

    @property
    def failed(self) -> BaseException | None:
        """What ended it, or that it hangs; None while it works."""
        if self._error is None and self._runs:
            silent_s = time.monotonic() - self._alive_at
            if silent_s > STUCK_AFTER_S:
                return TimeoutError(f"the drain has hung for {silent_s:.0f} seconds")
        return self._error

    def start(self) -> None:
        """Open the database and load the sinks. Called once, after any fork."""
        settings = self._settings
        check_build()
        sinks = load_sinks(settings)
        store = open_store(settings.database_url, pool_size=2)
        self._client = EgressClient(egress_policy(settings), MAX_IN_FLIGHT)
        with store.write() as connection:
            token = new_lease_token(connection)
            if self._seat is not None:
                self._inbox |= end_former_leases(connection, self._seat)
            resume_returned_sinks(connection, sinks.names(), system_clock())
        vault = open_vault(settings.instance, settings.secret_keys)
        loader = RuntimeLoader(vault, sinks)
        faults = HookFaults(system_clock, store)
        understand_dialects(sinks, faults, system_clock)
        self._observing = Observing.of(sinks, faults)
        self._store = store
        self._drain = Drain(
            store,
            self._client,
            loader,
            token,
            seat=self._seat,
            clock=system_clock,
            random_bytes=secrets.token_bytes,
            audit=OwnAudit(vault, clock=system_clock, random_bytes=secrets.token_bytes),
            observing=self._observing,
        )
        spare_the_collector()

    def run(self) -> None:
        """Deliver until :meth:`stop` is called. In the main thread, a plugin that hangs is broken off."""
        if self._drain is None or self._store is None:
            raise RuntimeError("the engine was not started")
        watched = threading.current_thread() is threading.main_thread()
        self._alive_at = time.monotonic()
        self._runs = True
        if watched:
            WATCH.begin()
        try:
            while self._stop_by is None:
                self._round(self._drain)
            self._finish(self._drain, self._stop_by)
        except BaseException as error:  # noqa: BLE001 - whatever ends the drain ends the process, loudly
            self._error = error
        finally:
            if watched:
                WATCH.end()
            self._runs = False
            with self._changed:
                self._changed.notify_all()
            self._store.close()
            self._ended.set()

    def drain(self, partition: int, slice_s: float) -> None:
        """Hand a partition over; return when it is quiet, somebody else's, or the slice is over.

        While the partition has work that does not merely wait for receivers this blocks, and so keeps the process from
        taking more partitions than it can serve.
        """
        with self._changed:
            self._inbox.add(partition)
            self._busy.add(partition)
        if self._client:
            self._client.wake()
        with self._changed:
            self._changed.wait_for(lambda: partition not in self._busy or self._over, slice_s)
            if partition in self._refused and not self._over:
                self._changed.wait(REFUSED_PAUSE_S)

    def heed(self, partitions: Collection[int]) -> None:
        """Take partitions that were rung for without a job; returns once the engine has looked at them."""
        rung = set(partitions)
        with self._changed:
            self._inbox |= rung
            self._unseen |= rung
        if self._client:
            self._client.wake()
        with self._changed:
            self._changed.wait_for(lambda: not rung & self._unseen or self._over, HEED_S)

    def is_refused(self, partition: int) -> bool:
        """Whether another engine held the partition when this one last wanted it."""
        return partition in self._refused

    @property
    def _over(self) -> bool:
        return self.failed is not None or self._stop_by is not None

    def stop(self, grace_s: float) -> None:
        """Claim nothing more, let requests in flight end for up to ``grace_s``, record them, give the leases back."""
        with self._changed:
            self._stop_by = time.monotonic() + grace_s
            self._changed.notify_all()
        if self._client:
            self._client.wake()
        if self._runs:
            self._ended.wait(grace_s + 5.0)

    def _round(self, drain: Drain) -> None:
        self._alive_at = time.monotonic()
        with self._changed:
            admit, self._inbox = self._inbox, set()
        if drain.turn_is_due(admitting=bool(admit)):
            again = self._turn(drain, admit)
            with self._changed:
                self._inbox |= again
                self._busy = drain.busy | self._inbox
                self._refused = drain.refused
                self._unseen -= admit
                self._changed.notify_all()
        drain.launch()
        with self._changed:
            waiting = bool(self._inbox) or self._stop_by is not None
        drain.poll(0.0 if waiting or drain.turn_is_due(admitting=False) else drain.wait_s())

    def _turn(self, drain: Drain, admit: set[int]) -> set[int]:
        """A turn that outlives a database that is away: nothing is claimed or forgotten meanwhile."""
        for wait_s in chain(_STORE_BACKOFF_S, repeat(_STORE_BACKOFF_S[-1])):
            try:
                return drain.turn(admit)
            except StoreUnavailableError as error:
                told = "database lacks a part" if isinstance(error, SchemaMismatchError) else "database away"
                log.warning(told, extra={"error": str(error), "again_in_s": wait_s})
                if self._stop_by is not None and time.monotonic() > self._stop_by:
                    raise
                drain.poll(wait_s)
                self._alive_at = time.monotonic()
        return admit

    def _finish(self, drain: Drain, stop_by: float) -> None:
        drain.begin_stop()
        while not drain.is_idle and time.monotonic() < stop_by:
            self._alive_at = time.monotonic()
            self._turn(drain, set())
            drain.poll(0.05)
        self._turn(drain, set())
        self._doorbell.ring(sorted(self._inbox | drain.held))
        if self._observing is not None:
            self._observing.finish()


def build_engine(settings: Settings, doorbell: Doorbell, seat: str | None = None) -> DrainEngine:
    """The engine of a worker process, not yet started."""
    return DrainEngine(settings, doorbell, seat)


def egress_policy(settings: Settings) -> EgressPolicy:
    """The operator's policy for outgoing requests.

    Raises:
        ConfigurationError: an allow rule is wrong, or the environment gives TLS away.
    """
    check_environment(os.environ)
    allow = tuple(parse_allow(text) for text in settings.egress_allow)
    trusted = settings.egress_ca_file or certifi.where()
    return EgressPolicy(allow=allow, ca_bundle=str(trusted), allow_http=settings.egress_allow_http)


def other_plugins(settings: Settings) -> SinkManager:
    """What others made and this process may use, without the built-in sinks: for what only outside plugins bring."""
    return SinkManager.loaded(
        disabled=settings.disabled_plugins,
        enabled=settings.enabled_plugins or None,
        strict=settings.strict_plugins,
        built_in=False,
    )


def load_sinks(settings: Settings) -> SinkManager:
    """The sinks this process may use. What was left out is said once, in the log."""
    manager = SinkManager.loaded(
        disabled=settings.disabled_plugins, enabled=settings.enabled_plugins or None, strict=settings.strict_plugins
    )
    for failed in manager.failed_plugins:
        source = f"{failed.distribution} {failed.version}"
        log.warning("plugin left out", extra={"plugin": failed.name, "source": source, "error": failed.error})
    return manager
