"""``/v1/batches``: what went out together, why it closed, and what became of it."""

from __future__ import annotations

import secrets
from typing import Any

from app.api.delivery_view import delivery_view, moment
from app.api.paging import PageQuery, page
from app.api.routing import Call, RouteTable
from app.core.clock import to_rfc3339
from app.delivery.batch_history import (
    BatchRequest,
    BatchRow,
    get_batch,
    list_batches,
    list_members,
    list_requests,
    member_states,
)
from app.delivery.close_by_hand import close_by_hand
from app.security.permissions import Permission
from app.services import Services

_READ = Permission.DELIVERIES_READ
_SHOWN_REQUESTS = 50
"""Requests shown with a batch; the others have a list of their own."""


def batch_routes(services: Services) -> RouteTable:
    """Routes of batches."""
    table = RouteTable()
    store = services.store

    @table.add(
        "GET",
        "/v1/webhooks/<webhook>/batches",
        access=_READ,
        summary="List a webhook's batches, newest first",
        query=PageQuery,
    )
    def list_all(call: Call, webhook: str) -> dict[str, Any]:
        query: PageQuery = call.query
        services.webhooks.get(call.scope, webhook)
        with store.read() as connection:
            rows = list_batches(connection, webhook, call.scope, limit=query.limit + 1, before=query.number_after)
        shown = rows[: query.limit]
        return page([_batch(row) for row in shown], shown[-1].number if len(rows) > query.limit else None)

    @table.add(
        "POST",
        "/v1/webhooks/<webhook>/batches/close",
        access=Permission.DELIVERIES_SEND,
        summary="Close what waits for the next batch, and send it now",
    )
    def close(call: Call, webhook: str) -> dict[str, Any]:
        with store.write() as connection:
            closed = close_by_hand(connection, webhook, call.scope, services.clock(), secrets.token_bytes)
        if closed.batches:
            services.doorbell.ring([closed.partition])
        items = [
            {
                "id": batch.id,
                "close_reason": batch.reason.value,
                "event_count": batch.event_count,
                "byte_count": batch.byte_count,
            }
            for batch in closed.batches
        ]
        return {"closed": items}

    @table.add(
        "GET",
        "/v1/batches/<batch>",
        access=_READ,
        summary="Show a batch with its members and its latest requests",
        query=PageQuery,
    )
    def get(call: Call, batch: str) -> dict[str, Any]:
        query: PageQuery = call.query
        with store.snapshot() as connection:
            row = get_batch(connection, batch, call.scope)
            states = member_states(connection, row)
            members = list_members(connection, row, limit=query.limit + 1, after=query.number_after or 0)
            requests = list_requests(connection, row, limit=_SHOWN_REQUESTS + 1)
        shown = members[: query.limit]
        following = shown[-1].event_seq if len(members) > query.limit else None
        return {
            **_batch(row),
            "states": states,
            "members": page([delivery_view(member) for member in shown], following),
            "requests": _requests(requests, _SHOWN_REQUESTS),
        }

    @table.add(
        "GET",
        "/v1/batches/<batch>/requests",
        access=_READ,
        summary="List the requests that a batch became, newest first",
        query=PageQuery,
    )
    def requests(call: Call, batch: str) -> dict[str, Any]:
        query: PageQuery = call.query
        with store.read() as connection:
            row = get_batch(connection, batch, call.scope)
            found = list_requests(connection, row, limit=query.limit + 1, before=query.number_after)
        return _requests(found, query.limit)

    return table


def _batch(row: BatchRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "webhook_id": row.webhook_id,
        "closed_at": to_rfc3339(row.closed_at),
        "close_reason": row.close_reason,
        "event_count": row.event_count,
        "byte_count": row.byte_count,
        "attempt_count": row.attempt_count,
        "next_attempt_at": moment(row.next_attempt_at),
    }


def _requests(rows: list[BatchRequest], limit: int) -> dict[str, Any]:
    shown = rows[:limit]
    return page([_request(row) for row in shown], shown[-1].number if len(rows) > limit else None)


def _request(row: BatchRequest) -> dict[str, Any]:
    return {
        "message_id": row.message_id,
        "started_at": to_rfc3339(row.started_at),
        "event_count": row.event_count,
        "status": row.status,
        "verdict": row.verdict,
        "detail": row.detail,
        "peer": row.peer,
        "duration_ms": row.duration_us / 1000,
    }
