"""A person or a script that presses a button again and again sends only so much to somebody else's receiver."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from app.core.clock import MINUTE
from app.core.errors import ConflictError, RateLimitedError
from app.core.ids import delivery_id
from app.core.states import DeliveryState
from app.delivery import by_hand
from app.delivery.by_hand import count_redelivery, count_test
from app.delivery.redeliver import redeliver
from app.store import Store
from app.store.tables import deliveries
from tests.conftest import MovableClock
from tests.world import PLATFORM, World


def counted(store: Store, count: object, webhook_id: str, now: int) -> int:
    """How many times in a row it is allowed."""
    allowed = 0
    while True:
        try:
            with store.write() as connection:
                count(connection, webhook_id, now)  # type: ignore[operator]
        except RateLimitedError:
            return allowed
        allowed += 1


@pytest.mark.parametrize(("count", "rate"), [(count_test, by_hand.TESTS), (count_redelivery, by_hand.REDELIVERIES)])
def test_each_webhook_has_its_own_bucket_and_it_fills_again(
    store: Store, clock: MovableClock, count: object, rate: by_hand.Rate
) -> None:
    now = clock()
    assert counted(store, count, "wh_1", now) == rate.burst
    assert counted(store, count, "wh_1", now) == 0
    assert counted(store, count, "wh_2", now) == rate.burst
    assert counted(store, count, "wh_1", now + MINUTE) == min(rate.burst, round(60 * rate.per_s))


def test_a_redelivery_that_is_refused_changes_nothing_and_one_that_conflicts_costs_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(by_hand, "REDELIVERIES", by_hand.Rate(per_s=0.01, burst=2))
    hook = world.add_webhook("https://receiver.example/")
    world.send_numbers(1)
    public_id = delivery_id(hook.id, world.deliveries(hook)[0].event_seq)

    def press() -> None:
        with world.store.write() as connection:
            redeliver(connection, public_id, PLATFORM, world.clock())

    def finish() -> None:
        with world.store.write() as connection:
            connection.execute(update(deliveries).values(state=DeliveryState.DELIVERED, due_at=None))

    for _ in range(5):
        with pytest.raises(ConflictError):
            press()
    for _ in range(2):
        finish()
        press()
    finish()
    with pytest.raises(RateLimitedError):
        press()
    assert world.states(hook) == [DeliveryState.DELIVERED]
