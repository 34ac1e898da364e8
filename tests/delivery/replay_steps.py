"""What the tests of replays do to them: order, start, step, and put deliveries where they are needed."""

from __future__ import annotations

from typing import Any

from sqlalchemy import update

from app.core.clock import SECOND, Micros
from app.core.states import DeliveryState
from app.delivery.replaying import Replayer
from app.delivery.replays import ReplayOrder, ReplayService
from app.store.replays import ReplayKind
from app.store.tables import deliveries
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


def seconds(replayer: Replayer, clock: MovableClock, number: int) -> None:
    for _ in range(number):
        clock.advance(SECOND)
        replayer.step(clock())
