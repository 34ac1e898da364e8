"""Which signatures travel: the shared secret's, the public key's, or both."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from standardwebhooks.webhooks import Webhook

from app.delivery.drain import Drain
from tests.delivery.receiver import Received, Receiver
from tests.world import PLATFORM, World


def check_public(public_key: str, request: Received) -> None:
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key.removeprefix("whpk_")))
    (signature,) = [one for one in request.header("webhook-signature").split() if one.startswith("v1a,")]
    signed = f"{request.header('webhook-id')}.{request.header('webhook-timestamp')}.".encode() + request.body
    key.verify(base64.b64decode(signature.removeprefix("v1a,")), signed)


@pytest.mark.parametrize(("signed_with", "kinds"), [("hmac", ["v1"]), ("ed25519", ["v1a"]), ("both", ["v1", "v1a"])])
def test_a_request_carries_the_signatures_its_webhook_asks_for(
    world: World, target: Receiver, drain: Drain, signed_with: str, kinds: list[str]
) -> None:
    hook = world.add_webhook(target.url, config={"signed_with": signed_with})
    world.send_numbers(1)
    world.deliver(drain)
    (request,) = target.requests
    assert [one.partition(",")[0] for one in request.header("webhook-signature").split()] == kinds
    shown = world.webhooks.secret(PLATFORM, hook.id)
    if "v1" in kinds:
        Webhook(shown["secret"]).verify(request.body, dict(request.headers))
    if "v1a" in kinds:
        check_public(shown["public_key"], request)
