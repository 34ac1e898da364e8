"""From what came back to what happens next: a table."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.clock import AT_ONCE, SECOND
from app.core.states import AttemptOutcome, DeliveryState
from app.delivery.exchange import FailureClass, TransferFailure
from app.delivery.verdict import MOST_LOSSES, THROTTLED_PER_TRY, rule_on_failure, rule_on_lost_worker, rule_on_outcome
from app.sinks.types import Outcome, Verdict
from app.store.claim import Claimed

NOW = 1_800_000_000_000_000
SCHEDULE = (60, 120)
D, A = DeliveryState, AttemptOutcome


def claimed(tries: int = 1, *, attempt: int = 1, losses: int = 0) -> Claimed:
    return Claimed(1, 1, attempt, tries, bool(losses), AT_ONCE, "evt", "type", b"{}", losses)


@pytest.mark.parametrize(
    ("outcome", "tries", "state", "attempt", "due_s", "stop"),
    [
        (Outcome(Verdict.DELIVERED), 1, D.DELIVERED, A.DELIVERED, None, ""),
        (Outcome(Verdict.ACCEPTED_UNCONFIRMED), 1, D.DELIVERED, A.UNCONFIRMED, None, ""),
        (Outcome(Verdict.RETRY), 1, D.PENDING, A.RETRY, 60, ""),
        (Outcome(Verdict.RETRY), 2, D.PENDING, A.RETRY, 120, ""),
        (Outcome(Verdict.RETRY), 3, D.FAILED, A.RETRY, None, ""),
        (Outcome(Verdict.RETRY, retry_after_s=5), 1, D.PENDING, A.RETRY, 60, ""),
        (Outcome(Verdict.RETRY, retry_after_s=300), 1, D.PENDING, A.RETRY, 300, ""),
        (Outcome(Verdict.REJECT), 1, D.FAILED, A.REJECTED, None, ""),
        (Outcome(Verdict.SINK_BROKEN), 1, D.PARKED, A.SINK_BROKEN, None, "paused"),
        (Outcome(Verdict.SINK_BROKEN, disable=True), 1, D.PARKED, A.SINK_BROKEN, None, "disabled"),
    ],
)
def test_the_ruling_on_an_answer(
    outcome: Outcome, tries: int, state: DeliveryState, attempt: AttemptOutcome, due_s: int | None, stop: str
) -> None:
    ruling = rule_on_outcome(outcome, claimed(tries), SCHEDULE, NOW, lambda: 0.0)
    due_at = None if due_s is None else NOW + due_s * SECOND
    assert (ruling.state, ruling.outcome, ruling.due_at, ruling.stop_webhook) == (state, attempt, due_at, stop)


@pytest.mark.parametrize("tries", [1, 3, 30])
def test_a_throttled_delivery_keeps_its_place_and_its_try(tries: int) -> None:
    ruling = rule_on_outcome(Outcome(Verdict.THROTTLE, retry_after_s=300), claimed(tries), SCHEDULE, NOW)
    assert (ruling.state, ruling.outcome, ruling.due_at) == (D.PENDING, A.THROTTLED, AT_ONCE)
    assert ruling.tries_undone == 1


@pytest.mark.parametrize(("tries", "state"), [(1, D.PENDING), (3, D.FAILED)])
def test_an_event_that_is_throttled_for_ever_steps_aside_and_comes_to_an_end(tries: int, state: DeliveryState) -> None:
    member = claimed(tries, attempt=THROTTLED_PER_TRY)
    ruling = rule_on_outcome(Outcome(Verdict.THROTTLE), member, SCHEDULE, NOW, lambda: 0.0)
    assert (ruling.state, ruling.tries_undone) == (state, 0)
    assert ruling.due_at == (NOW + 60 * SECOND if state is D.PENDING else None)


@pytest.mark.parametrize("kind", list(FailureClass))
@pytest.mark.parametrize("sent", [False, True])
def test_the_ruling_on_a_failure(kind: FailureClass, sent: bool) -> None:  # noqa: FBT001 - a table
    ruling = rule_on_failure(TransferFailure(kind, "why", sent), claimed(), SCHEDULE, NOW, lambda: 0.0)
    if kind in {FailureClass.BLOCKED, FailureClass.CONFIGURATION}:
        assert (ruling.state, ruling.outcome, ruling.stop_webhook) == (D.PARKED, A.BLOCKED, "paused")
        assert ruling.tries_undone == 1
    else:
        assert (ruling.state, ruling.due_at, ruling.tries_undone) == (D.PENDING, NOW + 60 * SECOND, 0)
        assert ruling.outcome is (A.UNKNOWN if sent else A.RETRY)


@pytest.mark.parametrize(("attempt", "due_at", "undone"), [(1, AT_ONCE, 1), (2, NOW + 60 * SECOND, 0)])
def test_only_a_first_attempt_on_a_closing_kept_connection_is_repeated_at_once(
    attempt: int, due_at: int, undone: int
) -> None:
    failure = TransferFailure(FailureClass.CONNECTION_LOST, "closed", request_sent=True, was_kept=True)
    ruling = rule_on_failure(failure, claimed(attempt=attempt), SCHEDULE, NOW, lambda: 0.0)
    assert (ruling.state, ruling.outcome, ruling.due_at) == (D.PENDING, A.UNKNOWN, due_at)
    assert ruling.tries_undone == undone


@pytest.mark.parametrize(("tries", "due_s"), [(1, 60), (2, 120), (3, 120), (30, 120)])
def test_a_name_that_may_be_unresolved_through_our_own_fault_burns_no_try(tries: int, due_s: int) -> None:
    failure = TransferFailure(FailureClass.DNS, "no such host", request_sent=False)
    ruling = rule_on_failure(failure, claimed(tries), SCHEDULE, NOW, lambda: 0.0, resolver_works=False)
    assert (ruling.state, ruling.outcome) == (D.PENDING, A.OUR_FAULT)
    assert (ruling.due_at, ruling.tries_undone) == (NOW + due_s * SECOND, 1)


@pytest.mark.parametrize("losses", range(1, MOST_LOSSES + 3))
@pytest.mark.parametrize("tries", [1, 30])
def test_a_lost_worker_burns_no_try_until_the_delivery_itself_is_suspected(losses: int, tries: int) -> None:
    ruling = rule_on_lost_worker(claimed(tries, losses=losses))
    assert ruling.state is (D.PENDING if losses < MOST_LOSSES else D.FAILED)
    assert ruling.outcome is A.UNKNOWN


@given(tries=st.integers(1, 30), schedule=st.lists(st.integers(1, 604_800), max_size=20))
def test_a_delivery_is_due_again_or_finished_never_neither(tries: int, schedule: list[int]) -> None:
    dns = TransferFailure(FailureClass.DNS, "why", request_sent=False)
    member, waits = claimed(tries, attempt=tries), tuple(schedule)
    for ruling in (
        rule_on_outcome(Outcome(Verdict.RETRY), member, waits, NOW),
        rule_on_outcome(Outcome(Verdict.THROTTLE), member, waits, NOW),
        rule_on_failure(dns, member, waits, NOW, resolver_works=False),
        rule_on_lost_worker(member),
    ):
        assert (ruling.due_at is not None) == (ruling.state is D.PENDING)
        assert ruling.due_at is None or ruling.due_at == AT_ONCE or ruling.due_at >= NOW
