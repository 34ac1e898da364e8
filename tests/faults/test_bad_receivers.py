"""Receivers that hang, fail, redirect or never stop talking; and a healthy one that must not notice them."""

from __future__ import annotations

import statistics
import time
from typing import Any

import orjson
import pytest

from tests.faults.conftest import Measure, NewTroupe, Open
from tests.faults.installation import await_that
from tests.faults.receivers import Receiver, endless, failing_first, hanging, redirecting
from tests.faults.sources import sample_events
from tests.faults.troupe import Troupe

pytestmark = [pytest.mark.process, pytest.mark.redis, pytest.mark.timeout(300)]

ATTEMPT_LIMIT_S = 15
"""What an attempt may take, whatever the receiver does."""

SCHEDULE = {"schedule_s": [1, 1, 1]}
RESPONSE_CAP = 65_536
P95_S = 2.0
STREAM = 120
"""Events that the healthy webhook gets, one at a time, while the others suffer."""

HUNG = 16
"""Events for the hanging receiver: as many as go out at once to a receiver of which nothing is known."""

CONTEXTS = ("ctx_hang", "ctx_flaky", "ctx_redirect", "ctx_endless")


def test_bad_receivers_end_as_documented_and_delay_nobody(
    new_troupe: NewTroupe, opened: Open, measure: Measure
) -> None:
    stack = new_troupe()
    stack.create_organization(*((context_id, "entrypoint") for context_id in (*CONTEXTS, "ctx_healthy")))
    canary, healthy = opened(Receiver()), opened(Receiver())
    hang, flaky, endless_one = opened(hanging()), opened(failing_first(2)), opened(endless())
    # Loopback is allowed in this stack: only the rule against following protects the canary.
    redirect = opened(redirecting(f"{canary.url}/inside"))
    hung = stack.create_webhook(hang.url, "ctx_hang", retry={"schedule_s": []})
    retried = stack.create_webhook(flaky.url, "ctx_flaky", retry=SCHEDULE)
    redirected = stack.create_webhook(redirect.url, "ctx_redirect", retry=SCHEDULE)
    poured = stack.create_webhook(endless_one.url, "ctx_endless", retry=SCHEDULE)
    stack.create_webhook(healthy.url, "ctx_healthy")

    bad = sample_events(0, HUNG, "ctx_hang")
    bad += [event for place, context in enumerate(CONTEXTS[1:]) for event in sample_events(1_000 + place, 1, context)]
    posted_at = time.monotonic()
    assert stack.post(orjson.dumps(bad)).status_code == 200
    await_that(lambda: len(hang.requests) == HUNG, 20, stack.log)
    p95_s = p95_of_a_stream(stack, healthy)
    assert {row["state"] for row in hung.deliveries()} == {"sending"}, (
        "the hang was over before the healthy webhook was measured"
    )
    assert p95_s < P95_S

    check_retried(retried.await_state("delivered", 20), flaky)
    check_redirected(redirected.await_state("failed", 20), canary)
    check_poured(poured.await_state("delivered", 20))
    await_that(lambda: {row["state"] for row in hung.deliveries()} == {"failed"}, 60, stack.log)
    check_hung(hung.attempts(hung.deliveries()[0]["id"]))
    measure("beside bad receivers", p95_s=p95_s, hang_over_after_s=time.monotonic() - posted_at)
    assert len(redirect.requests) == 1
    ledger = stack.ledger()
    assert ledger["balanced"]
    assert (ledger["delivered"], ledger["failed"], ledger["parked"]) == (STREAM + 2, HUNG + 1, 0)
    assert ledger["duplicates_possible"] == HUNG, "the hanging receiver may have taken any of its requests"


def p95_of_a_stream(stack: Troupe, healthy: Receiver) -> float:
    """The 95th percentile of the seconds between the start of a post and the arrival of its event."""
    posted: dict[str, float] = {}
    with stack.session() as session:
        for event in sample_events(5_000, STREAM, "ctx_healthy"):
            posted[event["id"]] = time.time()
            answer = session.post(f"{stack.url}/v1/events", json=event, timeout=30)
            assert answer.status_code == 200
            time.sleep(0.03)
    await_that(lambda: len(healthy.requests) == STREAM, 20, stack.log)
    waits = [one.at - posted[orjson.loads(one.body)["id"]] for one in healthy.requests]
    return statistics.quantiles(waits, n=20)[-1]


def check_retried(delivery: dict[str, Any], flaky: Receiver) -> None:
    attempts = delivery["attempts"]
    assert [attempt["response"]["status"] for attempt in attempts] == [500, 500, 200]
    assert [attempt["outcome"] for attempt in attempts] == ["retry", "retry", "delivered"]
    first, second, third = flaky.requests
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == third.headers["webhook-id"]
    assert first.body == second.body == third.body
    assert second.at - first.at >= 1
    assert third.at - second.at >= 1


def check_redirected(delivery: dict[str, Any], canary: Receiver) -> None:
    (attempt,) = delivery["attempts"]
    assert attempt["response"]["status"] == 302
    assert attempt["outcome"] == "rejected"
    assert "302" in delivery["reason"]
    assert canary.connections == 0


def check_poured(delivery: dict[str, Any]) -> None:
    (attempt,) = delivery["attempts"]
    assert attempt["response"]["status"] == 200
    assert attempt["response"]["truncated"]
    assert len(attempt["response"]["body"]) == RESPONSE_CAP
    assert attempt["duration_ms"] < ATTEMPT_LIMIT_S * 1000


def check_hung(attempts: list[dict[str, Any]]) -> None:
    (attempt,) = attempts
    assert attempt["outcome"] == "unknown"
    assert attempt["error"]["class"] == "timeout_waiting_for_headers"
    assert attempt["response"] is None
    assert 0.9 * ATTEMPT_LIMIT_S < attempt["duration_ms"] / 1000 < 2 * ATTEMPT_LIMIT_S
