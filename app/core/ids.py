"""Public ids: how they look, how they are made, how they are taken apart.

A delivery has no stored id. It is *one event owed to one webhook*, so its id is made of both:
``dlv_<webhook's random part>_<event number in base 36>``. None of our ids contains a dot, because Standard Webhooks
signs ``id.timestamp.body``.
"""

from __future__ import annotations

import base64
from collections.abc import Callable

from app.core.errors import NotFoundError

RandomBytes = Callable[[int], bytes]
"""Answers n random bytes; ``secrets.token_bytes`` outside tests."""

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_RANDOM_BYTES = 10
RANDOM_PART_LENGTH = 16


def new_id(prefix: str, random_bytes: RandomBytes) -> str:
    """``<prefix>_`` and 16 characters ``[a-z2-7]`` (80 random bits)."""
    return f"{prefix}_{base64.b32encode(random_bytes(_RANDOM_BYTES)).decode().lower()}"


def base36(number: int) -> str:
    """A non-negative integer in base 36."""
    if number < 0:
        raise ValueError("base36 takes no negative number")
    digits = ""
    while True:
        number, rest = divmod(number, 36)
        digits = _DIGITS[rest] + digits
        if not number:
            return digits


def delivery_id(webhook_id: str, event_seq: int) -> str:
    """The public id of the delivery of event number ``event_seq`` to ``webhook_id`` (``wh_…``)."""
    return f"dlv_{webhook_id.removeprefix('wh_')}_{base36(event_seq)}"


def parse_delivery_id(text: str) -> tuple[str, int]:
    """``(webhook_id, event_seq)`` of a delivery id.

    Raises:
        NotFoundError: the text is not a delivery id.
    """
    parts = text.split("_")
    shape_ok = len(parts) == 3 and parts[0] == "dlv" and len(parts[1]) == RANDOM_PART_LENGTH and len(parts[2]) <= 12  # noqa: PLR2004 - the three parts of the format above
    if not shape_ok or not parts[2].isalnum() or not text.isascii() or text != text.lower():
        raise NotFoundError("no such delivery")
    return f"wh_{parts[1]}", int(parts[2], 36)
