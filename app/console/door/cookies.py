"""The cookies of the door: the session's, and one that ties the log-in form to the browser that asked for it."""

from __future__ import annotations

from flask import Request, Response

from app.core.clock import SECOND
from app.security.sessions import LONGEST


class DoorCookie:
    """One cookie, sent with navigation from elsewhere but not with other sites' forms.

    The prefix ``__Host-`` (RFC 6265bis, section 4.1.3.2) makes browsers take it over https only, for this host only, so
    that no sibling host can plant one. Over plain http, which is for the own machine, a browser would refuse that name.

    Args:
        name: without its prefix.
        secure: whether people come over https.
        keep: whether it outlives the browser's window.
    """

    def __init__(self, name: str, *, secure: bool, keep: bool) -> None:
        self.name = f"__Host-{name}" if secure else f"{name}-http"
        self._secure = secure
        self._max_age = LONGEST // SECOND if keep else None

    def value(self, request: Request) -> str | None:
        """What the browser sent."""
        return request.cookies.get(self.name) or None

    def give(self, answer: Response, value: str) -> None:
        """Let the browser keep a value."""
        answer.set_cookie(
            self.name, value, max_age=self._max_age, path="/", secure=self._secure, httponly=True, samesite="Lax"
        )

    def take_back(self, answer: Response) -> None:
        """Let the browser forget it."""
        answer.delete_cookie(self.name, path="/", secure=self._secure, httponly=True, samesite="Lax")
