"""A test send: a clearly marked event takes the normal road to one webhook, and the answer comes back at once.

It formats, builds, signs, sends and classifies exactly as a delivery does; only the ledger does not know of it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import orjson
from sqlalchemy import RowMapping

from app.core.clock import Clock, Micros, to_rfc3339
from app.core.errors import ConflictError, InvalidInputError
from app.core.ids import RandomBytes, new_id
from app.delivery.access import read_returned, token_outgoing
from app.delivery.answers import outcome_per_member, parse_head, read_answer
from app.delivery.by_hand import count_test
from app.delivery.echoes import credentials_of, masked
from app.delivery.egress import EgressClient
from app.delivery.exchange import Returned
from app.delivery.history import GotResponse, SentRequest
from app.delivery.launching import redacted_head
from app.delivery.packing import Parcel, Refused, format_member, outgoing, signed_headers
from app.delivery.plugin_border import PluginFaultError, build_request
from app.delivery.ready_webhook import ready_webhook
from app.delivery.runtime import RuntimeLoader, WebhookRuntime
from app.security.scope import Scope
from app.sinks.protocol import AnyBinding
from app.sinks.tokens import Token
from app.sinks.types import OutboundRequest, Outcome
from app.store import Store
from app.store.claim import Claimed

TEST_TYPE = "entrypoint.configuration.audit"


@dataclass(frozen=True, slots=True)
class TestResult:
    """What was sent, what came back and what it means. ``verdict`` is the sink's word, or the transport's failure."""

    request: SentRequest
    response: GotResponse | None
    verdict: str
    reason: str
    duration_us: int


def send_test(
    store: Store,
    loader: RuntimeLoader,
    client: EgressClient,
    webhook_id: str,
    scope: Scope,
    *,
    clock: Clock,
    random_bytes: RandomBytes,
) -> TestResult:
    """Send one test event to a webhook, also to a paused one.

    Raises:
        NotFoundError: there is no such webhook in scope.
        ConflictError: it has no endpoint or no sink yet, its sink cannot work, or it gets no access token.
        InvalidInputError: the sink refuses the test event or cannot build a request from these settings.
        RateLimitedError: there were too many test sends of it.
    """
    now = clock()
    row, runtime = ready_webhook(store, loader, webhook_id, scope, now)
    with store.write() as connection:
        count_test(connection, webhook_id, now)
    member = _test_member(row, new_id("tst", random_bytes), to_rfc3339(now))
    sink = runtime.sink.info.name
    item = loader.ask(sink, lambda: format_member(runtime, member))
    if isinstance(item, Refused):
        raise InvalidInputError(item.reason)
    parcel = Parcel(member.event_id, (member,), (item,))
    binding = _binding(runtime, client)
    request = loader.ask(sink, lambda: _build(runtime, parcel, binding))
    headers, signature = signed_headers(runtime, request, parcel.message_id, now)
    returned = client.fetch(outgoing(None, request, headers))
    sent = _sent(runtime, request, list(headers[-3:]) if signature else [])
    credentials = credentials_of(runtime, request)
    return loader.ask(sink, lambda: _result(runtime, returned, parcel, sent, credentials, now))


def _test_member(row: RowMapping, event_id: str, moment: str) -> Claimed:
    context = {"id": row["context_id"], "name": None} if row["context_id"] else None
    body = orjson.dumps(
        {
            "id": event_id,
            "type": TEST_TYPE,
            "occurred_at": moment,
            "received_at": moment,
            "organization": {"id": row["organization_id"], "name": None},
            "service": "entrypoint",
            "context": context,
            "actor": {"type": "system", "id": None, "email": None},
            "action": "other",
            "entity": {"type": "webhook", "id": row["id"], "name": row["name"]},
            "description": "Test event sent from Relaypoint; nothing was changed",
            "changes": [],
            "tags": ["test"],
            "sensitivity": 1,
            "sensitivity_rule": "given by the source",
            "outside_change_window": True,
            "change_windows": [],
            "metadata": {"test": True},
            "source": {"format": "test"},
        }
    )
    return Claimed(row["pk"], 0, 1, 1, orphan=False, due_at=0, event_id=event_id, event_type=TEST_TYPE, body=body)


def _binding(runtime: WebhookRuntime, client: EgressClient) -> AnyBinding:
    """The binding with a fresh access token, if the sink needs one."""
    if runtime.token_request is None:
        return runtime.binding
    token = read_returned(runtime, client.fetch(token_outgoing(None, runtime.token_request)))
    if isinstance(token, Token):
        return replace(runtime.binding, access_token=token.value)
    raise ConflictError(token.reason if isinstance(token, Outcome) else token.detail)


def _build(runtime: WebhookRuntime, parcel: Parcel, binding: AnyBinding) -> OutboundRequest:
    try:
        return build_request(runtime.sink, parcel.items, binding)
    except PluginFaultError as error:
        raise InvalidInputError(error.fault.reason) from None


def _sent(runtime: WebhookRuntime, request: OutboundRequest, fresh: list[tuple[str, str]]) -> SentRequest:
    head = orjson.loads(redacted_head(runtime, request))
    headers = (*((name, value) for name, value in head["headers"]), *fresh)
    return SentRequest(head["method"], head["url"], headers, request.shown_body)


def _result(
    runtime: WebhookRuntime,
    returned: Returned,
    parcel: Parcel,
    sent: SentRequest,
    credentials: tuple[bytes, ...],
    now: Micros,
) -> TestResult:
    if returned.failure is not None:
        failure = returned.failure
        return TestResult(sent, None, str(failure.kind), failure.detail, returned.timings.total)
    outcome = outcome_per_member(read_answer(runtime, returned, parcel, now)[0], parcel)[0]
    if returned.is_unanswered:
        return TestResult(sent, None, str(outcome.verdict), outcome.reason, returned.timings.total)
    headers = tuple(parse_head(masked(returned.head, credentials)).items())
    response = GotResponse(returned.status, headers, masked(returned.body, credentials), returned.truncated)
    return TestResult(sent, response, str(outcome.verdict), outcome.reason, returned.timings.total)
