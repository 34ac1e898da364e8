"""When a webhook tries next, for lists: also while the webhook as a whole is held back."""

from __future__ import annotations

from typing import Any

from app.core.clock import Micros
from app.delivery.under_way import Moments


def next_retry(webhook: dict[str, Any], moments: Moments) -> Micros | str | None:
    """When its next delivery is due, else until when its receiver's trouble holds it back.

    None = neither, or the webhook does not work at all.
    """
    if webhook["state"] != "enabled":
        return None
    held_until: str | None = webhook["health"]["next_probe_at"]
    return moments.next_attempt_at or held_until
