"""One delivery: the request as it was sent, the response as it came, every attempt and the next one."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import orjson
from flask import Response, request

from app.console.causes import coming, timeline
from app.console.drawing import PHASES, Picture, timing_picture
from app.console.exchanges import shown_exchange
from app.console.filters import milliseconds
from app.console.kept import bytes_removed, delivery_removed
from app.console.pages import PageTable, Visit, done, render
from app.console.words import ATTEMPT, delivery_state
from app.core.errors import ConflictError, NotFoundError
from app.core.ids import parse_delivery_id
from app.core.states import DeliveryState
from app.delivery.delivery_list import DeliveryRow
from app.delivery.history import AttemptView, get_delivery, was_removed
from app.delivery.redeliver import obstacle, redeliver
from app.security.permissions import Permission
from app.services import Services

_ONE = "webhooks/<webhook>/deliveries/<delivery>"
TABS = {"request": "Request", "response": "Response", "attempts": "Attempts", "event": "Event"}
_SHOWN_EVENT = 64 * 1024


def delivery_pages(services: Services) -> PageTable:
    """The delivery detail, its downloads and its redelivery."""
    table = PageTable()

    @table.get(_ONE, needs=Permission.DELIVERIES_READ)
    def show(visit: Visit, webhook: str, delivery: str) -> Any:
        return _shown(services, visit, webhook, delivery)

    @table.get(f"{_ONE}/redeliver", needs=Permission.DELIVERIES_SEND)
    def ask(visit: Visit, webhook: str, delivery: str) -> Any:
        return _shown(services, visit, webhook, delivery, asking=True)

    @table.post(f"{_ONE}/redeliver", needs=Permission.DELIVERIES_SEND)
    def again(visit: Visit, webhook: str, delivery: str) -> Any:
        _check(webhook, delivery)
        try:
            with services.store.write() as connection:
                partition = redeliver(connection, delivery, visit.scope, services.clock())
        except ConflictError as error:
            return _shown(services, visit, webhook, delivery, refused=str(error))
        services.doorbell.ring([partition])
        return done(visit.url("webhooks", webhook, "deliveries", delivery, tab="attempts"), "redelivered")

    @table.get(f"{_ONE}/download/<part>", needs=Permission.DELIVERIES_READ)
    def download(visit: Visit, webhook: str, delivery: str, part: str) -> Any:
        _check(webhook, delivery)
        row, attempts, _ = _found(services, visit, delivery)
        attempt = _chosen(attempts)
        if part == "event":
            body = orjson.dumps(services.events.get(visit.scope, row.event_id), option=orjson.OPT_INDENT_2)
        else:
            body = _bytes_of(attempt, part)
        answer = Response(body, mimetype="application/octet-stream")
        answer.headers["content-disposition"] = f'attachment; filename="{delivery}-{part}.{_suffix(body)}"'
        return answer

    return table


def _shown(
    services: Services, visit: Visit, webhook_id: str, delivery: str, *, asking: bool = False, refused: str = ""
) -> Any:
    _check(webhook_id, delivery)
    now = services.clock()
    row, attempts, why_not = _found(services, visit, delivery)
    webhook = services.webhooks.get(visit.scope, webhook_id)
    attempt = _chosen(attempts)
    tab, raw = request.args.get("tab", ""), "raw" in request.args
    tab = tab if tab in TABS else "request" if attempt else "event"
    removed = bytes_removed(attempt.started_at, services.settings, now, visit.here.zone) if attempt else ""
    return render(
        "delivery.html",
        visit,
        status=HTTPStatus.CONFLICT if refused else HTTPStatus.OK,
        row=row,
        delivery=delivery,
        webhook=webhook,
        state=delivery_state(row.state.label, row.attempt_count),
        was_delivered=row.state is DeliveryState.DELIVERED,
        attempts=attempts,
        timeline=list(timeline(attempts)),
        coming=coming(row, webhook, attempts, now),
        attempt=attempt,
        outcomes=ATTEMPT,
        exchange=shown_exchange(attempt.request, attempt.response, removed, raw=raw) if attempt else None,
        raw=raw,
        removed=removed,
        timings=_timings(attempt) if attempt else None,
        event=_event(services, visit, row.event_id) if tab == "event" else "",
        tab=tab,
        tabs=TABS,
        why_not=why_not,
        asking=asking,
        refused=refused,
    )


def _found(services: Services, visit: Visit, delivery: str) -> tuple[DeliveryRow, list[AttemptView], str | None]:
    """The delivery, its attempts, and why it cannot be redelivered now.

    Raises:
        NotFoundError: there is none in sight; its words tell whether there was one.
    """
    now = services.clock()
    with services.store.read() as connection:
        try:
            return *get_delivery(connection, delivery, visit.scope), obstacle(connection, delivery, visit.scope, now)
        except NotFoundError:
            if not was_removed(connection, delivery, visit.scope):
                raise
    raise NotFoundError(delivery_removed(services.settings, now, visit.here.zone))


def _bytes_of(attempt: AttemptView | None, part: str) -> bytes:
    """The exact body of one part of an attempt."""
    exchanged = {"request": attempt.request, "response": attempt.response}.get(part) if attempt else None
    if exchanged is None:
        raise NotFoundError("there is nothing to download")
    if exchanged.body is None:
        raise NotFoundError("removed by retention: only the receipt is left")
    return exchanged.body


def _chosen(attempts: list[AttemptView]) -> AttemptView | None:
    """The attempt that the address names, else the latest."""
    asked = request.args.get("n", "")
    named = [one for one in attempts if str(one.n) == asked]
    chosen = named or attempts[-1:]
    return chosen[0] if chosen else None


def _event(services: Services, visit: Visit, event_id: str) -> str:
    text = orjson.dumps(services.events.get(visit.scope, event_id), option=orjson.OPT_INDENT_2).decode()
    return text if len(text) <= _SHOWN_EVENT else text[:_SHOWN_EVENT] + "\n… cut here; download the whole event"


def _timings(attempt: AttemptView) -> Picture | None:
    """The phases after each other. What is stored counts from the start; 0 = the phase was not needed."""
    spans: list[tuple[str, str, int]] = []
    reached = 0
    ends = [attempt.timings.get(name, 0) for name in ("dns", "connect", "tls", "first_byte", "total")]
    for (tone, title), end in zip(PHASES, ends, strict=True):
        spans.append((tone, title, max(0, end - reached)))
        reached = max(reached, end)
    return timing_picture(spans, [milliseconds(span) for _, _, span in spans]) if reached else None


def _check(webhook_id: str, delivery: str) -> None:
    """A delivery stands below its own webhook only."""
    if parse_delivery_id(delivery)[0] != webhook_id:
        raise NotFoundError("no such delivery")


def _suffix(body: bytes) -> str:
    return "json" if body[:1] in {b"{", b"["} else "txt"
