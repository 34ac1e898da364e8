"""Sensitivity rules: what an organization itself holds for sensitive."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import orjson
from flask import request
from pydantic import ValidationError

from app.console.forms import Errors, errors_of
from app.console.json_text import indented
from app.console.pages import At, PageTable, Visit, done, render
from app.console.words import SENSITIVITY
from app.core.errors import ConflictError, InvalidInputError
from app.core.whole_numbers import whole_number
from app.routing.sensitivity_rules import SensitivityRuleInput
from app.security.permissions import Permission
from app.services import Services

_EXAMPLE = {"changes.path": [{"prefix": "radius.clients"}]}


def sensitivity_rule_pages(services: Services) -> PageTable:
    """Pages of the organization's own rules."""
    table = PageTable()
    rules = services.sensitivity_rules

    @table.get("sensitivity-rules", needs=Permission.POLICIES_READ, at=At.ORGANIZATION)
    def sensitivity_rules(visit: Visit) -> Any:
        found = rules.all(visit.scope, visit.here.organization_id)
        rows = [one | {"shown": SENSITIVITY.get(one["sensitivity"])} for one in found]
        return render("sensitivity_rules.html", visit, rows=rows)

    @table.get("sensitivity-rules/new", needs=Permission.POLICIES_WRITE, at=At.ORGANIZATION)
    def new_rule(visit: Visit) -> Any:
        return _form(visit, None, {"position": 100, "pattern": indented(_EXAMPLE)}, {})

    @table.post("sensitivity-rules/new", needs=Permission.POLICIES_WRITE, at=At.ORGANIZATION)
    def create_rule(visit: Visit) -> Any:
        return _save(services, visit, None)

    @table.get("sensitivity-rules/<rule>", needs=Permission.POLICIES_READ, at=At.ORGANIZATION)
    def sensitivity_rule(visit: Visit, rule: str) -> Any:
        stored = rules.get(visit.scope, visit.here.organization_id, rule)
        typed = stored | {"pattern": indented(stored["pattern"]), "tags": ", ".join(stored["tags"])}
        return _form(visit, stored, typed, {})

    @table.post("sensitivity-rules/<rule>", needs=Permission.POLICIES_WRITE, at=At.ORGANIZATION)
    def replace_rule(visit: Visit, rule: str) -> Any:
        return _save(services, visit, rules.get(visit.scope, visit.here.organization_id, rule))

    @table.post("sensitivity-rules/<rule>/delete", needs=Permission.POLICIES_WRITE, at=At.ORGANIZATION)
    def delete_rule(visit: Visit, rule: str) -> Any:
        rules.delete(visit.scope, visit.here.organization_id, rule, visit.author)
        return done(visit.url("sensitivity-rules"), "removed")

    return table


def _typed_rule() -> dict[str, Any]:
    form = request.form
    try:
        pattern = orjson.loads(form.get("pattern", ""))
    except orjson.JSONDecodeError:
        raise InvalidInputError("write the pattern as JSON", field="pattern") from None
    position = form.get("position", "").strip()
    number = whole_number(position)
    return {
        "name": form.get("name", ""),
        "position": position if number is None else number,
        "pattern": pattern,
        "sensitivity": whole_number(form.get("sensitivity", "")),
        "tags": [tag for tag in form.get("tags", "").replace(",", " ").split() if tag],
    }


def _save(services: Services, visit: Visit, stored: dict[str, Any] | None) -> Any:
    rules, organization = services.sensitivity_rules, visit.here.organization_id
    try:
        wanted = SensitivityRuleInput.model_validate(_typed_rule())
        if stored is None:
            rules.create(visit.scope, organization, wanted, visit.author)
        else:
            rules.replace(visit.scope, organization, stored["id"], wanted, visit.author)
    except (ValidationError, InvalidInputError, ConflictError) as error:
        return _form(visit, stored, request.form.to_dict(), errors_of(error))
    return done(visit.url("sensitivity-rules"), "saved")


def _form(visit: Visit, stored: dict[str, Any] | None, typed: dict[str, Any], errors: Errors) -> Any:
    status = HTTPStatus.UNPROCESSABLE_ENTITY if errors else HTTPStatus.OK
    choices = [("", "As the built-in rules say"), *((each, shown.word) for each, shown in SENSITIVITY.items())]
    return render(
        "sensitivity_rule.html", visit, status=status, stored=stored, typed=typed, errors=errors, choices=choices
    )
