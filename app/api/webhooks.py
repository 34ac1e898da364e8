"""``/v1/webhooks``."""

from __future__ import annotations

import secrets
from http import HTTPStatus
from typing import Any

from app.api.exchange_view import got_response, sent_request
from app.api.paging import PageQuery, page
from app.api.routing import Call, RouteTable
from app.delivery.test_send import send_test
from app.routing.webhook_input import NewWebhook, Resumption, Rotation, WebhookPatch
from app.security.permissions import Permission
from app.services import Services

_ONE = "/v1/webhooks/<webhook>"
_READ = Permission.WEBHOOKS_READ
_WRITE = Permission.WEBHOOKS_WRITE


class WebhookQuery(PageQuery):
    """Which webhooks to list."""

    organization_id: str | None = None
    context_id: str | None = None


def webhook_routes(services: Services) -> RouteTable:
    """Routes that configure webhooks."""
    table = RouteTable()
    webhooks = services.webhooks

    @table.add(
        "POST",
        "/v1/webhooks",
        access=_WRITE,
        summary="Create a webhook from a type and a name",
        status=HTTPStatus.CREATED,
        body=NewWebhook,
    )
    def create(call: Call) -> dict[str, Any]:
        return webhooks.create(call.scope, call.body, call.author)

    @table.add("GET", "/v1/webhooks", access=_READ, summary="List webhooks", query=WebhookQuery)
    def list_all(call: Call) -> dict[str, Any]:
        query = call.query
        found = webhooks.page(
            call.scope,
            after=query.number_after or 0,
            limit=query.limit,
            organization_id=query.organization_id,
            context_id=query.context_id,
        )
        return page(found.items, found.next)

    @table.add("GET", _ONE, access=_READ, summary="Show a webhook")
    def get(call: Call, webhook: str) -> dict[str, Any]:
        return webhooks.get(call.scope, webhook)

    @table.add("PATCH", _ONE, access=_WRITE, summary="Change a webhook", body=WebhookPatch)
    def patch(call: Call, webhook: str) -> dict[str, Any]:
        return webhooks.patch(call.scope, webhook, call.body, call.author)

    @table.add("DELETE", _ONE, access=_WRITE, summary="Delete a webhook", status=HTTPStatus.NO_CONTENT)
    def delete(call: Call, webhook: str) -> None:
        webhooks.delete(call.scope, webhook, call.author)

    return table


def webhook_action_routes(services: Services) -> RouteTable:
    """Routes that act on one webhook."""
    table = RouteTable()
    webhooks = services.webhooks

    @table.add("POST", f"{_ONE}/pause", access=_WRITE, summary="Keep deliveries back")
    def pause(call: Call, webhook: str) -> dict[str, Any]:
        return webhooks.pause(call.scope, webhook, call.author)

    @table.add("POST", f"{_ONE}/resume", access=_WRITE, summary="Deliver again, what was kept first", body=Resumption)
    def resume(call: Call, webhook: str) -> dict[str, Any]:
        return webhooks.resume(call.scope, webhook, call.body, call.author)

    @table.add("GET", f"{_ONE}/secret", access=Permission.WEBHOOK_SECRETS_READ, summary="Show the signing secret")
    def secret(call: Call, webhook: str) -> dict[str, Any]:
        return webhooks.secret(call.scope, webhook)

    @table.add("POST", f"{_ONE}/secret/rotate", access=_WRITE, summary="Rotate the signing secret", body=Rotation)
    def rotate(call: Call, webhook: str) -> dict[str, Any]:
        return webhooks.rotate(call.scope, webhook, call.body, call.author)

    @table.add("POST", f"{_ONE}/test", access=Permission.DELIVERIES_SEND, summary="Send a test event the normal way")
    def test(call: Call, webhook: str) -> dict[str, Any]:
        result = send_test(
            services.store,
            services.runtimes,
            services.egress,
            webhook,
            call.scope,
            clock=services.clock,
            random_bytes=secrets.token_bytes,
        )
        return {
            "verdict": result.verdict,
            "reason": result.reason,
            "duration_ms": result.duration_us / 1000,
            "request": sent_request(result.request),
            "response": got_response(result.response),
        }

    return table
