"""What receivers written in JavaScript use reads our requests: Standard Webhooks and CloudEvents, from npm."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from app.core.clock import SECOND, system_clock
from app.core.signing import Signer, format_secret
from app.sinks import Binding, OutboundRequest
from app.sinks.samples import sample_event
from plugins.webhook import WebhookSink
from plugins.webhook.settings import WebhookConfig, WebhookSecrets
from tests.npm import Node, node_with, npm_cache

SINK = WebhookSink()
KEY, OTHER = b"k" * 32, b"o" * 32
VERIFY = """
const { Webhook } = require("standardwebhooks");
const answers = input.map(({secret, body, headers}) => {
  try { return {read: new Webhook(secret).verify(body, headers)}; } catch (error) { return {error: error.message}; }
});
process.stdout.write(JSON.stringify(answers));
"""
READ = """
const { HTTP } = require("cloudevents");
const answers = input.map((message) => {
  try {
    const found = HTTP.toEvent(message);
    const events = Array.isArray(found) ? found : [found];
    return {read: events.map((one) => { one.validate(); return {id: one.id, type: one.type, data: one.data}; })};
  } catch (error) { return {error: error.message}; }
});
process.stdout.write(JSON.stringify(answers));
"""


@pytest.fixture(scope="session")
def node(request: pytest.FixtureRequest) -> Node:
    return node_with(npm_cache(request.config), "standardwebhooks@1.1.1", "cloudevents@10.0.0")


def sent(shape: str, *, batch: bool = False) -> OutboundRequest:
    config = WebhookConfig.model_validate({"body_shape": shape})
    binding = Binding("wh_1", "hook", "acme", "https://receiver.example/", config, WebhookSecrets(), batch)
    events = [sample_event("evt_1"), sample_event("evt_2")] if batch else [sample_event("evt_1")]
    return SINK.build_request([SINK.format(one, binding) for one in events], binding)


def test_the_reference_library_of_npm_verifies_our_signatures_and_no_others(node: Node) -> None:
    body = sent("object").body
    now_s = system_clock() // SECOND

    def signed(*keys: bytes, at_s: int = now_s, body: bytes = body) -> dict[str, Any]:
        signature = Signer(list(keys)).sign("dlv_a_1", at_s, body)
        headers = {"webhook-id": "dlv_a_1", "webhook-timestamp": str(at_s), "webhook-signature": signature}
        return {"secret": format_secret(KEY), "body": body.decode(), "headers": headers}

    good = [signed(KEY), signed(OTHER, KEY)]
    tampered = signed(KEY) | {"body": body.decode().replace("update", "delete")}
    nameless = signed(KEY)
    del nameless["headers"]["webhook-id"]
    answers = node.ask(VERIFY, [*good, signed(OTHER), tampered, nameless, signed(KEY, at_s=now_s - 301)])
    assert [answer.get("read") for answer in answers[:2]] == [orjson.loads(body)] * 2
    assert ["error" in answer for answer in answers] == [False] * 2 + [True] * 4


def test_the_sdk_of_cloudevents_for_javascript_reads_one_and_a_batch_and_refuses_a_spoiled_one(node: Node) -> None:
    messages = [
        {"headers": dict(request.headers), "body": request.body.decode()}
        for request in (sent("cloudevents"), sent("cloudevents", batch=True))
    ]
    spoiled = orjson.loads(messages[0]["body"])
    del spoiled["type"]
    messages.append(messages[0] | {"body": orjson.dumps(spoiled).decode()})
    one, batch, refused = node.ask(READ, messages)
    assert one["read"] == [{"id": "evt_1", "type": sample_event("evt_1").type, "data": sample_event("evt_1").data}]
    assert [read["id"] for read in batch["read"]] == ["evt_1", "evt_2"]
    assert "error" in refused
