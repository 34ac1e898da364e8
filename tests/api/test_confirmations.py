"""An accepted delivery through the API: its state, its receipt, its webhook's health and its column in the ledger."""

from __future__ import annotations

import pytest
from sqlalchemy import select, update

from app.core.clock import SECOND, system_clock
from app.core.states import AttemptOutcome, DeliveryState
from app.services import Services
from app.store.receipts import ReceiptRow
from app.store.record import AttemptRow, Record, write_record
from app.store.tables import deliveries
from tests.api.conftest import Caller
from tests.api.test_events import event

EXCHANGE = 77


@pytest.fixture
def webhook(platform: Caller, services: Services) -> str:
    """A webhook with one delivery that was accepted a second ago and one that is pending."""
    body = {"type": "instant", "name": "Splunk", "organization_id": "acme"}
    made = str(platform("POST", "/v1/webhooks", json=body).json["id"])
    change = {"sink": "splunk_hec", "endpoint_url": "http://127.0.0.1:9", "secrets": {"token": "t0ken"}}
    assert platform("PATCH", f"/v1/webhooks/{made}", json=change).status_code == 200
    platform("POST", "/v1/events", json=[event(1), event(2)])
    then = system_clock() - SECOND
    with services.store.write() as connection:
        pk, seq = connection.execute(select(deliveries.c.webhook_pk, deliveries.c.event_seq).limit(1)).one()
        accepted = {"state": DeliveryState.ACCEPTED, "due_at": None, "attempt_count": 1, "tries": 1}
        connection.execute(update(deliveries).where(deliveries.c.event_seq == seq).values(accepted))
        attempt = AttemptRow(pk, seq, 1, then, AttemptOutcome.UNCONFIRMED, 200, EXCHANGE)
        receipt = ReceiptRow(
            *(EXCHANGE, pk, seq, seq, None, b"place", "channel", "12"),
            *(then, then + 10 * SECOND, then + 300 * SECOND, "asked to confirm: the receiver answered 503"),
        )
        write_record(connection, Record(attempts=[attempt], receipts=[receipt]), 1)
    return made


def test_a_delivery_shows_its_receipt_and_when_it_is_asked_about_next(platform: Caller, webhook: str) -> None:
    (row,) = platform("GET", f"/v1/webhooks/{webhook}/deliveries?state=accepted").json["items"]
    assert (row["state"], row["next_attempt_at"]) == ("accepted", None)
    shown = platform("GET", f"/v1/deliveries/{row['id']}").json
    assert shown["attempts"][0]["outcome"] == "unconfirmed"
    confirmation = shown["confirmation"]
    assert (confirmation["receipt"], confirmation["channel"]) == ("12", "channel")
    assert confirmation["accepted_at"] < confirmation["next_poll_at"] < confirmation["expires_at"]
    assert confirmation["reason"] == "asked to confirm: the receiver answered 503"
    (other,) = platform("GET", f"/v1/webhooks/{webhook}/deliveries?state=pending").json["items"]
    assert platform("GET", f"/v1/deliveries/{other['id']}").json["confirmation"] is None


def test_an_accepted_delivery_is_not_redelivered(platform: Caller, webhook: str) -> None:
    (row,) = platform("GET", f"/v1/webhooks/{webhook}/deliveries?state=accepted").json["items"]
    refused = platform("POST", f"/v1/deliveries/{row['id']}/redeliver")
    assert (refused.status_code, "accepted" in refused.json["detail"]) == (409, True)
    redelivery = {"since": "2020-01-01T00:00:00Z", "dry_run": True}
    counted = platform("POST", f"/v1/webhooks/{webhook}/redeliver", json=redelivery)
    assert counted.json == {"count": 0}


def test_the_health_of_the_webhook_counts_what_waits_and_what_is_overdue(platform: Caller, webhook: str) -> None:
    confirmations = platform("GET", f"/v1/webhooks/{webhook}").json["health"]["confirmations"]
    assert (confirmations["waiting"], confirmations["overdue"]) == (1, 1)
    assert confirmations["reason"] == "asked to confirm: the receiver answered 503"
    (listed,) = platform("GET", "/v1/webhooks").json["items"]
    assert listed["health"]["confirmations"] == confirmations


def test_the_ledger_has_a_column_of_its_own_and_balances(platform: Caller, webhook: str) -> None:
    ledger = platform("GET", "/v1/ledger").json
    (account,) = ledger["webhooks"]
    for numbers in (ledger, account):
        assert (numbers["confirming"], numbers["pending"], numbers["delivered"]) == (1, 1, 0)
        assert numbers["balanced"] is True
    assert account["webhook_id"] == webhook
