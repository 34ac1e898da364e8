"""Access tokens of one engine's webhooks: kept while they live, fetched beside the deliveries, never waited for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from pydantic import SecretStr

from app.core.clock import SECOND, Micros
from app.delivery.answers import parse_head
from app.delivery.egress import EgressClient
from app.delivery.exchange import Outgoing, Returned, TransferFailure
from app.delivery.lanes import Lane
from app.delivery.packing import outgoing
from app.delivery.plugin_border import fault_of
from app.delivery.plugin_watch import WATCH
from app.delivery.runtime import WebhookRuntime
from app.sinks.bounds import PLUGIN_RAISES
from app.sinks.tokens import Token, UsesToken
from app.sinks.types import Answer, Binding, OutboundRequest, Outcome, Verdict

_RENEWED_BEFORE: Micros = 60 * SECOND
"""A token is fetched anew so long before its end, so that none ends on its way; at most a tenth of its life."""


@dataclass(frozen=True, slots=True)
class TokenErrand:
    """The handle of a token request on the wire."""

    lane: Lane
    runtime: WebhookRuntime


@dataclass(slots=True)
class _Kept:
    version: int
    value: SecretStr
    ends_at: Micros
    worked: bool = False
    """Whether a receiver ever took it."""


class TokenDesk:
    """Says which webhooks may send now, and fetches what the others lack."""

    def __init__(self, client: EgressClient) -> None:
        self._client = client
        self._kept: dict[int, _Kept] = {}
        self._asked: set[tuple[int, int]] = set()

    def admits(self, lane: Lane, now: Micros) -> bool:
        """Whether the lane's webhook has its token, or needs none; if not, one is on its way."""
        runtime = lane.runtime
        if runtime.token_request is None or self._current(runtime, now) is not None:
            return True
        asked = (runtime.pk, runtime.version)
        if asked not in self._asked:
            self._asked.add(asked)
            self._client.start(token_outgoing(TokenErrand(lane, runtime), runtime.token_request))
        return False

    def binding(self, runtime: WebhookRuntime, now: Micros) -> Binding[Any, Any]:
        """The webhook's binding, with its token if it needs one."""
        kept = self._current(runtime, now) if runtime.token_request else None
        return runtime.binding if kept is None else replace(runtime.binding, access_token=kept.value)

    def take(self, errand: TokenErrand, returned: Returned, now: Micros) -> Outcome | TransferFailure | None:
        """Keep the token that came; answers why there is none."""
        runtime = errand.runtime
        self._asked.discard((runtime.pk, runtime.version))
        token = read_returned(runtime, returned)
        if not isinstance(token, Token):
            return token
        life = round(token.lifetime_s * SECOND)
        ends_at = now + life - min(_RENEWED_BEFORE, life // 10)
        self._kept[runtime.pk] = _Kept(runtime.version, token.value, ends_at)
        return None

    def refused(self, runtime: WebhookRuntime, used: SecretStr | None) -> bool:
        """The receiver answered 401: whether a fresh token is worth one more request.

        It is when the token had worked before, or was replaced meanwhile. A new token that is refused at once is a
        matter for the sink.
        """
        kept = self._kept.get(runtime.pk)
        if used is None or kept is None:
            return False
        if kept.value != used:
            return True
        del self._kept[runtime.pk]
        return kept.worked

    def accepted(self, runtime: WebhookRuntime, used: SecretStr | None) -> None:
        """The receiver answered something else than 401."""
        kept = self._kept.get(runtime.pk)
        if used is not None and kept is not None and kept.value == used:
            kept.worked = True

    def _current(self, runtime: WebhookRuntime, now: Micros) -> _Kept | None:
        kept = self._kept.get(runtime.pk)
        return kept if kept and kept.version == runtime.version and kept.ends_at > now else None


def token_outgoing(key: Any, request: OutboundRequest) -> Outgoing:
    """A token request as the egress client takes it. It carries no signature: it is none of our messages."""
    return outgoing(key, request, request.headers)


def read_returned(runtime: WebhookRuntime, returned: Returned) -> Token | Outcome | TransferFailure:
    """The token that came back, or why none did. Whatever failed, no event was sent."""
    failure = returned.failure
    if failure is not None:
        return replace(failure, detail=f"no access token: {failure.detail}", request_sent=False)
    answer = Answer(returned.status, parse_head(returned.head), returned.body, returned.truncated)
    sink = runtime.sink
    try:
        with WATCH:
            read = sink.read_token(answer, runtime.binding) if isinstance(sink, UsesToken) else None
    except PLUGIN_RAISES as error:
        return Outcome(Verdict.SINK_BROKEN, fault_of(sink.info.name, "read a token", error).reason)
    if isinstance(read, Token | Outcome):
        return read
    return Outcome(Verdict.SINK_BROKEN, f"sink {sink.info.name} gave no token")
