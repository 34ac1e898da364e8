"""The live pages of one web process: a few places, and one thread that looks whether anything changed for them."""

from __future__ import annotations

import logging
import threading
import time

from app.console.live.stream import Listener, LiveStream
from app.core.clock import Clock
from app.core.errors import OverloadedError, RelaypointError
from app.security.sessions import people_of
from app.store.engine import Store
from app.store.pulse import Pulse, organizations_between, read_pulse

PLACES = 8
"""Streams at once. They hold no thread, but each makes its page ask again once a second while much happens, and that
takes one of the 16 threads on which pages are made: half of them stay for everybody else."""
LOOK_S = 1.0
"""Between two looks; a page is told at most this often."""
REPLACED = "On, every 5 seconds: another page of yours is told first"
SIGNED_OUT = "Stopped: you are signed out, or may no longer look"

_log = logging.getLogger("relaypoint.console")


class LiveRoom:
    """Who is live here. Used by any thread; nothing runs while nobody is.

    Args:
        store: the database, which is looked at.
        clock: the time.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._mutex = threading.Lock()
        self._streams: dict[bytes, LiveStream] = {}
        self._pulse = Pulse(0, ())
        self._watcher: threading.Thread | None = None

    def enter(self, listener: Listener, known: str) -> LiveStream:
        """A stream for a listener; a session has one, so that its former one ends.

        Args:
            listener: who wants to be told.
            known: the id of the last event the browser has seen; "" = none.

        Raises:
            OverloadedError: every place is taken.
            StoreUnavailableError: the database does not answer.
        """
        with self._store.read() as connection:
            pulse = read_pulse(connection)
        with self._mutex:
            former = self._streams.get(listener.session)
            if former is None and len(self._streams) >= PLACES:
                raise OverloadedError("too many pages are live on this server")
            stream = self._streams[listener.session] = LiveStream(listener, pulse, known, self._leave)
            if self._watcher is None:
                self._pulse = pulse
                self._watcher = threading.Thread(target=self._watch, name="live", daemon=True)
                self._watcher.start()
        if former is not None:
            former.end(REPLACED)
        return stream

    def _leave(self, stream: LiveStream) -> None:
        with self._mutex:
            if self._streams.get(stream.listener.session) is stream:
                del self._streams[stream.listener.session]

    def _end_all(self) -> None:
        with self._mutex:
            streams = list(self._streams.values())
        for stream in streams:
            stream.end()

    def _watch(self) -> None:
        try:
            while self._is_needed():
                time.sleep(LOOK_S)
                self._look()
        except RelaypointError as error:
            _log.warning("live pages have to come back", extra={"reason": str(error)})
            self._end_all()
            with self._mutex:
                self._watcher = None

    def _is_needed(self) -> bool:
        with self._mutex:
            if not self._streams:
                self._watcher = None
            return bool(self._streams)

    def _look(self) -> None:
        """Three queries when nothing happened, however many streams there are, and none is left open."""
        with self._mutex:
            streams = dict(self._streams)
        with self._store.read() as connection:
            people = people_of(connection, list(streams), self._clock())
            pulse = read_pulse(connection)
            concerned = organizations_between(connection, self._pulse, pulse) if pulse != self._pulse else frozenset()
        self._pulse = pulse
        for session, stream in streams.items():
            if stream.is_abandoned:
                self._leave(stream)
            elif not stream.listener.is_welcome(people.get(session)):
                stream.end(SIGNED_OUT)
            elif concerned is None or stream.listener.organization_id in concerned:
                stream.tell(pulse)
