"""The keeper of the console's door: who sent a request, and what is checked before any page sees it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

from flask import Blueprint, Request, Response, g, request

from app.console.door.cookies import DoorCookie
from app.console.door.same_site import SAFE_METHODS, check_form_token, check_host, check_origin, form_token, own_hosts
from app.security.client_address import client_address
from app.security.front_door import Caller, FrontDoor
from app.security.person import Person
from app.security.tokens import token_digest
from app.security.transport import comes_over_https
from app.settings import Settings

MAX_FORM_BYTES = 1024 * 1024
"""Largest form of the console."""
_CACHE = "relaypoint_signed_in"


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Somebody who is signed in, the token of every form of the session, and the digest by which it is stored."""

    person: Person
    form_token: str = field(repr=False)
    session: bytes = field(repr=False)


class DoorKeeper:
    """Knows who is signed in.

    Args:
        people: the use cases of the door.
        settings: under which names people come, and through which proxies.
    """

    def __init__(self, people: FrontDoor, settings: Settings) -> None:
        self.people = people
        self.settings = settings
        self.is_secure = comes_over_https(settings.public_url)
        self.session = DoorCookie("relaypoint", secure=self.is_secure, keep=True)
        self.visit = DoorCookie("relaypoint-visit", secure=self.is_secure, keep=False)
        self._hosts = own_hosts(settings)

    def guard(self, blueprint: Blueprint) -> None:
        """Check every request for a page of a blueprint: its host, and a form's origin and token."""
        blueprint.before_request(self.check)

    def check(self) -> None:
        """Refuse a request that does not belong here, before anything else looks at it.

        Raises:
            MisdirectedError: it came under a foreign host name.
            ForbiddenError: it is a form of another site or session.
        """
        request.max_content_length = MAX_FORM_BYTES
        check_host(request, self._hosts)
        if request.method not in SAFE_METHODS:
            check_origin(request, self.settings.public_url)
            check_form_token(request, self.expected_token(request))

    def signed_in(self, asked: Request) -> SignedIn | None:
        """Who sent a request, as the database says now; None when nobody is signed in."""
        if _CACHE not in g:
            setattr(g, _CACHE, self._look_up(asked))
        found: SignedIn | None = getattr(g, _CACHE)
        return found

    def _look_up(self, asked: Request) -> SignedIn | None:
        session = self.session.value(asked)
        person = self.people.person(session) if session else None
        return (
            None if person is None or session is None else SignedIn(person, form_token(session), token_digest(session))
        )

    def expected_token(self, asked: Request) -> str:
        """The token that a form of this request must carry: the session's, or that of the visit before log-in."""
        return form_token(self.visit_of(asked)[0])

    def visit_of(self, asked: Request) -> tuple[str, bool]:
        """What ties the forms and log-ins of this browser together, and whether it has to be given to it first."""
        known = self.session.value(asked) or self.visit.value(asked)
        return known or secrets.token_urlsafe(32), known is None

    def caller(self, asked: Request) -> Caller:
        """Where a request comes from."""
        address = client_address(
            asked.remote_addr or "", asked.headers.get("x-forwarded-for", ""), self.settings.trusted_proxies
        )
        return Caller(address, asked.headers.get("user-agent", ""), self.session.value(asked))

    def let_in(self, answer: Response, session: str) -> Response:
        """Give the cookie of a new session; the one of the visit before it goes."""
        self.session.give(answer, session)
        self.visit.take_back(answer)
        return answer

    def let_out(self, answer: Response) -> Response:
        """Take the session's cookie back."""
        self.session.take_back(answer)
        return answer
