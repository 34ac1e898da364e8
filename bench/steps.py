"""Where the time of the delivering thread goes: a stopwatch around its public steps, in this process.

Each step's own processor time on that thread is counted, without that of the steps inside it, so that neither other
processes nor the receiver blur it. Reading the clock costs well under a microsecond; a tracing profiler would have
doubled the time of the small functions and pointed at the wrong ones.
"""

from __future__ import annotations

import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from app.core.clock import system_clock
from app.core.doorbell import SilentDoorbell
from app.core.errors import TemporaryError
from app.delivery.engine import build_engine
from app.store import open_store
from bench import stack
from bench.databases import Server, fresh_database
from bench.receiver import Receiver

STEPS = {
    "app.delivery.engine.DrainEngine._round": "the engine's loop",
    "app.delivery.drain.Drain.turn": "turn: begin, renew, commit",
    "app.delivery.claiming.Claiming.look": "claim",
    "app.delivery.drain.write_record": "record",
    "app.delivery.drain.Drain.launch": "build",
    "app.core.signing.Signer.sign": "sign",
    "app.delivery.egress.EgressClient.start": "send: load the handle",
    "app.delivery.egress.EgressClient.poll": "send: libcurl and the kernel",
    "app.delivery.landing.Landing.land": "land: classify, make rows",
}
"""What is timed, and what it is called."""

_RUN_S = 120.0


class Stopwatch:
    """Own time per step, for steps that call one another on one thread."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self._inside: list[float] = []

    def timed(self, step: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function with its own time counted for ``step``."""
        clock = time.thread_time
        inside = self._inside
        seconds = self.seconds

        def call(*args: Any, **kwargs: Any) -> Any:
            inside.append(0.0)
            began = clock()
            try:
                return function(*args, **kwargs)
            finally:
                spent = clock() - began
                seconds[step] += spent - inside.pop()
                if inside:
                    inside[-1] += spent

        return call


def measure_steps(server: Server, receiver: Receiver, number: int) -> dict[str, float]:
    """Microseconds per delivery by step, for one engine on one thread.

    Raises:
        TemporaryError: the run did not end in time.
        RuntimeError: not every delivery was made exactly once.
    """
    with tempfile.TemporaryDirectory(prefix="relaypoint-bench-") as name, fresh_database(server, Path(name)) as url:
        settings = stack.bench_settings(Path(name), url)
        partitions = stack.backlog(settings, receiver.url, number)
        store = open_store(url)
        watch = Stopwatch()
        try:
            with _patched(watch):
                engine = build_engine(settings, SilentDoorbell())
                engine.start()
                threading.Thread(target=engine.run, daemon=True).start()
                for partition in partitions:
                    engine.drain(partition, 0)
                ended = _ended(lambda: stack.nothing_is_open(store))
                engine.stop(5.0)
            stack.check_ledger(store, number)
            whole = ended - stack.first_start(store) / 1e6
        finally:
            store.close()
    steps = {step: watch.seconds[step] * 1e6 / number for step in STEPS.values()}
    return steps | {"waiting, or another process's turn": max(0.0, whole * 1e6 / number - sum(steps.values()))}


@contextmanager
def _patched(watch: Stopwatch) -> Iterator[None]:
    patches = []
    for target, step in STEPS.items():
        place, _, attribute = target.rpartition(".")
        owner = _resolve(place)
        patches.append(patch.object(owner, attribute, watch.timed(step, getattr(owner, attribute))))
    try:
        for one in patches:
            one.start()
        yield
    finally:
        patch.stopall()


def _resolve(path: str) -> Any:
    """The module or class at a dotted path."""
    module, _, name = path.rpartition(".")
    if name[0].isupper():
        return getattr(__import__(module, fromlist=[name]), name)
    return __import__(path, fromlist=[name])


def _ended(done: Callable[[], bool]) -> float:
    deadline = time.monotonic() + _RUN_S
    while not done():
        if time.monotonic() > deadline:
            raise TemporaryError("the run did not end in time")
        time.sleep(0.02)
    return system_clock() / 1e6
