"""The webhook detail view: all that it shows, as it is or with what was wrong with a form."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from flask import Response, request
from pydantic import ValidationError
from werkzeug.datastructures import MultiDict

from app.console.delivery_rows import delivery_rows
from app.console.drawing import PERIODS, result_bars, shown_wait, wait_bars
from app.console.durations import shown_duration, shown_durations
from app.console.forms import Errors, errors_of
from app.console.next_retry import next_retry
from app.console.pages import Visit, render
from app.console.place import service_title
from app.console.sink_form import form_of
from app.console.sizes import shown_size
from app.console.words import TYPES, webhook_state
from app.core.clock import to_rfc3339
from app.core.errors import ConflictError, InvalidInputError
from app.delivery.delivery_list import list_deliveries
from app.delivery.results import Period, Waits, results_of, waits_of
from app.delivery.under_way import moments_of, under_way
from app.routing.webhook_event_types import EVERY_TYPE
from app.security.scope import Scope
from app.services import Services
from app.sinks.settings import sink_schema

_CONTEXTS = 200
_LATEST = 8
_SPANS = {"24h": Period.DAY, "7d": Period.WEEK}
FIRST_SINK = "webhook"
"""What a webhook that has no sink yet is offered: it fits most receivers."""


class Detail:
    """Draws the page."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def shown(
        self, visit: Visit, webhook_id: str, *, section: str = "", errors: Errors | None = None, **found: Any
    ) -> Response:
        """The page.

        Args:
            visit: who looks, and where.
            webhook_id: at what.
            section: of the form that was sent, whose inputs keep what was typed.
            errors: what was wrong with it.
            found: what a form found out: ``verdict``, ``trial``, ``test`` or ``secret``.
        """
        webhook = self._services.webhooks.get(visit.scope, webhook_id)
        sent = request.form if section else MultiDict[str, str]()
        given = {"verdict": None, "trial": None, "test": None, "secret": None, **found}
        return render(
            "webhook.html",
            visit,
            status=HTTPStatus.UNPROCESSABLE_ENTITY if errors else HTTPStatus.OK,
            webhook=webhook,
            section=section,
            errors=errors or {},
            sent=sent,
            **self._values(visit, webhook, sent),
            **given,
        )

    def tried(self, visit: Visit, webhook_id: str, section: str, act: Callable[[], Response]) -> Response:
        """What a form does; when the use case says no, the page with the reason beside the field."""
        try:
            return act()
        except (ValidationError, InvalidInputError, ConflictError) as error:
            return self.shown(visit, webhook_id, section=section, errors=errors_of(error))

    def _values(self, visit: Visit, webhook: dict[str, Any], sent: MultiDict[str, str]) -> dict[str, Any]:
        """By the names of the template."""
        services = self._services
        now, period = services.clock(), _SPANS.get(request.args.get("span", ""), Period.DAY)
        organization, own = webhook["organization_id"], webhook["id"]
        with services.store.read() as connection:
            results = results_of(connection, organization, [own], now, period)[own]
            waits = waits_of(connection, organization, own, now, period)
            waiting = under_way(connection, organization, [own])[own]
            moments = moments_of(connection, organization, [own])[own]
            rows = list_deliveries(connection, webhook["id"], visit.scope, limit=_LATEST).rows
            latest = delivery_rows(connection, rows, visit)
        until = webhook["signing_secret"]["previous_until"]
        return {
            "state": webhook_state(webhook),
            "type_title": TYPES[webhook["type"]],
            "moments": moments,
            "next_retry": next_retry(webhook, moments),
            "latest": latest,
            "results": results,
            "waiting": waiting,
            "spans": [(span, PERIODS[one], one is period) for span, one in _SPANS.items()],
            "picture": result_bars(results, webhook["name"]),
            "waits": _waits(waits, webhook["name"]),
            "sinks": [(name, sink.info.title) for name in services.sinks.names() if (sink := services.sinks.get(name))],
            **self._sink(webhook, sent),
            **self._events(visit, webhook),
            "retry_waits": shown_durations(webhook["retry"]["schedule_s"]),
            "batch_age": shown_duration(webhook["batch"]["max_age_s"]),
            "batch_size": shown_size(webhook["batch"]["max_bytes"]),
            "overlap_until": until if until and until > to_rfc3339(now) else None,
        }

    def _sink(self, webhook: dict[str, Any], sent: MultiDict[str, str]) -> dict[str, Any]:
        """The sink and its form: the stored one, or another that was chosen and is not saved yet."""
        name = sent.get("sink") or request.args.get("sink") or webhook["sink"] or FIRST_SINK
        sink = self._services.sinks.get(name)
        if sink is None:
            return {"sink": None, "is_new_sink": False, "groups": []}
        same = name == webhook["sink"]
        config, stored = (webhook["config"], webhook["secrets"]) if same else ({}, {})
        form = sent if "sink" in sent else MultiDict[str, str]()
        return {"sink": sink.info, "is_new_sink": not same, "groups": form_of(sink_schema(sink), config, stored, form)}

    def _events(self, visit: Visit, webhook: dict[str, Any]) -> dict[str, Any]:
        """The catalogue by service, and the contexts that an organization's webhook may listen to."""
        place = visit.here
        chosen = set(webhook["event_types"])
        catalogue = self._services.catalogue.by_service(Scope(place.organization_id))
        listed = {one["id"] for group in catalogue for one in group["event_types"]}
        own = None if webhook["context_id"] is None else (place.service or "entrypoint")
        groups = [
            {
                "title": service_title(group["service"]),
                "types": [one for one in group["event_types"] if one["deliverable"]],
                "never": [one for one in group["event_types"] if not one["deliverable"]],
            }
            for group in catalogue
            if own in {None, group["service"]}
        ]
        contexts: list[dict[str, Any]] = []
        if webhook["context_id"] is None:
            scope = Scope(place.organization_id)
            contexts, _ = self._services.places.contexts(scope, place.organization_id, limit=_CONTEXTS)
        return {
            "catalogue": groups,
            "every": EVERY_TYPE in chosen,
            "chosen": chosen,
            "more_types": "\n".join(sorted(chosen - listed - {EVERY_TYPE})),
            "contexts": contexts,
        }


def _waits(waits: Waits, name: str) -> dict[str, Any] | None:
    """The picture of how long requests took, None before the first."""
    if not waits.total:
        return None
    half, most = shown_wait(waits.within(0.5)), shown_wait(waits.within(0.95))
    return {"picture": wait_bars(waits, name), "half": half, "most": most}
