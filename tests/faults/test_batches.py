"""Case 32: a worker dies while it builds a batch, sends it, or has its answer; each event is in one closed batch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import orjson
import pytest

from app.cli.receiver_tally import event_ids
from tests.faults.conftest import Measure, NewTroupe
from tests.faults.installation import Webhook, await_that
from tests.faults.invariants import check
from tests.faults.receivers import OK, Receiver
from tests.faults.scene import RETRIES
from tests.faults.sources import sample_events
from tests.faults.troupe import LEASE_S, Troupe

pytestmark = [pytest.mark.process, pytest.mark.redis, pytest.mark.timeout(120)]

EVENTS = 12
BATCH = {"max_events": 5, "max_age_s": 1}
RECOVERY_S = LEASE_S + 10.0


FULL = [pytest.mark.postgres, pytest.mark.faults_full]

Stage = tuple[Troupe, Receiver]


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=FULL)])
def stage(request: pytest.FixtureRequest, new_troupe: NewTroupe) -> Iterator[Stage]:
    """One receiver for all cases, because the invariants are asked of everything that was ever sent."""
    troupe = new_troupe(request.param)
    troupe.create_organization(("ctx_1", "entrypoint"))
    with closing(Receiver(lambda connection, _number: connection.sendall(OK))) as receiver:
        yield troupe, receiver


@pytest.mark.parametrize(
    ("label", "may_repeat"),
    [
        ("batch.before_commit", False),
        ("send.before_connect", False),
        ("answer.before_record", True),
        ("record.before_commit", True),
    ],
)
def test_case_32_a_worker_dies_and_each_event_is_in_one_batch_under_one_id(
    stage: Stage, measure: Measure, label: str, *, may_repeat: bool
) -> None:
    troupe, receiver = stage
    webhook: Webhook = troupe.create_webhook(f"{receiver.url}/{{id}}", type="batch", batch=BATCH, retry=RETRIES)
    troupe.points.arm(label)
    first = sum(map(ord, label)) * EVENTS
    answer = troupe.post(orjson.dumps(sample_events(first, EVENTS)))
    ids = orjson.loads(answer.content)["ids"]
    assert len(ids) == EVENTS
    await_that(lambda: troupe.points.struck(label) > 0, 15, troupe.log)
    took_s = await_that(lambda: not troupe.ledger()["pending"], RECOVERY_S, troupe.log)
    measure(f"case 32, {label}", recovered_after_s=took_s)

    batches = troupe.call("GET", f"/v1/webhooks/{webhook.id}/batches")["items"]
    shown = [troupe.call("GET", f"/v1/batches/{batch['id']}") for batch in batches]
    members = {one["id"]: sorted(item["event_id"] for item in one["members"]["items"]) for one in shown}
    assert sorted(event for named in members.values() for event in named) == sorted(ids), "each in one, none in none"
    assert all(one["event_count"] == one["states"]["delivered"] == len(members[one["id"]]) for one in shown)
    arrived: dict[str, list[str]] = {}
    requests = [one for one in receiver.requests if webhook.id in one.line]
    for request in requests:
        content = sorted(event_ids(request.body))
        assert arrived.setdefault(request.headers["webhook-id"], content) == content
    assert arrived == members
    assert len(requests) <= len(members) + 2 * may_repeat
    check(troupe, receiver.requests, ids, secrets=[webhook.secret])
    troupe.call("DELETE", f"/v1/webhooks/{webhook.id}")
