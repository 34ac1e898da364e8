"""The generic webhook: the canonical event by HTTP POST.

The host signs every request (Standard Webhooks headers) and adds the webhook's own headers; this sink frames the body
and reads the answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel

from app.sinks import (
    Answer,
    Event,
    Item,
    Limits,
    OutboundRequest,
    Outcome,
    SignatureKind,
    Sink,
    SinkInfo,
    Token,
    Verdict,
    asks_for_less,
    describe_settings,
    hookimpl,
    is_client_error,
    is_redirect,
    is_success,
    read_token_answer,
    retry_after,
    too_large,
)
from plugins.webhook.authorization import authorization, client_certificate, token_request
from plugins.webhook.settings import (
    SignedWith,
    WebhookBinding,
    WebhookConfig,
    WebhookSecrets,
    check_together,
)
from plugins.webhook.shapes import CONTENT_TYPES, BodyShape, cloudevent, frame

MAX_BYTES = 8 * 1024 * 1024
MAX_EVENTS = 20_000
ITEM_OVERHEAD = 1
"""A comma, or the end of a line."""
BRACKETS = 2

_RETRIED = frozenset({401, 403, 404, 408, 409, 423, 425})
"""4xx that a receiver under deployment or repair gives; a generic receiver gets the whole schedule to come back."""
_SIGNATURES = {
    SignedWith.HMAC: frozenset({SignatureKind.V1}),
    SignedWith.ED25519: frozenset({SignatureKind.V1A}),
    SignedWith.BOTH: frozenset({SignatureKind.V1, SignatureKind.V1A}),
}

__all__ = ["WebhookBinding", "WebhookConfig", "WebhookSecrets", "WebhookSink", "relaypoint_sinks"]


def _shape(binding: WebhookBinding) -> BodyShape:
    shape = binding.config.body_shape
    if shape is not BodyShape.AUTO:
        return shape
    return BodyShape.ARRAY if binding.batch else BodyShape.OBJECT


class WebhookSink:
    """Sends the canonical event as it is stored, byte for byte."""

    info = SinkInfo(
        name="webhook",
        title="Webhook",
        description="JSON to any HTTP endpoint, signed the Standard Webhooks way.",
        docs_url="https://www.standardwebhooks.com/",
        idempotency="header webhook-id; the id of each event in the body",
        sample_url="https://hooks.example/relaypoint",
    )
    config_model: type[BaseModel] = WebhookConfig
    secrets_model: type[BaseModel] = WebhookSecrets

    def limits(self, binding: WebhookBinding) -> Limits:
        """One event for the object shapes, otherwise up to 20,000 events in 8 MiB."""
        shape = _shape(binding)
        if shape is BodyShape.OBJECT or (shape is BodyShape.CLOUDEVENTS and not binding.batch):
            return Limits(max_events=1, max_bytes=MAX_BYTES, max_item_bytes=MAX_BYTES, item_overhead=0)
        frame = 0 if shape is BodyShape.NDJSON else BRACKETS
        room = MAX_BYTES - frame - ITEM_OVERHEAD
        return Limits(MAX_EVENTS, MAX_BYTES, room, item_overhead=ITEM_OVERHEAD, request_overhead=frame)

    def format(self, event: Event, binding: WebhookBinding) -> Item:
        """The stored bytes themselves, unparsed, except for CloudEvents."""
        if binding.config.body_shape is BodyShape.CLOUDEVENTS:
            return Item(event.id, cloudevent(event))
        return Item(event.id, event.json)

    def build_request(self, items: Sequence[Item], binding: WebhookBinding) -> OutboundRequest:
        """A POST to the endpoint."""
        shape = _shape(binding)
        credentials = authorization(binding)
        return OutboundRequest(
            binding.endpoint_url,
            frame(shape, items, batch=binding.batch),
            (("content-type", CONTENT_TYPES[shape, binding.batch]), *credentials),
            secret_headers=frozenset(name for name, _ in credentials),
            client_certificate=client_certificate(binding),
        )

    def classify(self, answer: Answer, items: Sequence[Item], binding: WebhookBinding) -> Outcome:  # noqa: ARG002 - the protocol's signature
        """By status alone: a generic receiver says nothing more."""
        status = answer.status
        if is_success(status):
            return Outcome(Verdict.DELIVERED)
        if is_redirect(status):
            return Outcome(Verdict.REJECT, f"the receiver answered {status}: redirect not followed")
        if is_client_error(status):
            return _client_error(answer, items)
        verdict = Verdict.THROTTLE if asks_for_less(status) else Verdict.RETRY
        return Outcome(verdict, f"the receiver answered {status}", retry_after_s=retry_after(answer.headers))

    def probe(self, binding: WebhookBinding) -> None:  # noqa: ARG002 - the protocol's signature
        """None: there is no request that every receiver takes without effect."""
        return

    def check_settings(self, config: WebhookConfig, secrets: WebhookSecrets) -> None:
        """OAuth 2.0 is set up wholly or not at all."""
        check_together(config, secrets)

    def signatures(self, binding: WebhookBinding) -> frozenset[SignatureKind]:
        """As configured."""
        return _SIGNATURES[binding.config.signed_with]

    def token_request(self, binding: WebhookBinding) -> OutboundRequest | None:
        """The OAuth 2.0 request for an access token, when that is set up."""
        return token_request(binding)

    def read_token(self, answer: Answer, binding: WebhookBinding) -> Token | Outcome:  # noqa: ARG002 - the protocol's signature
        """The access token in an OAuth 2.0 answer."""
        return read_token_answer(answer)

    def describe(self, binding: WebhookBinding) -> dict[str, Any]:
        """The settings for people."""
        return describe_settings(binding)


def _client_error(answer: Answer, items: Sequence[Item]) -> Outcome:
    status = answer.status
    reason = f"the receiver answered {status}"
    if status == HTTPStatus.GONE:
        return Outcome(Verdict.SINK_BROKEN, f"{reason}: it is gone for good", disable=True)
    if asks_for_less(status):
        return Outcome(Verdict.THROTTLE, reason, retry_after_s=retry_after(answer.headers))
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return too_large(items)
    if status in _RETRIED:
        return Outcome(Verdict.RETRY, reason, retry_after_s=retry_after(answer.headers))
    return Outcome(Verdict.REJECT, reason)


@hookimpl
def relaypoint_sinks() -> Iterable[Sink]:
    """The generic webhook."""
    yield WebhookSink()
