"""Who is calling: bearer keys, and nothing else. The API never reads a cookie."""

from __future__ import annotations

import contextlib

from flask import Request

from app.api.problems import unauthenticated
from app.core.clock import Clock, Micros
from app.core.errors import StoreUnavailableError
from app.security.api_keys import LAST_USED_STEP, Principal, authenticate, touch_key
from app.store.engine import Store


class Authenticator:
    """Turns the ``Authorization`` header into a principal."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._touched: dict[str, Micros] = {}

    def principal(self, request: Request) -> Principal:
        """Whoever sent this request.

        Raises:
            ProblemError: 401, the same for an unknown, a revoked and an expired key.
        """
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not key.strip():
            raise unauthenticated("send an API key: Authorization: Bearer rp_…")
        now = self._clock()
        with self._store.read() as connection:
            principal = authenticate(connection, key.strip(), now)
        if principal is None:
            raise unauthenticated("the API key is unknown, revoked or expired")
        self._touch(principal.key_id, now)
        return principal

    def _touch(self, key_id: str, now: Micros) -> None:
        if now - self._touched.get(key_id, 0) < LAST_USED_STEP:
            return
        self._touched[key_id] = now
        with contextlib.suppress(StoreUnavailableError), self._store.write() as connection:
            touch_key(connection, key_id, now)
