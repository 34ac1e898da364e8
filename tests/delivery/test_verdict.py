"""From what came back to what happens next: a table."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.clock import SECOND
from app.core.states import AttemptOutcome, DeliveryState
from app.delivery.exchange import FailureClass, TransferFailure
from app.delivery.verdict import rule_on_failure, rule_on_lost_worker, rule_on_outcome
from app.sinks.types import Outcome, Verdict

NOW = 1_800_000_000_000_000
SCHEDULE = (60, 120)
D, A = DeliveryState, AttemptOutcome


@pytest.mark.parametrize(
    ("outcome", "tries", "state", "attempt", "due_s", "stop"),
    [
        (Outcome(Verdict.DELIVERED), 1, D.DELIVERED, A.DELIVERED, None, ""),
        (Outcome(Verdict.ACCEPTED_UNCONFIRMED), 1, D.DELIVERED, A.UNCONFIRMED, None, ""),
        (Outcome(Verdict.RETRY), 1, D.PENDING, A.RETRY, 60, ""),
        (Outcome(Verdict.RETRY), 2, D.PENDING, A.RETRY, 120, ""),
        (Outcome(Verdict.RETRY), 3, D.FAILED, A.RETRY, None, ""),
        (Outcome(Verdict.RETRY, retry_after_s=5), 1, D.PENDING, A.RETRY, 60, ""),
        (Outcome(Verdict.THROTTLE, retry_after_s=300), 1, D.PENDING, A.THROTTLED, 300, ""),
        (Outcome(Verdict.REJECT), 1, D.FAILED, A.REJECTED, None, ""),
        (Outcome(Verdict.SINK_BROKEN), 1, D.PARKED, A.SINK_BROKEN, None, "paused"),
        (Outcome(Verdict.SINK_BROKEN, disable=True), 1, D.PARKED, A.SINK_BROKEN, None, "disabled"),
    ],
)
def test_the_ruling_on_an_answer(
    outcome: Outcome, tries: int, state: DeliveryState, attempt: AttemptOutcome, due_s: int | None, stop: str
) -> None:
    ruling = rule_on_outcome(outcome, tries, SCHEDULE, NOW, lambda: 0.0)
    due_at = None if due_s is None else NOW + due_s * SECOND
    assert (ruling.state, ruling.outcome, ruling.due_at, ruling.stop_webhook) == (state, attempt, due_at, stop)


@pytest.mark.parametrize("kind", list(FailureClass))
@pytest.mark.parametrize("sent", [False, True])
def test_the_ruling_on_a_failure(kind: FailureClass, sent: bool) -> None:  # noqa: FBT001 - a table
    ruling = rule_on_failure(TransferFailure(kind, "why", sent), 1, SCHEDULE, NOW, lambda: 0.0)
    if kind in {FailureClass.BLOCKED, FailureClass.CONFIGURATION}:
        assert (ruling.state, ruling.outcome, ruling.stop_webhook) == (D.PARKED, A.BLOCKED, "paused")
        assert ruling.tries_undone == 1
    else:
        assert (ruling.state, ruling.due_at) == (D.PENDING, NOW + 60 * SECOND)
        assert ruling.outcome is (A.UNKNOWN if sent else A.RETRY)


@given(tries=st.integers(1, 30), schedule=st.lists(st.integers(1, 604_800), max_size=20))
def test_a_delivery_is_due_again_or_finished_never_neither(tries: int, schedule: list[int]) -> None:
    for ruling in (
        rule_on_outcome(Outcome(Verdict.RETRY), tries, tuple(schedule), NOW),
        rule_on_lost_worker(tries, tuple(schedule), NOW),
    ):
        assert (ruling.due_at is not None) == (ruling.state is D.PENDING)
        assert ruling.due_at is None or ruling.due_at >= NOW
