"""What was typed about an API key: its end, how much it may send, how its requests must be signed."""

from __future__ import annotations

from collections.abc import Mapping
from zoneinfo import ZoneInfo

from app.console.moments import read_moment
from app.core.clock import to_rfc3339
from app.core.errors import InvalidInputError
from app.core.whole_numbers import whole_number
from app.routing.key_terms_input import RateLimit, SignatureChange


def typed_end(typed: Mapping[str, str], zone: ZoneInfo) -> str | None:
    """When the key shall end; None = it stays until it is revoked.

    Raises:
        InvalidInputError: it is no time.
    """
    ends = read_moment(typed.get("expires_at", ""), zone, "expires_at")
    return None if ends is None else to_rfc3339(ends)


def typed_rate(typed: Mapping[str, str]) -> RateLimit:
    """How much it may send; nothing typed is no limit.

    Raises:
        InvalidInputError: it is no number.
        ValidationError: nobody can send so much.
    """
    text = typed.get("rate_per_s", "").strip()
    number = whole_number(text)
    if text and number is None:
        raise InvalidInputError("must be a whole number", field="rate_per_s")
    return RateLimit(rate_per_s=number)


def typed_signature(typed: Mapping[str, str]) -> SignatureChange:
    """How its requests must be signed; an empty secret is one that stays.

    Raises:
        ValidationError: naming the input at fault.
    """
    return SignatureChange.model_validate(
        {
            "scheme": typed.get("scheme") or None,
            "header": typed.get("header", "").strip(),
            "secret": typed.get("secret", "").strip() or None,
            "make_secret": "make_secret" in typed,
            "keep_secrets": "keep_secrets" in typed,
        }
    )
