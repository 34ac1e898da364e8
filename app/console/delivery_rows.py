"""Deliveries as rows of a list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from app.console.pages import Visit
from app.console.words import delivery_state
from app.core.ids import delivery_id
from app.delivery.delivery_list import DeliveryRow, last_attempts


def delivery_rows(
    connection: Connection, rows: Sequence[DeliveryRow], visit: Visit, names: Mapping[str, str] | None = None
) -> list[dict[str, Any]]:
    """What a list says of each delivery; ``names`` are those of the webhooks where a list holds several."""
    latest = last_attempts(connection, rows)
    found = []
    for row in rows:
        attempt = latest.get((row.webhook_id, row.event_seq))
        public_id = delivery_id(row.webhook_id, row.event_seq)
        found.append(
            {
                "id": public_id,
                "url": visit.url("webhooks", row.webhook_id, "deliveries", public_id),
                "webhook": (names or {}).get(row.webhook_id, row.webhook_id),
                "event_id": row.event_id,
                "event_type": row.event_type,
                "state": delivery_state(row.state.label, row.attempt_count),
                "result": (str(attempt.status) if attempt.status else attempt.error_class or "") if attempt else "",
                "reason": row.reason,
                "duration_us": attempt.duration_us if attempt else None,
                "attempts": row.attempt_count,
                "next": row.next_attempt_at,
                "waits": row.is_stopped and row.next_attempt_at is not None,
                "received": row.received_at,
            }
        )
    return found
