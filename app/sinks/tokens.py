"""Access tokens: how a sink whose receiver wants a short-lived token describes getting one.

The host fetches the token through its guarded client, keeps it until shortly before it ends, fetches it anew once when
the receiver refuses it with 401, and hands it over as ``Binding.access_token``.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Protocol, runtime_checkable
from urllib.parse import urlencode

import orjson
from pydantic import SecretStr

from app.sinks.protocol import AnyBinding
from app.sinks.statuses import classify_by_status, is_success
from app.sinks.types import Answer, OutboundRequest, Outcome, Verdict

DEFAULT_LIFETIME_S = 300.0
"""Kept so long when the answer does not say; RFC 6749 section 5.1 only recommends ``expires_in``."""
MAX_LIFETIME_S = 24 * 3600.0
MAX_TOKEN_CHARACTERS = 4_000
"""So that the header it goes into stays within what is allowed for a header's value."""

_REFUSALS = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND})
_ERRORS = frozenset(
    {"invalid_client", "invalid_grant", "invalid_request", "invalid_scope", "unauthorized_client"}
    | {"unsupported_grant_type"}
)
"""RFC 6749 section 5.2. Only these words are repeated to people; anything else might echo the secret."""


@dataclass(frozen=True, slots=True)
class Token:
    """An access token and how long it lives, in seconds from now."""

    value: SecretStr
    lifetime_s: float


@runtime_checkable
class UsesToken(Protocol):
    """What a sink has beside the ``Sink`` protocol when its requests need a token. Both methods are pure."""

    def token_request(self, binding: AnyBinding) -> OutboundRequest | None:
        """The request that gets a token, or None when this webhook's settings need none."""
        ...

    def read_token(self, answer: Answer, binding: AnyBinding) -> Token | Outcome:
        """The token in an answer, or what its absence means: RETRY, THROTTLE or SINK_BROKEN."""
        ...


def client_credentials_request(url: str, client_id: str, secret: SecretStr, scope: str) -> OutboundRequest:
    """The OAuth 2.0 client credentials grant (RFC 6749 section 4.4), credentials in the form."""
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret.get_secret_value()}
    if scope:
        form["scope"] = scope
    headers = (("content-type", "application/x-www-form-urlencoded"), ("accept", "application/json"))
    return OutboundRequest(url, urlencode(form).encode(), headers)


def read_token_answer(answer: Answer) -> Token | Outcome:
    """The token in an OAuth 2.0 answer (RFC 6749 section 5), or what its absence means."""
    data = _json_object(answer.body)
    if is_success(answer.status):
        return _token(data) or Outcome(Verdict.SINK_BROKEN, "the token endpoint's answer holds no usable access token")
    if answer.status in _REFUSALS:
        error = data.get("error")
        words = f": {error}" if isinstance(error, str) and error in _ERRORS else ""
        return Outcome(Verdict.SINK_BROKEN, f"the token endpoint answered {answer.status}{words}")
    outcome = classify_by_status(answer)
    verdict = outcome.verdict if outcome.verdict in {Verdict.RETRY, Verdict.THROTTLE} else Verdict.SINK_BROKEN
    return Outcome(verdict, f"the token endpoint answered {answer.status}", outcome.retry_after_s)


def _token(data: dict[str, object]) -> Token | None:
    value = data.get("access_token")
    if not isinstance(value, str) or not 0 < len(value) <= MAX_TOKEN_CHARACTERS:
        return None
    if not all("!" <= character <= "~" for character in value):
        return None
    lifetime = data.get("expires_in")
    seconds = float(lifetime) if isinstance(lifetime, int | float) and lifetime > 0 else DEFAULT_LIFETIME_S
    return Token(SecretStr(value), min(seconds, MAX_LIFETIME_S))


def _json_object(body: bytes) -> dict[str, object]:
    try:
        data = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return data if isinstance(data, dict) else {}
