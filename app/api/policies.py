"""``/v1/organizations/{organization}/change-windows`` and ``…/sensitivity-rules``, and trials of settings."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from pydantic import BaseModel, ConfigDict

from app.api.routing import Call, RouteTable
from app.routing.change_windows import CHANGE_WINDOWS, ChangeWindowInput, WindowTrial
from app.routing.policy_service import PolicyService
from app.routing.sensitivity_rules import SENSITIVITY_RULES, SensitivityRuleInput
from app.routing.trials import FilterTrial, WebhookTrial
from app.routing.window_export import Format
from app.routing.window_import import WindowFile
from app.security.permissions import Permission
from app.services import Services

_READ = Permission.POLICIES_READ
_WRITE = Permission.POLICIES_WRITE
_WINDOWS = "/v1/organizations/<organization>/change-windows"
_RULES = "/v1/organizations/<organization>/sensitivity-rules"


class ExportQuery(BaseModel):
    """In which form windows are written."""

    model_config = ConfigDict(extra="forbid")
    format: Format = "alertmanager"


def policy_routes(services: Services) -> RouteTable:
    """Routes of change windows and sensitivity rules."""
    table = RouteTable()
    _crud(table, services.change_windows, _WINDOWS, CHANGE_WINDOWS.word, ChangeWindowInput)

    @table.add(
        "POST",
        f"{_WINDOWS}/import",
        access=_WRITE,
        summary="Make change windows of an Alertmanager file or a calendar",
        status=HTTPStatus.CREATED,
        body=WindowFile,
    )
    def take_file(call: Call, organization: str) -> dict[str, Any]:
        return services.window_import.take(call.scope, organization, call.body, call.author)

    @table.add(
        "POST",
        f"{_WINDOWS}/import/preview",
        access=_READ,
        summary="What an import would store, and what it would refuse",
        body=WindowFile,
    )
    def preview_file(call: Call, organization: str) -> dict[str, Any]:
        return services.window_import.preview(call.scope, organization, call.body)

    @table.add(
        "GET",
        f"{_WINDOWS}/export",
        access=_READ,
        summary="Write the change windows to a file; the answer is what an import takes",
        query=ExportQuery,
    )
    def export_file(call: Call, organization: str) -> dict[str, Any]:
        wanted = call.query.format
        return {"format": wanted, "text": services.window_export.text(call.scope, organization, wanted)}

    _crud(table, services.sensitivity_rules, _RULES, SENSITIVITY_RULES.word, SensitivityRuleInput)
    return table


def trial_routes(services: Services) -> RouteTable:
    """Routes that change nothing and show what settings would do."""
    table = RouteTable()
    windows, trials = services.window_trials, services.trials

    @table.add(
        "POST", f"{_WINDOWS}/test", access=_READ, summary="Hold an event against the change windows", body=WindowTrial
    )
    def try_windows(call: Call, organization: str) -> dict[str, Any]:
        return windows.judge(call.scope, organization, call.body)

    @table.add(
        "POST",
        f"{_WINDOWS}/preview",
        access=_READ,
        summary="The next openings of an unsaved change window",
        body=ChangeWindowInput,
    )
    def preview(call: Call, organization: str) -> dict[str, Any]:
        return {"openings": windows.preview(call.scope, organization, call.body)}

    @table.add("GET", f"{_WINDOWS}/<row>/openings", access=_READ, summary="The next openings of a change window")
    def openings(call: Call, organization: str, row: str) -> dict[str, Any]:
        return {"openings": windows.openings(call.scope, organization, row)}

    @table.add(
        "POST",
        "/v1/filters/test",
        access=Permission.EVENTS_READ,
        summary="Try a filter on recent events",
        body=FilterTrial,
    )
    def try_filter(call: Call) -> dict[str, Any]:
        return trials.filter(call.scope, call.body)

    @table.add(
        "POST",
        "/v1/webhooks/<webhook>/explain",
        access=Permission.EVENTS_READ,
        summary="What a webhook would have got of recent events",
        body=WebhookTrial,
    )
    def try_webhook(call: Call, webhook: str) -> dict[str, Any]:
        return trials.webhook(call.scope, webhook, call.body)

    return table


def _crud(table: RouteTable, service: PolicyService, path: str, word: str, body: type[BaseModel]) -> None:
    one = f"{path}/<row>"

    @table.add("GET", path, access=_READ, summary=f"List {word}s")
    def all_rows(call: Call, organization: str) -> dict[str, Any]:
        return {"items": service.all(call.scope, organization), "next": None}

    @table.add("POST", path, access=_WRITE, summary=f"Create a {word}", status=HTTPStatus.CREATED, body=body)
    def create(call: Call, organization: str) -> dict[str, Any]:
        return service.create(call.scope, organization, call.body, call.author)

    @table.add("GET", one, access=_READ, summary=f"Show a {word}")
    def get(call: Call, organization: str, row: str) -> dict[str, Any]:
        return service.get(call.scope, organization, row)

    @table.add("PUT", one, access=_WRITE, summary=f"Replace a {word}", body=body)
    def replace(call: Call, organization: str, row: str) -> dict[str, Any]:
        return service.replace(call.scope, organization, row, call.body, call.author)

    @table.add("DELETE", one, access=_WRITE, summary=f"Delete a {word}", status=HTTPStatus.NO_CONTENT)
    def delete(call: Call, organization: str, row: str) -> None:
        service.delete(call.scope, organization, row, call.author)
