"""The webhook detail view: sections with a save each, a test, the secrets, and what to do with the webhook."""

from __future__ import annotations

import secrets
from typing import Any

from flask import request

from app.console.durations import read_duration
from app.console.exchanges import shown_exchange
from app.console.pages import PageTable, Visit, done, render
from app.console.sink_form import read_form
from app.console.webhook_forms import READERS
from app.console.webhook_page import Detail
from app.core.errors import ConflictError, NotFoundError
from app.delivery.test_send import send_test
from app.routing.trials import WebhookTrial
from app.routing.webhook_input import Resumption, Rotation, WebhookPatch
from app.security.permissions import Permission
from app.services import Services
from app.sinks.settings import sink_schema

_READ, _WRITE = Permission.WEBHOOKS_READ, Permission.WEBHOOKS_WRITE
_ONE = "webhooks/<webhook>"


def webhook_pages(services: Services) -> PageTable:
    """The detail view, and the save of each section."""
    table = PageTable()
    detail = Detail(services)

    @table.get(_ONE, needs=_READ)
    def show(visit: Visit, webhook: str) -> Any:
        return detail.shown(visit, webhook)

    @table.post(f"{_ONE}/save/<section>", needs=_WRITE)
    def save(visit: Visit, webhook: str, section: str) -> Any:
        if section not in READERS:
            raise NotFoundError("no such section")

        def act() -> Any:
            patch = WebhookPatch.model_validate(READERS[section](request.form))
            return _saved(services, visit, webhook, section, patch)

        return detail.tried(visit, webhook, section, act)

    @table.post(f"{_ONE}/save/sink", needs=_WRITE)
    def save_sink(visit: Visit, webhook: str) -> Any:
        def act() -> Any:
            return _saved(services, visit, webhook, "sink", _sink_patch(services, visit, webhook))

        return detail.tried(visit, webhook, "sink", act)

    return table


def webhook_trial_pages(services: Services) -> PageTable:
    """Trying before saving: where an address leads, what a filter lets through, what a receiver answers."""
    table = PageTable()
    detail = Detail(services)

    @table.post(f"{_ONE}/check", needs=_WRITE)
    def check(visit: Visit, webhook: str) -> Any:
        def act() -> Any:
            verdict = services.egress.dry_run(READERS["endpoint"](request.form)["endpoint_url"])
            return detail.shown(visit, webhook, section="endpoint", verdict=verdict)

        return detail.tried(visit, webhook, "endpoint", act)

    @table.post(f"{_ONE}/try", needs=_READ)
    def try_out(visit: Visit, webhook: str) -> Any:
        def act() -> Any:
            trial = WebhookTrial.model_validate(READERS["conditions"](request.form))
            found = services.trials.webhook(visit.scope, webhook, trial)
            return detail.shown(visit, webhook, section="conditions", trial=found)

        return detail.tried(visit, webhook, "conditions", act)

    @table.post(f"{_ONE}/test", needs=Permission.DELIVERIES_SEND)
    def test(visit: Visit, webhook: str) -> Any:
        def act() -> Any:
            clock, random_bytes = services.clock, secrets.token_bytes
            store, runtimes, egress = services.store, services.runtimes, services.egress
            sent = send_test(store, runtimes, egress, webhook, visit.scope, clock=clock, random_bytes=random_bytes)
            return detail.shown(visit, webhook, test=(sent, shown_exchange(sent.request, sent.response)))

        return detail.tried(visit, webhook, "test", act)

    return table


def secret_pages(services: Services) -> PageTable:
    """The signing secret."""
    table = PageTable()
    detail = Detail(services)

    @table.post(f"{_ONE}/secret/reveal", needs=Permission.WEBHOOK_SECRETS_READ)
    def reveal(visit: Visit, webhook: str) -> Any:
        found = services.webhooks.secret(visit.scope, webhook)
        return detail.shown(visit, webhook, secret={**found, "is_new": False})

    @table.post(f"{_ONE}/secret/rotate", needs=_WRITE)
    def rotate(visit: Visit, webhook: str) -> Any:
        def act() -> Any:
            rotation = Rotation(overlap_s=read_duration(request.form.get("overlap_s", "1d"), "overlap_s"))
            again = "again" in request.form
            made = services.webhooks.rotate(visit.scope, webhook, rotation, visit.author, again=again)
            return detail.shown(visit, webhook, secret={**made, "is_new": True, "previous": None})

        return detail.tried(visit, webhook, "secret", act)

    @table.post(f"{_ONE}/secret/revoke", needs=_WRITE)
    def revoke(visit: Visit, webhook: str) -> Any:
        services.webhooks.revoke_previous(visit.scope, webhook, visit.author)
        return done(visit.url("webhooks", webhook) + "#secret", "revoked")

    return table


def webhook_action_pages(services: Services) -> PageTable:
    """Pausing, resuming, switching on and off, deleting."""
    table = PageTable()

    @table.post(f"{_ONE}/pause", needs=_WRITE)
    def pause(visit: Visit, webhook: str) -> Any:
        services.webhooks.pause(visit.scope, webhook, visit.author)
        return done(visit.url("webhooks", webhook), "paused")

    @table.post(f"{_ONE}/resume", needs=_WRITE)
    def resume(visit: Visit, webhook: str) -> Any:
        probe = "probe" in request.form
        services.webhooks.resume(visit.scope, webhook, Resumption(probe=probe), visit.author)
        return done(visit.url("webhooks", webhook), "probing" if probe else "resumed")

    @table.post(f"{_ONE}/disable", needs=_WRITE)
    def disable(visit: Visit, webhook: str) -> Any:
        services.webhooks.patch(visit.scope, webhook, WebhookPatch(enabled=False), visit.author)
        return done(visit.url("webhooks", webhook), "disabled")

    @table.get(f"{_ONE}/delete", needs=_WRITE)
    def ask(visit: Visit, webhook: str) -> Any:
        return render("webhook_delete.html", visit, webhook=services.webhooks.get(visit.scope, webhook))

    @table.post(f"{_ONE}/delete", needs=_WRITE)
    def delete(visit: Visit, webhook: str) -> Any:
        services.webhooks.delete(visit.scope, webhook, visit.author)
        return done(visit.url("webhooks"), "deleted")

    return table


def _saved(services: Services, visit: Visit, webhook_id: str, section: str, patch: WebhookPatch) -> Any:
    before = services.webhooks.get(visit.scope, webhook_id)
    after = services.webhooks.patch(visit.scope, webhook_id, patch, visit.author)
    said, place = _next_step(before, after, section)
    if patch.endpoint_url and said != "origin-changed" and not services.egress.dry_run(patch.endpoint_url):
        said, place = "no-address", "#endpoint"
    return done(visit.url("webhooks", webhook_id) + place, said)


def _next_step(before: dict[str, Any], after: dict[str, Any], section: str) -> tuple[str, str]:
    """What the page says after a save, and where on it the visitor goes on."""
    if (
        section == "endpoint"
        and (before["headers"] or before["secrets"])
        and not (after["headers"] or after["secrets"])
    ):
        return "origin-changed", "#endpoint"
    if before["state"] != after["state"] == "enabled":
        return "begun", ""
    if after["state"] == "needs_endpoint" and section == "endpoint":
        return "sink-next", "#sink"
    if after["state"] == "needs_endpoint" and section == "sink":
        return "endpoint-next", "#endpoint"
    return "saved", f"#{section}"


def _sink_patch(services: Services, visit: Visit, webhook_id: str) -> WebhookPatch:
    """A sink and its settings in one change: another sink's settings would not fit this one."""
    webhook = services.webhooks.get(visit.scope, webhook_id)
    name = request.form.get("sink", "")
    sink = services.sinks.get(name)
    if sink is None:
        raise ConflictError(f"sink {name!r} is not installed or failed to load")
    stored = webhook["secrets"] if name == webhook["sink"] else {}
    return WebhookPatch.model_validate({"sink": name, **read_form(sink_schema(sink), stored, request.form)})
