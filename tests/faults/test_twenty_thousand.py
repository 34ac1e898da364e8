"""A large export in one POST: every event is answered for, and arrives exactly once."""

from __future__ import annotations

from collections import Counter

import orjson
import pytest

from app.demo import DEMO_CONTEXTS, DEMO_ORGANIZATION
from tests.faults.conftest import Measure, NewTroupe, Open
from tests.faults.installation import ORGANIZATION, await_that
from tests.faults.receivers import Receiver

pytestmark = [pytest.mark.process, pytest.mark.redis, pytest.mark.timeout(300)]

EVENTS = 20_000
DELIVERED_WITHIN_S = 90


@pytest.mark.parametrize("database", ["sqlite", pytest.param("postgresql", marks=pytest.mark.faults_full)])
def test_twenty_thousand_generated_events_in_one_post_arrive_exactly_once(
    new_troupe: NewTroupe, opened: Open, measure: Measure, database: str
) -> None:
    assert DEMO_ORGANIZATION == ORGANIZATION
    stack = new_troupe(database)
    stack.create_organization(*((context_id, "entrypoint") for context_id in DEMO_CONTEXTS))
    recording = opened(Receiver())
    stack.create_webhook(recording.url, event_types=["*"])
    own = stack.ledger()["accepted"]
    events = stack.run("demo", "generate", "--events", str(EVENTS), "--seed", "7").encode()
    assert events.count(b"\n") == EVENTS

    answer = stack.post(events, "application/x-ndjson")
    assert answer.status_code == 200, answer.text[:500]
    accepted = orjson.loads(answer.content)
    assert (accepted["accepted"], accepted["duplicates"], accepted["rejected"]) == (EVENTS, 0, [])
    assert len(set(accepted["ids"])) == EVENTS

    took_s = await_that(lambda: stack.ledger()["delivered"] == EVENTS, DELIVERED_WITHIN_S, stack.log)
    ledger = stack.ledger()
    assert ledger["balanced"]
    assert ledger["accepted"] - own == ledger["owed"] == ledger["matched"] == EVENTS
    assert ledger["duplicates_possible"] == 0
    # The ids that the answer named, and no others: each was in one request.
    read = Counter(orjson.loads(one.body)["id"] for one in recording.requests)
    assert read == Counter(accepted["ids"])
    measure(f"20,000 events, {database}", answered_s=answer.elapsed.total_seconds(), delivered_s=took_s)
