"""What the tests of replays do to them: order, start, step, and put deliveries where they are needed."""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete, update

from app.core.clock import SECOND, Micros
from app.core.states import AttemptOutcome, DeliveryState
from app.delivery.replaying import Replayer
from app.delivery.replays import ReplayOrder, ReplayService
from app.store.record import AttemptRow, write_attempts
from app.store.replays import ReplayKind
from app.store.tables import attempts, deliveries
from tests.conftest import MovableClock
from tests.world import PLATFORM, Hook, World

DELIVERED, PENDING, FAILED = DeliveryState.DELIVERED, DeliveryState.PENDING, DeliveryState.FAILED
SKIPPED, PARKED = DeliveryState.SKIPPED, DeliveryState.PARKED
NOWHERE = "http://127.0.0.1:9/x"


def order(kind: str = "redeliver", since: Micros = 0, **more: Any) -> ReplayOrder:
    return ReplayOrder(ReplayKind(kind), since, **more)


def start(replays: ReplayService, hook: Hook, kind: str = "redeliver", per_s: int = 1_000, **more: Any) -> str:
    return str(replays.start(PLATFORM, hook.id, order(kind, **more), created_by="key_a", per_s=per_s)["id"])


def put_in(world: World, hook: Hook, state: DeliveryState, *places: int) -> None:
    """Deliveries of a webhook, by their place in its ledger (0 = the first), as if they had ended so."""
    numbers = [row.event_seq for row in world.deliveries(hook)]
    with world.store.write() as connection:
        chosen = deliveries.c.event_seq.in_([numbers[place] for place in places])
        statement = update(deliveries).where(deliveries.c.webhook_pk == hook.pk, chosen)
        connection.execute(statement.values(state=state, due_at=None, tries=7, attempt_count=7))


def answered(world: World, hook: Hook, status: int | None, *places: int) -> None:
    """The last attempts of deliveries, by their place, as if they had got this status; None = no answer."""
    rows = world.deliveries(hook)
    with world.store.write() as connection:
        for row in (rows[place] for place in places):
            gone = (attempts.c.webhook_pk == hook.pk, attempts.c.event_seq == row.event_seq)
            connection.execute(delete(attempts).where(*gone))
            one = AttemptRow(hook.pk, row.event_seq, row.attempt_count, 0, AttemptOutcome.REJECTED, status, None)
            write_attempts(connection, [one])


def seconds(replayer: Replayer, clock: MovableClock, number: int) -> None:
    for _ in range(number):
        clock.advance(SECOND)
        replayer.step(clock())
