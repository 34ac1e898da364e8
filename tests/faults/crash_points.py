"""Labelled crash points, put around the real functions from outside.

Production code knows nothing of them: :func:`install` wraps functions of a process that the zygote of a test forked.
Which label does what is written in a small shared file, so a test arms a point of a process that already runs.
"""

from __future__ import annotations

import functools
import mmap
import signal
import struct
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

LABELS = (
    "ingest.before_commit",
    "ingest.after_commit",
    "ring.before",
    "ring.after",
    "tick.before_ring",
    "tick.after_ring",
    "job.taken",
    "ring.heard",
    "lease.before_commit",
    "lease.after_commit",
    "claim.before_commit",
    "claim.after_commit",
    "send.before_connect",
    "connect.opened",
    "request.leaving",
    "answer.before_record",
    "record.before_commit",
    "record.after_commit",
    "batch.before_commit",
    "replay.before_commit",
    "replay.after_commit",
    "question.leaving",
    "question.before_commit",
    "question.after_commit",
)
OF_WEB = LABELS[:4]
OF_TICK = LABELS[4:6]
OF_WORKER = LABELS[6:17]
"""Those every worker passes; a batch is closed by few."""
OF_BATCH = LABELS[17:18]

_SLOT = struct.Struct("=iii")


class Points:
    """The shared file: for each label how many passages are left, which signal then, and how often it struck."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            path.write_bytes(bytes(_SLOT.size * len(LABELS)))
        with path.open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), 0)

    def arm(self, label: str, passage: int = 1, number: signal.Signals = signal.SIGKILL) -> None:
        """Send ``number`` to the process that makes the n-th passage from now."""
        self._write(label, passage, number, self.struck(label))

    def disarm(self) -> None:
        """Nothing strikes any more."""
        for label in LABELS:
            self._write(label, 0, signal.SIGKILL, self.struck(label))

    def struck(self, label: str) -> int:
        """How often this point ended (or stopped) a process."""
        return self._read(label)[2]

    def armed(self, label: str) -> bool:
        """Whether it still waits for its passage."""
        return self._read(label)[0] > 0

    def reach(self, label: str) -> None:
        """Called by a process that passes the point."""
        left, number, struck = self._read(label)
        if left == 0:
            return
        if left > 1:
            self._write(label, left - 1, number, struck)
            return
        self._write(label, 0, number, struck + 1)
        # To this very thread: sent to the process, SIGSTOP would let the thread run on for a moment.
        signal.pthread_kill(threading.get_ident(), number)

    def _read(self, label: str) -> tuple[int, int, int]:
        left, number, struck = _SLOT.unpack_from(self._memory, LABELS.index(label) * _SLOT.size)
        return left, number, struck

    def _write(self, label: str, left: int, number: int, struck: int) -> None:
        _SLOT.pack_into(self._memory, LABELS.index(label) * _SLOT.size, left, number, struck)


def install(points: Points) -> None:
    """Put every point of every process kind into place; call once, before the process does anything."""
    _install_web(points)
    _install_worker(points)
    _install_bell(points)
    _install_replays(points)


def _install_web(points: Points) -> None:
    from app.ingest import writing  # noqa: PLC0415 - in the process that is wrapped

    _after(writing, "write_events", lambda *_: points.reach("ingest.before_commit"))
    _after(writing.EventWriter, "write", lambda *_: points.reach("ingest.after_commit"))


def _install_bell(points: Points) -> None:
    from app.queue import doorbell  # noqa: PLC0415

    ring = doorbell.RedisDoorbell.ring

    def ringing(self: Any, partitions: Any, *, force: bool = False) -> None:
        before, after = ("tick.before_ring", "tick.after_ring") if force else ("ring.before", "ring.after")
        points.reach(before)
        ring(self, partitions, force=force)
        points.reach(after)

    doorbell.RedisDoorbell.ring = ringing  # type: ignore[method-assign]


def _install_replays(points: Points) -> None:
    from app.delivery import replaying  # noqa: PLC0415

    _after(replaying, "count_done", lambda *_: points.reach("replay.before_commit"))
    _after(replaying.Replayer, "_take", lambda *_: points.reach("replay.after_commit"))


def _install_worker(points: Points) -> None:
    from app.delivery import claiming, confirmed, confirming, drain, egress, egress_handle, engine, landing  # noqa: PLC0415
    from app.queue import job  # noqa: PLC0415
    from app.store import batches  # noqa: PLC0415

    open_turn = {"lease": False, "claim": False, "record": False}

    def noting(what: str, *, when: Callable[..., bool]) -> Callable[..., None]:
        def note(result: Any, *arguments: Any) -> None:
            if when(result, *arguments):
                open_turn[what] = True
                points.reach(f"{what}.before_commit")

        return note

    def committed(*_: Any) -> None:
        done = [what for what, happened in open_turn.items() if happened]
        for what in done:
            open_turn[what] = False
        for what in done:
            points.reach(f"{what}.after_commit")

    _before(job, "drain", lambda *_: points.reach("job.taken"))
    _before(engine.DrainEngine, "heed", lambda *_: points.reach("ring.heard"))
    _after(drain, "take_partition", noting("lease", when=lambda taken, *_: taken))
    _after(drain, "write_record", noting("record", when=lambda _fenced, _connection, record, *_: bool(record)))
    _after(claiming.Claiming, "look", noting("claim", when=lambda found, *_: any(rows for _, rows in found.claimed)))
    _after(batches, "_close", lambda closed, *_: points.reach("batch.before_commit") if closed else None)
    _before(drain.Drain, "_after_commit", committed)
    _before(egress.EgressClient, "start", lambda *_: points.reach("send.before_connect"))
    _after(egress_handle.Transfer, "_open", lambda *_: points.reach("connect.opened"))
    _before(egress_handle.Transfer, "_on_request", lambda *_: points.reach("request.leaving"))
    _before(confirming.Confirming, "_ask", lambda *_: points.reach("question.leaving"))
    _after(confirmed.Findings, "write", lambda _, found, *__: points.reach("question.before_commit") if found else None)
    _before(confirmed.Findings, "committed", lambda found: points.reach("question.after_commit") if found else None)
    _before(landing.Landing, "land", lambda *_: points.reach("answer.before_record"))


def _before(place: Any, name: str, act: Callable[..., None]) -> None:
    original = getattr(place, name)

    @functools.wraps(original)
    def wrapped(*arguments: Any, **named: Any) -> Any:
        act(*arguments)
        return original(*arguments, **named)

    setattr(place, name, wrapped)


def _after(place: Any, name: str, act: Callable[..., None]) -> None:
    original = getattr(place, name)

    @functools.wraps(original)
    def wrapped(*arguments: Any, **named: Any) -> Any:
        result = original(*arguments, **named)
        act(result, *arguments)
        return result

    setattr(place, name, wrapped)
