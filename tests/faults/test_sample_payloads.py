"""The vendor's two documented shapes travel the whole road and arrive signed, masked and byte for byte as recorded."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from standardwebhooks import Webhook as StandardWebhook

from tests.faults.conftest import NewTroupe, Open, StartReceive
from tests.faults.installation import ORGANIZATION, Webhook, await_that
from tests.faults.receivers import Receiver

pytestmark = [pytest.mark.process, pytest.mark.redis, pytest.mark.timeout(300)]

FLAT = [
    {
        "id": "5b1f4c1e-31f5-4f0a-8d65-0c5d1f4a7e10",
        "eventId": "merakiwpn.configuration.audit",
        "scope": "ORGANIZATION_CTX_MERAKI_WPN",
        "contextId": "ctx_psk",
        "organizationId": ORGANIZATION,
        "timestamp": "2026-05-02T08:00:01Z",
        "userId": "u_31",
        "userEmail": "ops@example.com",
        "action": "UPDATE",
        "module": "MERAKI_WPN",
        "changes": [{"field": "Meraki WPN Group Passphrase", "secret": True, "before": "***", "after": "***"}],
    }
]
NESTED = {
    "eventId": "ise.configuration.audit",
    "eventTime": "2026-05-02T08:00:02.118Z",
    "scope": {"type": "ORGANIZATION_CTX_CISCO_ISE", "organizationId": ORGANIZATION, "contextId": "ctx_ise"},
    "actor": {"type": "ADMIN", "email": "ops@example.com"},
    "change": {
        "entity": "PnGroupCiscoISE",
        "entityId": "e_5",
        "action": "UPDATE",
        "fields": [{"name": "Managed Attributes", "before": [], "after": []}],
    },
}

TYPES = [FLAT[0]["eventId"], NESTED["eventId"]]


def test_both_sample_payloads_arrive_through_a_context_and_an_organization_webhook(
    new_troupe: NewTroupe, start_receive: StartReceive, opened: Open
) -> None:
    stack = new_troupe()
    stack.create_organization(("ctx_psk", "meraki_wpn"), ("ctx_ise", "cisco_ise"))
    recording = opened(Receiver())
    own_bytes = {
        "context": stack.create_webhook(f"{recording.url}/context", "ctx_psk", event_types=TYPES),
        "organization": stack.create_webhook(f"{recording.url}/organization", event_types=TYPES),
    }
    placeholder = stack.create_webhook(recording.url, "ctx_ise", event_types=TYPES, enabled=False)
    whole = stack.create_webhook(recording.url, event_types=TYPES, enabled=False)
    receive = start_receive("--secret", placeholder.secret, "--secret", whole.secret)
    for webhook, path in ((placeholder, "context"), (whole, "organization")):
        change = {"endpoint_url": f"{receive.url}/{path}", "enabled": True}
        stack.call("PATCH", f"/v1/webhooks/{webhook.id}", change)

    answers = [stack.post(orjson.dumps(payload)) for payload in (FLAT, NESTED)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert [answer.json()["accepted"] for answer in answers] == [1, 1]

    # The context of the flat payload, the context of the nested one, and twice both through the organization.
    await_that(lambda: len(recording.requests) == 3 and receive.counts()["distinct"] == 3, 30, stack.log)
    counts = receive.counts()
    assert counts["invalid_signatures"] == counts["duplicates"] == 0
    assert counts["events_distinct"] == 2
    for path, webhook in own_bytes.items():
        check_records(recording, path, webhook)
    rotation = next(orjson.loads(one.body) for one in recording.requests if one.line.startswith("POST /context"))
    assert rotation["context"]["id"] == "ctx_psk"
    assert [
        (change["field"], change["before"], change["after"], change["secret"]) for change in rotation["changes"]
    ] == [("Meraki WPN Group Passphrase", "***", "***", True)]
    await_that(lambda: stack.ledger()["delivered"] == 6, 20, stack.log)
    assert stack.ledger()["balanced"]


def check_records(recording: Receiver, path: str, webhook: Webhook) -> None:
    """What the API shows of each delivery is what was read from the socket, and the signature is a good one."""
    read = {one.headers["webhook-id"]: one for one in recording.requests if one.line.startswith(f"POST /{path} ")}
    await_that(lambda: {row["state"] for row in webhook.deliveries()} == {"delivered"}, 20)
    shown = {row["id"]: webhook.attempts(row["id"]) for row in webhook.deliveries()}
    assert set(shown) == set(read)
    for delivery_id, attempts in shown.items():
        (attempt,) = attempts
        request: dict[str, Any] = attempt["request"]
        one = read[delivery_id]
        assert request["body_encoding"] == "utf-8"
        assert request["body"].encode() == one.body
        assert (request["method"], request["url"]) == ("POST", f"{recording.url}/{path}")
        # What the client library itself adds is on the wire only.
        assert dict(request["headers"]).items() <= one.headers.items()
        assert set(one.headers) - set(dict(request["headers"])) <= {"host", "accept", "content-length", "user-agent"}
        assert attempt["response"]["status"] == 200
        assert attempt["response"]["body"] == "ok"
        StandardWebhook(webhook.secret).verify(one.body, one.headers)
