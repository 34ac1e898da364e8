"""Batches: what went out together, why it closed, and what became of it."""

from __future__ import annotations

import secrets
from typing import Any

from flask import request

from app.console.delivery_rows import delivery_rows
from app.console.pages import PageTable, Visit, done, render
from app.console.words import CLOSED
from app.core.errors import NotFoundError
from app.core.ids import delivery_id
from app.core.whole_numbers import whole_number
from app.delivery.batch_history import (
    attempts_by_request,
    get_batch,
    list_batches,
    list_members,
    list_requests,
    member_states,
)
from app.delivery.close_by_hand import close_by_hand
from app.security.permissions import Permission
from app.services import Services

_ALL = "webhooks/<webhook>/batches"
_READ = Permission.DELIVERIES_READ
_SHOWN = 50


def batch_pages(services: Services) -> PageTable:
    """The list of a webhook's batches, one batch, and closing what waits."""
    table = PageTable()

    @table.get(_ALL, needs=_READ)
    def batches(visit: Visit, webhook: str) -> Any:
        shown = services.webhooks.get(visit.scope, webhook)
        with services.store.read() as connection:
            rows = list_batches(connection, webhook, visit.scope, limit=_SHOWN + 1, before=_number("before"))
        older = visit.url("webhooks", webhook, "batches", before=rows[_SHOWN - 1].number) if len(rows) > _SHOWN else ""
        newest = visit.url("webhooks", webhook, "batches") if _number("before") else ""
        return render(
            "batches.html", visit, webhook=shown, rows=rows[:_SHOWN], older=older, newest=newest, closed=CLOSED
        )

    @table.post(f"{_ALL}/close", needs=Permission.DELIVERIES_SEND)
    def close(visit: Visit, webhook: str) -> Any:
        with services.store.write() as connection:
            closed = close_by_hand(connection, webhook, visit.scope, services.clock(), secrets.token_bytes)
        if closed.batches:
            services.doorbell.ring([closed.partition])
        return done(visit.url("webhooks", webhook, "batches"), "closed" if closed.batches else "nothing-waited")

    @table.get(f"{_ALL}/<batch>", needs=_READ)
    def batch(visit: Visit, webhook: str, batch: str) -> Any:
        shown = services.webhooks.get(visit.scope, webhook)
        with services.store.snapshot() as connection:
            row = get_batch(connection, batch, visit.scope)
            if row.webhook_id != webhook:
                raise NotFoundError("no such batch")
            states = member_states(connection, row)
            members = list_members(connection, row, limit=_SHOWN + 1, after=_number("after") or 0)
            requests = list_requests(connection, row, limit=_SHOWN)
            rows = delivery_rows(connection, members[:_SHOWN], visit)
            carried = attempts_by_request(connection, row, members[:_SHOWN], requests)
        following = members[_SHOWN - 1].event_seq if len(members) > _SHOWN else None
        return render(
            "batch.html",
            visit,
            webhook=shown,
            row=row,
            states=states,
            rows=rows,
            requests=requests,
            exchanges={
                number: visit.url(
                    "webhooks", webhook, "deliveries", delivery_id(webhook, member.event_seq), tab="request", n=n
                )
                for number, (member, n) in carried.items()
            },
            closed=CLOSED,
            more=visit.url("webhooks", webhook, "batches", batch, after=following) if following else "",
            first=visit.url("webhooks", webhook, "batches", batch) if _number("after") else "",
        )

    return table


def _number(name: str) -> int | None:
    return whole_number(request.args.get(name, ""))
