"""What pages show of a webhook at a glance: read from the numbers by the minute that real deliveries left."""

from __future__ import annotations

import pytest

from app.core.clock import DAY, HOUR, MINUTE
from app.delivery.drain import Drain
from app.delivery.results import Period, Results, Waits, results_of, waits_of
from app.delivery.under_way import MOST_COUNTED, UnderWay, moments_of, under_way
from app.routing.traffic import ContextTraffic, traffic_of_day
from app.security.scope import Scope
from app.store.tables_traffic import WITHIN_MS
from tests.conftest import MovableClock
from tests.delivery.receiver import Receiver, Reply
from tests.world import Hook, World, audit

HERE = Scope("acme")


def results(world: World, hook: Hook, period: Period = Period.DAY) -> Results:
    with world.store.read() as connection:
        return results_of(connection, "acme", [hook.id], world.clock(), period)[hook.id]


def waiting(world: World, hook: Hook) -> UnderWay:
    with world.store.read() as connection:
        return under_way(connection, "acme", [hook.id])[hook.id]


def test_bars_tell_what_was_delivered_what_is_tried_again_and_what_failed(
    world: World, target: Receiver, drain: Drain
) -> None:
    target.script = [Reply(200), Reply(400), Reply(503)]
    hook = world.add_webhook(target.url, concurrency=1)
    for number in (1, 2, 3):
        world.send_numbers(number)
        world.deliver(drain)
    bar = results(world, hook).bars[-1]
    assert (bar.delivered, bar.retried, bar.failed, bar.total) == (1, 1, 1, 3)
    assert waiting(world, hook) == UnderWay(1, is_more=False)


def test_a_bar_moves_on_with_the_hours_and_a_week_has_longer_ones(
    world: World, target: Receiver, drain: Drain, clock: MovableClock
) -> None:
    hook = world.add_webhook(target.url)
    world.send_numbers(1)
    world.deliver(drain)
    for hours, place in ((0, 23), (1, 22), (23, 0)):
        clock.ahead = hours * HOUR
        assert [bar.delivered for bar in results(world, hook).bars].index(1) == place
    clock.ahead = DAY
    assert results(world, hook).whole.delivered == 0
    assert results(world, hook, Period.WEEK).bars[-5].delivered == 1
    clock.ahead = 8 * DAY
    assert results(world, hook, Period.WEEK).whole.delivered == 0


def test_the_last_minute_gives_the_rate(world: World, target: Receiver, drain: Drain, clock: MovableClock) -> None:
    hook = world.add_webhook(target.url)
    world.send_numbers(1, 2, 3)
    world.deliver(drain)
    seen = []
    for _ in range(3):
        with world.store.read() as connection:
            traffic = traffic_of_day(connection, HERE, world.clock())
        seen.append((results(world, hook).per_minute, traffic.total))
        clock.advance(MINUTE)
    assert [rate for rate, _ in seen].count(3) == 1
    assert {total for _, total in seen} == {3}


def test_another_organization_sees_none_of_it(world: World, target: Receiver, drain: Drain) -> None:
    hook = world.add_webhook(target.url)
    world.send_numbers(1)
    world.deliver(drain)
    with world.store.read() as connection:
        assert results_of(connection, "globex", [hook.id], world.clock())[hook.id].whole.total == 0
        assert waits_of(connection, "globex", hook.id, world.clock()).total == 0
        assert under_way(connection, "globex", [hook.id]) == {}
        assert moments_of(connection, "globex", [hook.id]) == {}
        assert traffic_of_day(connection, Scope("globex"), world.clock()).total == 0


def test_every_request_is_within_a_limit(world: World, target: Receiver, drain: Drain) -> None:
    hook = world.add_webhook(target.url)
    world.send_numbers(1, 2)
    world.deliver(drain)
    with world.store.read() as connection:
        waits = waits_of(connection, "acme", hook.id, world.clock())
    assert waits.total == 2
    assert waits.within(1.0) in WITHIN_MS


@pytest.mark.parametrize(("share", "limit"), [(0.1, 5), (0.5, 5), (0.51, 25), (0.9, 25), (0.91, None), (1.0, None)])
def test_a_share_is_answered_within_the_first_limit_that_holds_it(share: float, limit: int | None) -> None:
    assert Waits((5, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 1)).within(share) == limit


def test_a_long_backlog_is_counted_as_far_as_a_page_needs_it(world: World, target: Receiver) -> None:
    hook = world.add_webhook(target.url)
    for start in range(0, MOST_COUNTED + 1, 500):
        world.send_numbers(*range(start, start + 500))
    assert waiting(world, hook) == UnderWay(MOST_COUNTED, is_more=True)


def test_a_closed_batch_is_under_way_until_it_arrives(world: World, target: Receiver, drain: Drain) -> None:
    target.script = [Reply(503)]
    hook = world.add_webhook(target.url, mode="batch", batch={"max_events": 2})
    world.send_numbers(1, 2, 3)
    world.deliver(drain)
    assert waiting(world, hook) == UnderWay(3, is_more=False)
    with world.store.read() as connection:
        moments = moments_of(connection, "acme", [hook.id])[hook.id]
    assert moments.last_attempt_at is not None


def test_radius_outcomes_are_no_changes_and_count_nowhere(world: World) -> None:
    world.send(audit(1, eventId="entrypoint.radius.authentication"), audit(2))
    with world.store.read() as connection:
        traffic = traffic_of_day(connection, HERE, world.clock())
    assert traffic.total == 1
    assert traffic.of("nowhere") == ContextTraffic()
