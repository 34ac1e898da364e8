"""``/v1/keys/{key}/terms``: how much a key may send, and how its requests must be signed."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from app.api.routing import Call, RouteTable
from app.core.header_rules import is_token
from app.security.inbound_signatures import MAX_SECRET_CHARACTERS, MAX_SECRETS, Scheme, SignatureRule
from app.security.key_terms import NO_TERMS, KeyTerms
from app.security.permissions import Permission
from app.services import Services

_TERMS = "/v1/keys/<key>/terms"
_MAX_RATE = 1_000_000
_Secret = Annotated[SecretStr, Field(min_length=1, max_length=MAX_SECRET_CHARACTERS)]


class Signature(BaseModel):
    """How requests must be signed; ``header`` is only for senders that use another one than the scheme's."""

    model_config = ConfigDict(extra="forbid")
    scheme: Scheme
    secrets: Annotated[list[_Secret], Field(min_length=1, max_length=MAX_SECRETS)]
    header: Annotated[str, Field(max_length=100)] = ""

    @model_validator(mode="after")
    def _named(self) -> Self:
        if self.header and not is_token(self.header):
            raise ValueError("header: not the name of a header")
        return self

    def rule(self) -> SignatureRule:
        """The rule as it is applied."""
        return SignatureRule(self.scheme, tuple(one.get_secret_value() for one in self.secrets), self.header)


class NewTerms(BaseModel):
    """The whole terms of a key: what is left out is without limit or signature."""

    model_config = ConfigDict(extra="forbid")
    rate_per_s: Annotated[int, Field(ge=1, le=_MAX_RATE)] | None = None
    signature: Signature | None = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.rate_per_s is None and self.signature is None:
            raise ValueError("give rate_per_s, signature or both; DELETE takes all terms away")
        return self


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
        rule = wanted.signature.rule() if wanted.signature else None
        return terms.put(call.scope, key, KeyTerms(wanted.rate_per_s, rule), call.author)

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
