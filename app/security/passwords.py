"""Passwords: which are taken, how they are kept, how one is checked.

They are hashed with Argon2id. The parameters are the second recommended choice of RFC 9106, section 4: three passes
over 64 MiB with four lanes. Whoever steals the hashes needs that memory for each guess.
"""

from __future__ import annotations

import threading
import unicodedata
from functools import cached_property

from argon2 import Parameters, PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import RFC_9106_LOW_MEMORY

from app.core.errors import InvalidInputError, OverloadedError

MIN_LENGTH = 12
MAX_LENGTH = 256
_MIN_DIFFERENT = 5
AT_ONCE = 2
"""Hashes under way at once, so that a flood of log-ins takes 128 MiB and not all memory."""
_PATIENCE_S = 5.0


class Passwords:
    """Hashes and checks passwords.

    Args:
        parameters: of Argon2id. Weaker ones are for tests.
    """

    def __init__(self, parameters: Parameters = RFC_9106_LOW_MEMORY) -> None:
        self._hasher = PasswordHasher.from_parameters(parameters)
        self._turn = threading.BoundedSemaphore(AT_ONCE)

    def hash(self, password: str) -> str:
        """What is stored of a password.

        Raises:
            OverloadedError: too many are under way.
        """
        with _Turn(self._turn):
            return self._hasher.hash(_normal(password))

    def verify(self, stored: str | None, password: str) -> bool:
        """Whether a password is the one that was stored.

        It takes as long for somebody without a password, so that time does not tell which accounts exist.

        Raises:
            OverloadedError: too many are under way.
        """
        with _Turn(self._turn):
            try:
                self._hasher.verify(stored or self._nobodys, _normal(password))
            except (VerificationError, InvalidHashError):
                return False
        return stored is not None

    def outdated(self, stored: str) -> bool:
        """Whether a stored hash was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(stored)

    @cached_property
    def _nobodys(self) -> str:
        return self._hasher.hash("the password of nobody")


class _Turn:
    """One of the places to hash in."""

    def __init__(self, places: threading.BoundedSemaphore) -> None:
        self._places = places

    def __enter__(self) -> None:
        if not self._places.acquire(timeout=_PATIENCE_S):
            raise OverloadedError("too many log-ins are under way; try again in a moment")

    def __exit__(self, *_: object) -> None:
        self._places.release()


def check_new_password(password: str, email: str) -> None:
    """Refuse a password that is too easily guessed. No rules on kinds of characters, as NIST SP 800-63B advises.

    Raises:
        InvalidInputError: it is too short, too long, too plain, or the e-mail address.
    """
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        raise InvalidInputError(f"must have {MIN_LENGTH} to {MAX_LENGTH} characters", field="password")
    if len(set(password)) < _MIN_DIFFERENT:
        raise InvalidInputError(f"must have at least {_MIN_DIFFERENT} different characters", field="password")
    if email.casefold() in password.casefold():
        raise InvalidInputError("must not hold the e-mail address", field="password")


def _normal(password: str) -> bytes:
    """One form for what keyboards write in several ways; a text without end is cut before it costs anything."""
    return unicodedata.normalize("NFKC", password[: MAX_LENGTH + 1]).encode(errors="surrogatepass")
