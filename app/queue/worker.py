"""The worker process: the engine delivers in the main thread, RQ takes the jobs in another.

Only the main thread can be interrupted, and it is the engine that runs other people's code: that of plugins.
"""

from __future__ import annotations

import faulthandler
import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from itertools import count
from typing import Any
from uuid import uuid4

from redis import Redis
from redis.exceptions import RedisError
from rq import SimpleWorker
from rq.exceptions import StopRequested
from rq.serializers import JSONSerializer
from rq.timeouts import BaseDeathPenalty

from app.queue.connection import worker_redis
from app.queue.job import QUEUE_NAME, SEAT, DrainJob, Engine
from app.queue.listening import Heeding, Listener
from app.queue.repair import remove_damaged_keys

log = logging.getLogger(__name__)

STOP_GRACE_S = 20.0
"""What attempts in flight get when the process is asked to end."""

WORKER_TTL_S = 60
MAINTENANCE_S = 30
"""RQ's own clean-up of dead workers and abandoned jobs; only tidiness, since nothing that matters lives in Redis."""

_POLL_S = 0.1
_LOOKS_PER_SIGN = 100
_FIRST_WAIT_S = 0.1
_LONGEST_WAIT_S = 2.0
EXIT_ENGINE_DEAD = 70
NO_SIGN_OF_LIFE_S = 90
"""When not even the watcher gets a turn for so long, code that is not Python holds the interpreter for ever.

The process then prints where, and ends."""


class NoDeathPenalty(BaseDeathPenalty):
    """No limit of RQ's own, which would need the main thread.

    A drain returns within its slice, and the watcher notices an engine that hangs.
    """

    def setup_death_penalty(self) -> None:
        """Nothing to arm."""

    def cancel_death_penalty(self) -> None:
        """Nothing to disarm."""


class DrainWorker(SimpleWorker):
    """RQ's worker without forks, cut down to what a drain needs.

    It opens no command channel (a message in Redis could stop it), installs no signal handlers, and looks once a second
    whether it should stop.

    Args:
        connection: a client of its own.
        should_stop: asked between two jobs.
    """

    job_class = DrainJob
    max_connection_wait_time = _LONGEST_WAIT_S
    death_penalty_class = NoDeathPenalty

    def __init__(self, connection: Redis, should_stop: Callable[[], bool]) -> None:
        super().__init__(
            [QUEUE_NAME],
            name=f"{socket.gethostname()}-{os.getpid()}-{uuid4().hex[:6]}",
            connection=connection,
            worker_ttl=WORKER_TTL_S,
            maintenance_interval=MAINTENANCE_S,
            job_class=DrainJob,
            serializer=JSONSerializer,
            log_job_description=False,
        )
        self.log_result_lifespan = False
        self._should_stop = should_stop

    @property
    def dequeue_timeout(self) -> int:
        """How long one blocking pop waits, in seconds; a stop or a lost connection is noticed after it."""
        return 1

    def subscribe(self) -> None:
        """No command channel."""

    def check_for_suspension(self, burst: bool) -> None:  # noqa: FBT001 - RQ's own signature
        """No suspension: a key in Redis must not stop deliveries, nor keep this process from ending."""

    def heartbeat(self, timeout: int | None = None, pipeline: Any = None) -> None:
        """Say that this worker lives; between two jobs, also the place where it notices that it should stop.

        Raises:
            StopRequested: the process was asked to end.
        """
        if pipeline is None and self._should_stop():
            raise StopRequested
        super().heartbeat(timeout, pipeline)

    def _install_signal_handlers(self) -> None:
        """The process has its own."""


class WorkerProcess:
    """One worker process from start to end.

    Args:
        redis_url: where the jobs are.
        engine: not yet started.
        exit_now: ends the process at once when the engine has died.
    """

    def __init__(self, redis_url: str, engine: Engine, *, exit_now: Callable[[int], object] = os._exit) -> None:
        self._redis_url = redis_url
        self._engine = engine
        self._exit_now = exit_now
        self._asked_to_stop = False
        self._jobs_error: BaseException | None = None
        self._listener: Listener | None = None

    def run(self) -> None:
        """Work until a signal asks for the end. Must be called in the main thread of a fresh process."""
        signal.signal(signal.SIGTERM, self._on_signal)
        signal.signal(signal.SIGINT, self._on_signal)
        self._engine.start()
        log.info("worker started", extra={"queue": QUEUE_NAME})
        if isinstance(self._engine, Heeding):
            self._listener = Listener(lambda: worker_redis(self._redis_url), self._engine)
            self._listener.start()
        SEAT.take(self._engine, self._listener)
        watcher = threading.Thread(target=self._watch, name="watcher", daemon=True)
        jobs = threading.Thread(target=self._run_jobs, name="jobs", daemon=True)
        watcher.start()
        jobs.start()
        try:
            self._engine.run()
        finally:
            self._asked_to_stop = True
            watcher.join()
            jobs.join()
            SEAT.leave()
        log.info("worker stopped")

    def stop(self) -> None:
        """Ask for the end, as a signal does."""
        self._asked_to_stop = True

    def _on_signal(self, _number: int, _frame: object) -> None:
        if self._asked_to_stop:
            self._exit_now(1)
        # Only a flag: a handler runs between any two instructions of the main thread, and must not wait for a lock.
        self._asked_to_stop = True

    def _watch(self) -> None:
        for look in count():
            if self._asked_to_stop:
                break
            if look % _LOOKS_PER_SIGN == 0:
                faulthandler.dump_traceback_later(NO_SIGN_OF_LIFE_S, exit=True)
            self._die_if_anything_died()
            time.sleep(_POLL_S)
        faulthandler.cancel_dump_traceback_later()
        log.info("worker stopping", extra={"grace_s": STOP_GRACE_S})
        if self._listener is not None:
            self._listener.stop()
        try:
            self._engine.stop(STOP_GRACE_S)
        except Exception:
            log.exception("engine did not stop cleanly")
        self._die_if_anything_died()

    def _die_if_anything_died(self) -> None:
        error = self._engine.failed or self._jobs_error
        if error is not None:
            log.critical("engine died", exc_info=error)
            logging.shutdown()
            self._exit_now(EXIT_ENGINE_DEAD)

    def _run_jobs(self) -> None:
        try:
            self._take_jobs()
        except BaseException as error:  # noqa: BLE001 - whatever ends this thread ends the process, loudly
            self._jobs_error = error

    def _take_jobs(self) -> None:
        """Take jobs; whenever Redis goes away or RQ gives up, wait and begin again with a new connection."""
        wait_s = _FIRST_WAIT_S
        while not self._asked_to_stop:
            began = time.monotonic()
            connection = worker_redis(self._redis_url)
            try:
                # RQ gives up on a key of the wrong type, and says so in its log only.
                remove_damaged_keys(connection)
                DrainWorker(connection, lambda: self._asked_to_stop).work(logging_level="WARNING")
            except RedisError as error:
                log.warning("redis lost", extra={"error": type(error).__name__, "again_in_s": wait_s})
            finally:
                connection.close()
            if time.monotonic() - began > 2 * _LONGEST_WAIT_S:
                wait_s = _FIRST_WAIT_S
            time.sleep(wait_s)
            wait_s = min(2 * wait_s, _LONGEST_WAIT_S)
