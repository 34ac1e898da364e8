"""A delivery as the API shows it in lists."""

from __future__ import annotations

from typing import Any

from app.core.clock import Micros, to_rfc3339
from app.core.ids import delivery_id
from app.delivery.delivery_list import DeliveryRow


def moment(at: Micros | None) -> str | None:
    """A moment, or ``null``."""
    return None if at is None else to_rfc3339(at)


def delivery_view(row: DeliveryRow) -> dict[str, Any]:
    """One delivery without its attempts."""
    return {
        "id": delivery_id(row.webhook_id, row.event_seq),
        "webhook_id": row.webhook_id,
        "event_id": row.event_id,
        "event_type": row.event_type,
        "state": row.state.label,
        "reason": row.reason,
        "attempt_count": row.attempt_count,
        "next_attempt_at": moment(row.next_attempt_at),
        "next_attempt_cause": None if row.next_attempt_cause is None else row.next_attempt_cause.label,
        "batch_id": row.batch_id,
        "received_at": to_rfc3339(row.received_at),
    }
