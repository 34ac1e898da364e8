"""API keys of an organization: the list, making one, ending one."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from flask import request
from pydantic import ValidationError

from app.console.choices import context_choices
from app.console.forms import Errors, errors_of
from app.console.key_form import typed_end
from app.console.pages import At, PageTable, Visit, done, render
from app.console.words import key_state
from app.core.clock import to_rfc3339
from app.core.errors import ConflictError, ForbiddenError, InvalidInputError, NoContextError
from app.routing.keys import NewKey
from app.security.permissions import Permission
from app.services import Services

_SHOWN = 100
_READ, _WRITE = Permission.KEYS_READ, Permission.KEYS_WRITE
ROLES = (
    ("ingest", "Ingest: sends events, reads nothing"),
    ("read", "Read: sees everything but secrets"),
    ("write", "Write: also changes webhooks and sends again"),
    ("admin", "Admin: also makes keys and members"),
)
_Refusals = (ValidationError, InvalidInputError, ConflictError, ForbiddenError, NoContextError)


def key_pages(services: Services) -> PageTable:
    """The API keys, and making one."""
    table = PageTable()
    keys = services.keys

    def shown(visit: Visit, errors: Errors, made: dict[str, Any] | None = None) -> Any:
        after, now = request.args.get("after", ""), to_rfc3339(services.clock())
        found, following = keys.page(visit.scope, visit.here.organization_id, after=after, limit=_SHOWN)
        terms = services.key_terms.outlines(visit.scope, [one["id"] for one in found])
        return render(
            "keys.html",
            visit,
            status=HTTPStatus.UNPROCESSABLE_ENTITY if errors else HTTPStatus.OK,
            keys=[one | {"shown": key_state(one, now), "terms": terms.get(one["id"])} for one in found],
            roles=ROLES,
            contexts=context_choices(services, visit, request.form.get("context_id", "")),
            errors=errors,
            typed=request.form,
            made=made,
            next_url=visit.url("keys", after=following) if following else "",
        )

    @table.get("keys", needs=_READ, at=At.ORGANIZATION)
    def list_keys(visit: Visit) -> Any:
        return shown(visit, {})

    @table.post("keys", needs=_WRITE, at=At.ORGANIZATION)
    def make_key(visit: Visit) -> Any:
        asked = {name: request.form.get(name, "") for name in ("name", "role")}
        try:
            asked_at = {
                "context_id": request.form.get("context_id") or None,
                "expires_at": typed_end(request.form, visit.here.zone),
            }
            made = keys.create(visit.caller, visit.here.organization_id, NewKey.model_validate(asked | asked_at))
        except _Refusals as error:
            return shown(visit, errors_of(error))
        return shown(visit, {}, made)

    @table.post("keys/<key>/revoke", needs=_WRITE, at=At.ORGANIZATION)
    def revoke(visit: Visit, key: str) -> Any:
        try:
            keys.revoke(visit.caller, visit.here.organization_id, key)
        except _Refusals as error:
            return shown(visit, errors_of(error))
        return done(visit.url("keys"), "key-revoked")

    return table
