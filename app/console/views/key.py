"""The page of one API key: its name and end, and the terms under which it sends."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from flask import Response, request
from pydantic import ValidationError
from werkzeug.datastructures import MultiDict

from app.console.forms import Errors, errors_of
from app.console.key_form import typed_end, typed_rate, typed_signature
from app.console.pages import At, PageTable, Visit, done, render
from app.console.words import SCHEMES, key_state
from app.core.clock import to_rfc3339
from app.core.errors import ConflictError, ForbiddenError, InvalidInputError
from app.routing.keys import KeyPatch
from app.security.inbound_signatures import Scheme
from app.security.permissions import Permission
from app.services import Services

_READ, _WRITE = Permission.KEYS_READ, Permission.KEYS_WRITE

_SCHEMES = [
    ("", "None: the key is enough"),
    *((one.value, f"{SCHEMES[one.value]} ({one.header})") for one in Scheme),
]


class _Key:
    """Draws the page."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def shown(
        self, visit: Visit, key_id: str, *, section: str = "", errors: Errors | None = None, secret: str | None = None
    ) -> Response:
        """The page; what was typed stays in the form of the ``section`` that has errors."""
        services = self._services
        key = services.keys.get(visit.scope, visit.here.organization_id, key_id)
        return render(
            "key.html",
            visit,
            status=HTTPStatus.UNPROCESSABLE_ENTITY if errors else HTTPStatus.OK,
            key=key,
            state=key_state(key, to_rfc3339(services.clock())),
            terms=services.key_terms.get(visit.scope, key_id),
            schemes=_SCHEMES,
            headers={one.value: one.header for one in Scheme},
            section=section,
            errors=errors or {},
            sent=request.form if errors else MultiDict[str, str](),
            secret=secret,
        )

    def tried(self, visit: Visit, key_id: str, section: str, act: Callable[[], dict[str, Any]]) -> Response:
        """What a form does; when the use case says no, the page with the reason beside the input."""
        try:
            saved = act()
        except (ValidationError, InvalidInputError, ConflictError, ForbiddenError) as error:
            return self.shown(visit, key_id, section=section, errors=_beside_its_input(errors_of(error)))
        if saved.get("secret"):
            return self.shown(visit, key_id, secret=saved["secret"])
        return done(visit.url("keys", key_id), "saved" if section == "name" else "terms")


def one_key_pages(services: Services) -> PageTable:
    """One API key."""
    table = PageTable()
    page, keys, terms = _Key(services), services.keys, services.key_terms

    @table.get("keys/<key>", needs=_READ, at=At.ORGANIZATION)
    def one_key(visit: Visit, key: str) -> Any:
        return page.shown(visit, key)

    @table.post("keys/<key>/name", needs=_WRITE, at=At.ORGANIZATION)
    def change_key(visit: Visit, key: str) -> Any:
        def act() -> dict[str, Any]:
            ends = typed_end(request.form, visit.here.zone)
            patch = KeyPatch.model_validate({"name": request.form.get("name", ""), "expires_at": ends})
            return keys.change(visit.caller, visit.here.organization_id, key, patch)

        return page.tried(visit, key, "name", act)

    @table.post("keys/<key>/rate", needs=_WRITE, at=At.ORGANIZATION)
    def limit_key(visit: Visit, key: str) -> Any:
        return page.tried(
            visit, key, "rate", lambda: terms.limit(visit.scope, key, typed_rate(request.form), visit.author)
        )

    @table.post("keys/<key>/signature", needs=_WRITE, at=At.ORGANIZATION)
    def sign_key(visit: Visit, key: str) -> Any:
        return page.tried(
            visit, key, "signature", lambda: terms.sign(visit.scope, key, typed_signature(request.form), visit.author)
        )

    return table


def _beside_its_input(errors: Errors) -> Errors:
    """The errors by the names of the page's inputs: it has one for a secret, where the API takes a list."""
    return {"secret" if field == "signature.secrets" else field: words for field, words in errors.items()}
