"""A webhook as it is shown: nothing that was written as a secret comes back."""

from __future__ import annotations

from typing import Any

import orjson
from sqlalchemy import RowMapping

from app.core.clock import Micros, to_rfc3339
from app.core.states import Mode
from app.store.receipts import WaitingReceipts
from app.store.webhook_health import HEALTH_COLUMNS, read_health


def webhook_view(row: RowMapping, waiting: WaitingReceipts | None = None) -> dict[str, Any]:
    """The public form of a row of ``webhooks``; ``waiting`` is what its receiver has not confirmed yet."""
    return {
        "id": row["id"],
        "type": Mode(row["mode"]).label,
        "name": row["name"],
        "organization_id": row["organization_id"],
        "context_id": row["context_id"],
        "scope": "context" if row["context_id"] else "organization",
        "state": row["state"],
        "state_reason": row["state_reason"],
        "enabled": row["state"] in {"enabled", "paused"},
        "sink": row["sink"],
        "endpoint_url": row["endpoint_shown"],
        "headers": {name: {"set": True} for name in orjson.loads(row["header_names"])},
        "header_changes": orjson.loads(row["header_changes"]),
        "event_types": orjson.loads(row["event_types"]),
        "muted_contexts": orjson.loads(row["muted_contexts"]),
        "filter": orjson.loads(row["filter"]) if row["filter"] else None,
        "only_outside_change_windows": bool(row["only_outside_change_windows"]),
        "config": orjson.loads(row["config"]),
        "secrets": {name: {"set": True} for name in orjson.loads(row["secret_names"])},
        "signing_secret": {"set": True, "previous_until": _moment(row["signing_previous_until"])},
        "batch": {
            "max_events": row["batch_max_events"],
            "max_bytes": row["batch_max_bytes"],
            "max_age_s": row["batch_max_age_s"],
        },
        "retry": {"schedule_s": orjson.loads(row["retry_schedule"])},
        "rate_limit": {"per_s": row["rate_per_s"]} if row["rate_per_s"] else None,
        "concurrency": row["concurrency"],
        "failing_head": row["failing_head"],
        "health": health_view(row) | {"confirmations": _confirmations(waiting)},
        "partition": row["partition"],
        "version": row["version"],
        "created_at": to_rfc3339(row["created_at"]),
        "updated_at": to_rfc3339(row["updated_at"]),
    }


def health_view(row: RowMapping) -> dict[str, Any]:
    """How the receiver fares, and, when the webhook does not work at all, why and since when.

    ``next_probe_at`` is when the next request may leave, None when nothing is held back.
    """
    health = read_health([row[column.name] for column in HEALTH_COLUMNS])
    works = row["state"] == "enabled"
    since = health.since if works else row["state_since"]
    return {
        "state": health.condition if works else "stopped",
        "reason": (health.reason or None) if works else row["state_reason"],
        "since": _moment(since),
        "consecutive_failures": health.failures,
        "without_success_since": _moment(health.since),
        "next_probe_at": _moment(health.held_until) if works else None,
    }


def _confirmations(waiting: WaitingReceipts | None) -> dict[str, Any] | None:
    if waiting is None:
        return None
    return {
        "waiting": waiting.waiting,
        "overdue": waiting.overdue,
        "oldest_accepted_at": _moment(waiting.oldest_accepted_at),
        "next_poll_at": _moment(waiting.next_poll_at),
        "reason": waiting.trouble,
    }


def _moment(moment: Micros | None) -> str | None:
    return to_rfc3339(moment) if moment else None
