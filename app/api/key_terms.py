"""``/v1/keys/{key}/terms``: how much a key may send, and how its requests must be signed."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from app.api.routing import Call, RouteTable
from app.routing.key_terms_input import NewTerms
from app.security.key_terms import NO_TERMS
from app.security.permissions import Permission
from app.services import Services

_TERMS = "/v1/keys/<key>/terms"


def key_terms_routes(services: Services) -> RouteTable:
    """Routes of the terms of keys."""
    table = RouteTable()
    terms = services.key_terms

    @table.add("GET", _TERMS, access=Permission.KEYS_WRITE, summary="Show the terms under which a key sends")
    def get(call: Call, key: str) -> dict[str, Any]:
        return terms.get(call.scope, key)

    @table.add("PUT", _TERMS, access=Permission.KEYS_WRITE, summary="Limit a key, demand signatures", body=NewTerms)
    def put(call: Call, key: str) -> dict[str, Any]:
        wanted: NewTerms = call.body
        return terms.put(call.scope, key, wanted.terms(), call.author)

    @table.add(
        "DELETE",
        _TERMS,
        access=Permission.KEYS_WRITE,
        summary="Take limit and signature away",
        status=HTTPStatus.NO_CONTENT,
    )
    def delete(call: Call, key: str) -> None:
        terms.put(call.scope, key, NO_TERMS, call.author)

    return table
