"""Who is calling: bearer keys, and nothing else. The API never reads a cookie."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

from app.api.problems import unauthenticated
from app.core.clock import MILLISECOND, SECOND, Clock, Micros
from app.core.errors import StoreUnavailableError
from app.security.api_keys import LAST_USED_STEP, authenticate, digest_of, touch_key
from app.security.principal import Principal
from app.store.engine import Store

TRUSTED_FOR: Micros = 2 * SECOND
"""How long a revoked or expired key can still send events."""
LOOK_AGAIN: Micros = 1500 * MILLISECOND
"""At this age one request looks again while the others go on trusting."""
REMEMBERED = 10_000
"""Keys remembered before the memory starts over."""


@dataclass(slots=True)
class _Known:
    """A principal as the database had it. ``looked_at`` moves before the look, so that only one request looks."""

    principal: Principal
    seen_at: Micros
    looked_at: Micros


class Authenticator:
    """Turns the ``Authorization`` header into a principal."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._known: dict[bytes, _Known] = {}
        self._touched: dict[str, Micros] = {}

    def principal(self, authorization: str) -> Principal:
        """Whoever sent this ``Authorization`` header, as the database says now; an empty one is nobody.

        Raises:
            ProblemError: 401, the same for an unknown, a revoked and an expired key.
        """
        return self._look_up(_bearer(authorization), self._clock())

    def recent(self, authorization: str) -> Principal:
        """As :meth:`principal`, but what was true :data:`TRUSTED_FOR` ago will do: a read less per ingest.

        Raises:
            ProblemError: 401, as above.
        """
        return self.remembered(authorization) or self.principal(authorization)

    def remembered(self, authorization: str) -> Principal | None:
        """As :meth:`recent`, from memory only; None when the database has to be asked."""
        scheme, _, key = authorization.partition(" ")
        known = self._known.get(digest_of(key.strip()))
        now = self._clock()
        if known is None or now - known.seen_at >= TRUSTED_FOR or scheme.lower() != "bearer":
            return None
        if now - known.looked_at >= LOOK_AGAIN:
            known.looked_at = now
            return None
        return known.principal

    def _look_up(self, key: str, now: Micros) -> Principal:
        digest = digest_of(key)
        with self._store.read() as connection:
            principal = authenticate(connection, key, now)
        if principal is None:
            self._known.pop(digest, None)
            raise unauthenticated("the API key is unknown, revoked or expired")
        if len(self._known) >= REMEMBERED:
            self._known.clear()
        self._known[digest] = _Known(principal, now, now)
        self._touch(principal.id, now)
        return principal

    def _touch(self, key_id: str, now: Micros) -> None:
        if now - self._touched.get(key_id, 0) < LAST_USED_STEP:
            return
        self._touched[key_id] = now
        with contextlib.suppress(StoreUnavailableError), self._store.write() as connection:
            touch_key(connection, key_id, now)


def _bearer(authorization: str) -> str:
    scheme, _, key = authorization.partition(" ")
    key = key.strip()
    if scheme.lower() != "bearer" or not key:
        raise unauthenticated("send an API key: Authorization: Bearer rp_…")
    return key
