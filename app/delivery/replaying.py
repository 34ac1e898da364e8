"""Replays on their way: a step of each per second, in bounded transactions.

A step is one transaction: the replay's place moves, the deliveries become due, and what was done is counted. So a
process may die at any moment and nothing is lost or done twice. Two that step at once are told apart by the place they
started from.

First attempts are not starved: they are due before anything that a replay makes due, and a replay lets its webhook have
at most ``per_s`` deliveries a second, and none while that many are already due.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection, Select

from app.core.clock import SECOND, Micros
from app.core.errors import StoreUnavailableError
from app.core.states import Mode
from app.routing.match import past_event, skip_reason
from app.routing.reach import reach_of
from app.routing.webhooks import DELETED
from app.store.engine import Store
from app.store.replay_sets import (
    backfillable,
    bodies,
    due_count,
    make_deliveries,
    make_due_again,
    next_numbers,
    redeliverable,
)
from app.store.replays import (
    ReplayKind,
    ReplayState,
    Running,
    Selection,
    advance_replay,
    count_done,
    end_replay,
    running_replays,
)
from app.store.routes import Route, read_route

log = logging.getLogger(__name__)

ROUND = 100
"""Most replays stepped per call; the next call goes on behind them."""
ROUND_S = 0.5
"""After so long a call starts no further step: the tick has other work."""
SPAN = 50_000
"""Events looked at per step, so that one that finds little is short too."""
LARGEST_RATE = 1_000
"""Deliveries per second of one replay, and so the most rows of one step's transaction."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """What one step takes: these events' numbers, those among them to skip with the reasons, and where it ends."""

    numbers: Sequence[int]
    skips: Mapping[int, str]
    to_seq: int


class Replayer:
    """Moves running replays forward.

    Args:
        store: the database.
        monotonic: a clock for the length of a call, in seconds.
    """

    def __init__(self, store: Store, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._monotonic = monotonic
        self._behind = 0

    def step(self, now: Micros) -> set[int]:
        """Move the next running replays one step; answers the partitions to ring.

        Raises:
            StoreUnavailableError: some steps were not taken; the next call takes them.
        """
        end = self._monotonic() + ROUND_S
        with self._store.read() as connection:
            found = running_replays(connection, self._behind, ROUND)
        rung = set()
        for replay in found:
            if self._guarded_step(replay, now):
                rung.add(replay.partition)
            self._behind = replay.selection.webhook_pk
            if self._monotonic() > end:
                return rung
        if len(found) < ROUND:
            self._behind = 0
        return rung

    def _guarded_step(self, replay: Running, now: Micros) -> bool:
        """A step that fails for a reason of its own ends its replay: it holds up neither others nor the tick."""
        try:
            return self._step(replay, now)
        except StoreUnavailableError:
            raise
        except Exception as error:
            log.exception("a replay cannot go on", extra={"replay": replay.pk})
            self._cancel(replay, f"stopped by an error: {type(error).__name__}", now)
            return False

    def _cancel(self, replay: Running, reason: str, now: Micros) -> None:
        with self._store.write() as connection:
            end_replay(connection, replay.pk, ReplayState.CANCELLED, now, reason=reason)

    def _step(self, replay: Running, now: Micros) -> bool:
        """One step of one replay; True when deliveries became due."""
        if replay.webhook_deleted:
            self._cancel(replay, DELETED, now)
            return False
        selection = replay.selection
        with self._store.read() as connection:
            route = read_route(connection, selection.webhook_pk)
            room = _room(connection, replay, now)
            if route is None or not room:
                return False
            near = replace(selection, last_seq=min(selection.after_seq + SPAN, selection.last_seq))
            numbers = next_numbers(connection, chosen_rows(near, route), room)
            skips = _skips(connection, route, numbers) if selection.kind is ReplayKind.BACKFILL else {}
        to_seq = numbers[-1] if len(numbers) == room else near.last_seq
        return self._take(replay, Chosen(numbers, skips, to_seq), now)

    def _take(self, replay: Running, chosen: Chosen, now: Micros) -> bool:
        """Make the chosen deliveries due, unless the webhook stopped or the replay moved or ended meanwhile."""
        selection = replay.selection
        with self._store.write() as connection:
            route = read_route(connection, selection.webhook_pk, lock=True)
            if route is None or route.state != "enabled":
                return False
            if not advance_replay(connection, replay, chosen.to_seq, now):
                return False
            made = _make(connection, selection, chosen, _due_at(route, now))
            count_done(connection, replay.pk, made)
            if chosen.to_seq >= selection.last_seq:
                end_replay(connection, replay.pk, ReplayState.DONE, now)
        return made > 0


def _room(connection: Connection, replay: Running, now: Micros) -> int:
    """How many deliveries may become due now: none while as many wait already, or while the webhook is held."""
    allowed = replay.per_s * min(max(now - replay.stepped_at, 0), SECOND) // SECOND
    if replay.webhook_state != "enabled" or not allowed:
        return 0
    return allowed - due_count(connection, replay.selection.webhook_pk, now, allowed)


def chosen_rows(selection: Selection, route: Route) -> Select[int]:
    """What a replay of this webhook means, in ledger order."""
    if selection.kind is ReplayKind.REDELIVER:
        return redeliverable(selection)
    return backfillable(selection, reach_of(route))


def _make(connection: Connection, selection: Selection, chosen: Chosen, due_at: Micros) -> int:
    if selection.kind is ReplayKind.REDELIVER:
        return make_due_again(connection, selection, chosen.numbers, due_at)
    return make_deliveries(connection, selection.webhook_pk, chosen.numbers, due_at, chosen.skips)


def _due_at(route: Route, now: Micros) -> Micros:
    """Behind every first attempt, which is due before any time; in batch mode with the next batch."""
    return now + route.batch_max_age if route.mode is Mode.BATCH else now


def _skips(connection: Connection, route: Route, numbers: Sequence[int]) -> dict[int, str]:
    """What the webhook's own conditions keep back of these events, with the reasons."""
    if not route.has_conditions:
        return {}
    judged = ((seq, skip_reason(route, past_event(body))) for seq, body in bodies(connection, numbers))
    return {seq: why for seq, why in judged if why is not None}
