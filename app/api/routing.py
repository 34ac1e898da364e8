"""Declaring routes: one decorator that says who may call, what is sent, and what comes back.

There is no other way to add a route, so none can be without its permission.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

import orjson
from flask import Flask, Response, request
from pydantic import BaseModel, ValidationError

from app.api.authentication import Authenticator
from app.api.problems import from_validation
from app.api.request_body import read_model
from app.routing.own_audit import Author
from app.security.permissions import Permission
from app.security.principal import Principal
from app.security.scope import Scope

PUBLIC: Final = "public"
"""Declares a route that anybody may call. It must tell nothing about tenants."""
SIGNED: Final = "signed"
"""Declares a route of foreign systems, which have no key: the view itself makes sure who sends."""
JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Call:
    """One authenticated request, its inputs parsed. ``body`` and ``query`` are of the declared models."""

    principal: Principal
    body: Any = None
    query: Any = None

    @property
    def author(self) -> Author:
        """Whom our own audit names."""
        return Author.of(self.principal)

    @property
    def scope(self) -> Scope:
        """What the caller may see."""
        return Scope.of(self.principal)


View = Callable[..., Any]
"""Takes a :class:`Call` (a public one takes nothing) and the path's arguments; answers JSON data or a Response."""


@dataclass(frozen=True, slots=True)
class Route:
    """One declared route. One without a view is answered before Flask (``app.api.front``).

    ``produces`` is the content type of its answer, ``takes`` those of a body that is no model, and ``also`` holds
    statuses that it answers with the same content besides its own.
    """

    method: str
    path: str
    view: View | None
    access: Permission | str
    summary: str
    status: HTTPStatus
    body: type[BaseModel] | None
    query: type[BaseModel] | None
    produces: str = JSON
    takes: tuple[str, ...] = ()
    also: tuple[HTTPStatus, ...] = ()


@dataclass(slots=True)
class RouteTable:
    """The routes of one part of the API, in the order of their declaration."""

    routes: list[Route] = field(default_factory=list)

    def add(
        self,
        method: str,
        path: str,
        *,
        access: Permission | str,
        summary: str,
        status: HTTPStatus = HTTPStatus.OK,
        body: type[BaseModel] | None = None,
        query: type[BaseModel] | None = None,
        produces: str = JSON,
        also: tuple[HTTPStatus, ...] = (),
    ) -> Callable[[View], View]:
        """Declare the decorated function as the view of a route."""

        def declare(view: View) -> View:
            self.routes.append(
                Route(method, path, view, access, summary, status, body, query, produces=produces, also=also)
            )
            return view

        return declare

    def declare(
        self, method: str, path: str, *, access: Permission | str, summary: str, takes: tuple[str, ...]
    ) -> None:
        """Declare a route that a door answers before Flask: it is described, and other methods get their 405."""
        self.routes.append(Route(method, path, None, access, summary, HTTPStatus.OK, None, None, takes=takes))

    def register(self, app: Flask, authenticator: Authenticator) -> None:
        """Put every route into the application."""
        for route in self.routes:
            view = _handler(route, route.view, authenticator) if route.view else None
            app.add_url_rule(
                route.path, endpoint=f"{route.method} {route.path}", view_func=view, methods=[route.method]
            )


def _handler(route: Route, view: View, authenticator: Authenticator) -> Callable[..., Response]:
    def handle(**path: Any) -> Response:
        if not isinstance(route.access, Permission):
            return rendered(view(**path), route.status)
        principal = authenticator.principal(request.headers.get("authorization", ""))
        principal.require(route.access)
        call = Call(principal, read_model(request, route.body) if route.body else None, _query(route))
        return rendered(view(call, **path), route.status)

    return handle


def _query(route: Route) -> BaseModel | None:
    if route.query is None:
        return None
    try:
        return route.query.model_validate(request.args.to_dict())
    except ValidationError as error:
        raise from_validation(error) from None


def rendered(result: Any, status: HTTPStatus) -> Response:
    """A view's result as a response."""
    if isinstance(result, Response):
        return result
    if result is None:
        return Response(status=HTTPStatus.NO_CONTENT)
    return Response(orjson.dumps(result), status=status, content_type=JSON)
