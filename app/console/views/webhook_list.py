"""The list of webhooks, and creating one."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from flask import request
from pydantic import ValidationError

from app.console.drawing import result_bars
from app.console.forms import Errors, errors_of
from app.console.next_retry import next_retry
from app.console.pages import PageTable, Visit, done, render
from app.console.words import TYPES, webhook_state
from app.core.errors import InvalidInputError
from app.core.whole_numbers import whole_number
from app.delivery.results import Results, results_of
from app.delivery.under_way import Moments, moments_of
from app.routing.webhook_input import NewWebhook
from app.routing.webhooks import Reach
from app.security.permissions import Permission
from app.services import Services

_SHOWN = 50


def webhook_list_pages(services: Services) -> PageTable:
    """Lists and the form that creates."""
    table = PageTable()

    @table.get("webhooks", needs=Permission.WEBHOOKS_READ)
    def webhooks(visit: Visit) -> Any:
        place = visit.here
        own = Reach.ORGANIZATION if place.context_id is None else Reach.ALL
        after = whole_number(request.args.get("after", "")) or 0
        found = _page(services, visit, own, after)
        inherited = others = None
        if place.context_id is None:
            others = _page(services, visit, Reach.CONTEXTS, 0)
        elif visit.may_above(Permission.WEBHOOKS_READ):
            inherited = _page(services, visit, Reach.ORGANIZATION, 0)
        return render(
            "webhooks.html",
            visit,
            found=found,
            others=others,
            inherited=inherited,
            next_url=visit.url("webhooks", after=found["next"]) if found["next"] else None,
            first_url=visit.url("webhooks") if after else None,
        )

    @table.get("webhooks/new", needs=Permission.WEBHOOKS_WRITE)
    def new(visit: Visit) -> Any:
        return _form(visit, {})

    @table.post("webhooks/new", needs=Permission.WEBHOOKS_WRITE)
    def create(visit: Visit) -> Any:
        asked = {name: request.form.get(name, "") for name in ("type", "name")}
        where = {"organization_id": visit.here.organization_id, "context_id": visit.here.context_id}
        try:
            made = services.webhooks.create(visit.scope, NewWebhook.model_validate(asked | where), visit.author)
        except (ValidationError, InvalidInputError) as error:
            return _form(visit, errors_of(error))
        return done(visit.url("webhooks", made["id"]), "created")

    return table


def _form(visit: Visit, errors: Errors) -> Any:
    status = HTTPStatus.UNPROCESSABLE_ENTITY if errors else HTTPStatus.OK
    return render("webhook_new.html", visit, status=status, errors=errors, sent=request.form, types=TYPES)


def _page(services: Services, visit: Visit, reach: Reach, after: int) -> dict[str, Any]:
    """Webhooks as rows of a list."""
    place = visit.here
    context_id = None if reach is not Reach.ALL else place.context_id
    scope = visit.scope if reach is Reach.ALL else type(visit.scope)(place.organization_id)
    page = services.webhooks.page(
        scope,
        after=after,
        limit=_SHOWN,
        organization_id=place.organization_id,
        context_id=context_id,
        reach=reach,
    )
    ids = [one["id"] for one in page.items]
    with services.store.read() as connection:
        results = results_of(connection, place.organization_id, ids, services.clock())
        moments = moments_of(connection, place.organization_id, ids)
    return {"items": [_row(one, results[one["id"]], moments[one["id"]]) for one in page.items], "next": page.next}


def _row(webhook: dict[str, Any], results: Results, moments: Moments) -> dict[str, Any]:
    whole = results.whole
    types = webhook["event_types"]
    return {
        "id": webhook["id"],
        "name": webhook["name"],
        "context_id": webhook["context_id"],
        "type": TYPES[webhook["type"]],
        "host": urlsplit(webhook["endpoint_url"] or "").netloc,
        "events": "All" if types == ["*"] else types[0] if len(types) == 1 else f"{len(types)} event types",
        "state": webhook_state(webhook),
        "picture": result_bars(results, webhook["name"]),
        "ended": whole.delivered + whole.failed,
        "delivered": whole.delivered,
        "last": moments.last_attempt_at,
        "next": next_retry(webhook, moments),
    }
