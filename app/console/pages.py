"""Declaring pages: one decorator that says who may look and where the page is found.

There is no other way to add a page, so none can be without its permission. The door has checked a form before.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, redirect, render_template, request

from app.console.door.keeper import DoorKeeper
from app.console.place import Place, url
from app.core.errors import ForbiddenError, NotFoundError
from app.routing.own_audit import Author
from app.security.permissions import Permission
from app.security.person import Person
from app.security.principal import Principal
from app.security.scope import Scope
from app.services import Services


class At(Enum):
    """Where a page exists: the beginnings of its paths."""

    ROOT = ("",)
    ORGANIZATION = ("/o/<organization>",)
    CONTEXT = ("/o/<organization>/c/<context>",)
    BOTH = ("/o/<organization>", "/o/<organization>/c/<context>")


@dataclass(frozen=True, slots=True)
class Visit:
    """One request for a page by somebody who may see it. ``session`` is the digest by which the session is stored."""

    person: Person
    form_token: str = field(repr=False)
    session: bytes = field(repr=False)
    place: Place | None
    principal: Principal | None

    @property
    def here(self) -> Place:
        """The place of a page that has one."""
        if self.place is None:
            raise NotFoundError("no such page")
        return self.place

    @property
    def caller(self) -> Principal:
        """The person as a caller here."""
        if self.principal is None:
            raise ForbiddenError("you have no role here")
        return self.principal

    @property
    def scope(self) -> Scope:
        """What the page shows."""
        return Scope.of(self.caller)

    @property
    def author(self) -> Author:
        """Whom our own audit names."""
        return Author.of(self.caller)

    def may(self, permission: Permission) -> bool:
        """Whether the visitor may do this here; a page leaves out what they may not."""
        return self.principal is not None and self.principal.may(permission)

    def may_above(self, permission: Permission) -> bool:
        """Whether the visitor may do this in the whole organization."""
        above = self.person.principal_at(self.here.organization_id)
        return above is not None and above.may(permission)

    def url(self, *parts: str, **query: Any) -> str:
        """The address of another page of this place."""
        return url(self.here.path, *parts, **query)


View = Callable[..., Any]
"""Takes a :class:`Visit` and the path's arguments; answers HTML or a Response."""


@dataclass(frozen=True, slots=True)
class Page:
    """One declared page. ``needs`` None = whoever is signed in."""

    method: str
    path: str
    at: At
    needs: Permission | None
    view: View
    name: str


@dataclass(slots=True)
class PageTable:
    """The pages of one part of the console."""

    pages: list[Page] = field(default_factory=list)

    def get(self, path: str, *, needs: Permission | None, at: At = At.BOTH) -> Callable[[View], View]:
        """Declare the decorated function as the view of a page."""
        return self._declare("GET", path, at, needs)

    def post(self, path: str, *, needs: Permission | None, at: At = At.BOTH) -> Callable[[View], View]:
        """Declare the decorated function as what a form does; it ends in a redirect, or in the page with its errors."""
        return self._declare("POST", path, at, needs)

    def _declare(self, method: str, path: str, at: At, needs: Permission | None) -> Callable[[View], View]:
        def declare(view: View) -> View:
            self.pages.append(Page(method, path, at, needs, view, view.__name__))
            return view

        return declare

    def register(self, blueprint: Blueprint, services: Services, keeper: DoorKeeper) -> None:
        """Put every page into the console."""
        for page in self.pages:
            for number, base in enumerate(page.at.value):
                rule = f"{base}/{page.path}".rstrip("/") or "/"
                blueprint.add_url_rule(
                    rule,
                    endpoint=f"{page.method} {page.path or 'overview'} {page.at.name}{number}",
                    view_func=_handler(page, services, keeper),
                    methods=[page.method],
                )


def _handler(page: Page, services: Services, keeper: DoorKeeper) -> View:
    def handle(organization: str | None = None, context: str | None = None, **path: str) -> Any:
        found = keeper.signed_in(request)
        if found is None:
            return redirect(url("/login", next=_back_to()), HTTPStatus.SEE_OTHER)
        principal = found.person.principal_at(organization, context)
        place = None
        if organization is not None:
            if principal is None:
                raise NotFoundError("there is no such organization or context, or you have no role in it")
            place = _place(services, organization, context)
        visit = Visit(found.person, found.form_token, found.session, place, principal)
        if page.needs is not None and not visit.may(page.needs):
            raise ForbiddenError("your role does not allow this here; ask an owner of the organization")
        return page.view(visit, **path)

    return handle


def _back_to() -> str:
    """Where to go after signing in: this page, when it can be asked for again."""
    return request.full_path.rstrip("?") if request.method == "GET" else ""


def _place(services: Services, organization: str, context: str | None) -> Place:
    scope = Scope(organization)
    found = services.places.organization(scope, organization)
    return Place.of(found, services.places.context(scope, organization, context) if context else None)


def render(template: str, visit: Visit, *, status: HTTPStatus = HTTPStatus.OK, **values: Any) -> Response:
    """A page, or for a script that asks for a part of it, that part: a template of its own."""
    return Response(render_template(f"console/{template}", visit=visit, **values), status, mimetype="text/html")


def done(where: str, said: str = "") -> Response:
    """After a form: on to a page, which says what was done; ``said`` is a key of ``flashes.SAID``."""
    base, _, fragment = where.partition("#")
    joint = "&" if urlsplit(base).query else "?"
    target = base + (f"{joint}said={said}" if said else "") + (f"#{fragment}" if fragment else "")
    answer = redirect(target, HTTPStatus.SEE_OTHER)
    return Response(answer.get_data(), HTTPStatus.SEE_OTHER, headers={"location": target})
