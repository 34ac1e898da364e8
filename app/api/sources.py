"""``/v1/organizations/{organization}/sources``, and the addresses that foreign systems send to."""

from __future__ import annotations

from dataclasses import asdict
from http import HTTPStatus
from typing import Any

from flask import request
from werkzeug.datastructures import Headers

from app.api.paging import PageQuery, page
from app.api.problems import ProblemError
from app.api.request_body import read_bounded
from app.api.routing import SIGNED, Call, RouteTable
from app.ingest.accept import NothingAcceptedError
from app.ingest.source_door import UnverifiedError
from app.ingest.source_input import NewSource, SourcePatch, SourceRotation
from app.security.permissions import Permission
from app.services import Services
from app.sinks.sources import Handshake, Inbound

MAX_BYTES = 25 * 1024 * 1024
"""The largest request that GitHub makes; nobody known makes a larger one."""
_ALL = "/v1/organizations/<organization>/sources"
_ONE = f"{_ALL}/<source>"
_ADDRESS = "/v1/sources/<source>/events"
_READ = Permission.SOURCES_READ
_WRITE = Permission.SOURCES_WRITE


def source_routes(services: Services) -> RouteTable:
    """Routes that configure sources."""
    table = RouteTable()
    sources = services.sources

    @table.add("GET", _ALL, access=_READ, summary="List sources", query=PageQuery)
    def every(call: Call, organization: str) -> dict[str, Any]:
        found = sources.page(call.scope, organization, after=call.query.text_after, limit=call.query.limit)
        return page(*found)

    @table.add("POST", _ALL, access=_WRITE, summary="Create a source", status=HTTPStatus.CREATED, body=NewSource)
    def create(call: Call, organization: str) -> dict[str, Any]:
        return sources.create(call.scope, organization, call.body, call.author)

    @table.add("GET", _ONE, access=_READ, summary="Show a source and what came of its requests")
    def get(call: Call, organization: str, source: str) -> dict[str, Any]:
        return sources.get(call.scope, organization, source)

    @table.add("PATCH", _ONE, access=_WRITE, summary="Change a source", body=SourcePatch)
    def patch(call: Call, organization: str, source: str) -> dict[str, Any]:
        return sources.patch(call.scope, organization, source, call.body, call.author)

    @table.add("POST", f"{_ONE}/secret/rotate", access=_WRITE, summary="Give a source a secret", body=SourceRotation)
    def rotate(call: Call, organization: str, source: str) -> dict[str, Any]:
        return sources.rotate(call.scope, organization, source, call.body, call.author)

    @table.add("DELETE", _ONE, access=_WRITE, summary="Delete a source", status=HTTPStatus.NO_CONTENT)
    def delete(call: Call, organization: str, source: str) -> None:
        sources.delete(call.scope, organization, source, call.author)

    return table


def source_door_routes(services: Services) -> RouteTable:
    """The addresses of sources: their plugins prove who sends."""
    table = RouteTable()

    @table.add("POST", _ADDRESS, access=SIGNED, summary="Take a request of a foreign system")
    def take(source: str) -> dict[str, Any]:
        if request.headers.get("content-encoding", "identity") != "identity":
            raise ProblemError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "send the body as it was signed, not compressed")
        limit = min(MAX_BYTES, services.settings.ingest_max_bytes)
        return _taken(services, source, read_bounded(request.environ, limit))

    @table.add("GET", _ADDRESS, access=SIGNED, summary="Answer a foreign system that asks who is there")
    def greet(source: str) -> dict[str, Any]:
        return _taken(services, source, b"")

    return table


def _taken(services: Services, source: str, body: bytes) -> dict[str, Any]:
    inbound = Inbound(request.method, _headers(request.headers), body, services.clock())
    try:
        result = services.source_door.take(source, inbound)
    except UnverifiedError as error:
        challenge = {"www-authenticate": 'Signature realm="relaypoint"'}
        raise ProblemError(HTTPStatus.UNAUTHORIZED, str(error), headers=challenge) from None
    except NothingAcceptedError as error:
        refused = [asdict(one) for one in error.rejected]
        raise ProblemError(HTTPStatus.BAD_REQUEST, str(error), rejected=refused) from None
    if isinstance(result, Handshake):
        return {**result.body}
    if result is None:
        return {"accepted": 0, "duplicates": 0, "rejected": []}
    rejected = [asdict(one) for one in result.rejected]
    return {"accepted": result.accepted, "duplicates": result.duplicates, "rejected": rejected}


def _headers(headers: Headers) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
