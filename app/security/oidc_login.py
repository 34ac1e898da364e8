"""Use cases of log-in at a provider: going there, and coming back as a person who is known here."""

from __future__ import annotations

import hmac
import logging
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Connection, RowMapping

from app.core.clock import Clock
from app.core.errors import InvalidInputError
from app.core.ids import RandomBytes
from app.security.front_door import Caller, FrontDoor
from app.security.links import Purpose, create_link, use_link
from app.security.login_throttle import refusal_of_try
from app.security.oidc import Identity, OidcError, OidcProvider
from app.security.tokens import new_token, token_digest
from app.security.users import bind_to_provider, find_user, folded_email, user_at_provider
from app.store.engine import Store

log = logging.getLogger("relaypoint.door")

_STRANGER = "nobody here has the e-mail address that the provider vouches for; ask an owner for an invitation"
_NOT_VOUCHED = "the provider does not vouch for your e-mail address, so it does not tell who you are here"


@dataclass(frozen=True, slots=True)
class Return:
    """What came back with the browser. ``visit`` is the value of the visit's cookie."""

    state: str
    code: str
    visit: str
    redirect_uri: str


class OidcLogin:
    """Signs people in who prove themselves at a provider. Nobody becomes known here by that.

    Args:
        store: the database.
        people: opens sessions.
        provider: where they prove themselves.
        issuer: its name, part of whom a person is there.
        clock: the time.
        random_bytes: for state, nonce and verifier.
    """

    def __init__(
        self,
        store: Store,
        people: FrontDoor,
        provider: OidcProvider,
        *,
        issuer: str,
        clock: Clock,
        random_bytes: RandomBytes,
    ) -> None:
        self._store = store
        self._people = people
        self._provider = provider
        self._issuer = issuer
        self._clock = clock
        self._random_bytes = random_bytes

    def begin(self, caller: Caller, *, redirect_uri: str, visit: str, onward: str) -> str:
        """The address at the provider that the browser goes to.

        Args:
            caller: where the request comes from.
            redirect_uri: where it comes back to.
            visit: the value of the visit's cookie: only this browser can end the log-in.
            onward: the page to go on to afterwards.

        Raises:
            OidcError: the provider does not answer.
            TooManyTriesError: too many log-ins began or failed from this address.
        """
        with self._store.write() as connection:
            refusal = refusal_of_try(connection, None, caller.address, self._clock())
        if refusal is not None:
            raise refusal
        nonce, verifier = new_token(self._random_bytes), new_token(self._random_bytes)
        kept = {"nonce": nonce, "verifier": verifier, "visit": token_digest(visit).hex(), "onward": onward}
        with self._store.write() as connection:
            state, _ = create_link(
                connection,
                Purpose.PROVIDER,
                orjson.dumps(kept).decode(),
                now=self._clock(),
                random_bytes=self._random_bytes,
            )
        return self._provider.authorization_url(redirect_uri=redirect_uri, state=state, nonce=nonce, verifier=verifier)

    def finish(self, back: Return, caller: Caller) -> tuple[str, str]:
        """Sign in whoever came back; answers the session's token and the page to go on to.

        Raises:
            OidcError: the log-in did not begin in this browser, the provider does not vouch, or the person is not
                known here.
            ProviderAwayError: the provider does not answer.
        """
        kept = self._begun(back)
        if not back.code:
            raise OidcError("the provider did not sign you in")
        identity = self._provider.identity(
            code=back.code, redirect_uri=back.redirect_uri, nonce=kept["nonce"], verifier=kept["verifier"]
        )
        with self._store.write() as connection:
            user = self._known(connection, identity)
            if user is None or user["disabled_at"] is not None:
                log.warning("a log-in at the provider failed", extra={"address": caller.address})
                raise OidcError(_STRANGER if identity.email is not None else _NOT_VOUCHED)
            session = self._people.admit(connection, user["id"], user["email"], caller)
        return session, kept["onward"]

    def _begun(self, back: Return) -> dict[str, Any]:
        with self._store.write() as connection:
            found = use_link(connection, Purpose.PROVIDER, back.state, self._clock())
        kept: dict[str, Any] = orjson.loads(found) if found is not None else {}
        if not hmac.compare_digest(kept.get("visit", ""), token_digest(back.visit).hex()):
            raise OidcError("this log-in did not begin here or took too long; begin again")
        return kept

    def _known(self, connection: Connection, identity: Identity) -> RowMapping | None:
        """The account bound to this identity; else the one with its e-mail address, if none is bound to that yet."""
        subject = f"{self._issuer} {identity.subject}"
        bound = user_at_provider(connection, subject)
        if bound is not None or identity.email is None:
            return bound
        try:
            user = find_user(connection, folded_email(identity.email))
        except InvalidInputError:
            return None
        if user is None or user["provider_subject"] is not None:
            return None
        bind_to_provider(connection, user["id"], subject)
        return user
