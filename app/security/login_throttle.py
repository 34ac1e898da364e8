"""How often somebody may try to sign in: counted in the database, per account and per address.

A try is counted before the password is looked at, so that a burst of guesses is bounded too. Signing in forgets the
tries on the account, not those from the address: one own account must not pay for guesses at others.
"""

from __future__ import annotations

import hashlib
from ipaddress import IPv6Address, ip_address, ip_network

from sqlalchemy import Connection, bindparam, delete, text

from app.core.clock import MINUTE, SECOND, Micros
from app.core.errors import TemporaryError
from app.store.tables_people import login_attempts

WINDOW: Micros = 15 * MINUTE
"""Tries are counted for so long from the first of them."""
PER_ACCOUNT = 10
PER_ADDRESS = 50
"""More, since many people may share an address."""
_HOME_PREFIX = 64
"""An IPv6 customer has at least so large a network, and so many addresses."""

_COUNT = text("""
    INSERT INTO login_attempts (subject, since, count) VALUES (:subject, :now, 1)
    ON CONFLICT (subject) DO UPDATE SET count = login_attempts.count + 1
    RETURNING since, count
""").bindparams(bindparam("subject", type_=login_attempts.c.subject.type))


class TooManyTriesError(TemporaryError):
    """Somebody tried to sign in too often.

    Args:
        retry_after_s: seconds until the next try is looked at.
    """

    def __init__(self, retry_after_s: int) -> None:
        minutes = -(-retry_after_s // 60)
        super().__init__(f"too many tries to sign in; try again in {minutes} minute{'s' if minutes > 1 else ''}")
        self.retry_after_s = retry_after_s


def refusal_of_try(connection: Connection, account: str | None, address: str, now: Micros) -> TooManyTriesError | None:
    """Count a try to sign in; the error to raise, once the count is committed, when it was one too many.

    Args:
        connection: inside a write transaction.
        account: the e-mail address that was given, folded; None = none was, for the provider asks for it.
        address: of the network, where the try came from.
        now: the time.
    """
    connection.execute(delete(login_attempts).where(login_attempts.c.since <= now - WINDOW))
    wait = _wait(connection, _address(address), PER_ADDRESS, now)
    if account is not None:
        wait = wait or _wait(connection, _account(account), PER_ACCOUNT, now)
    return TooManyTriesError(-(-wait // SECOND)) if wait else None


def forget_tries(connection: Connection, account: str) -> None:
    """The account's person is in, or has a new password: its tries count no longer."""
    connection.execute(delete(login_attempts).where(login_attempts.c.subject == _account(account)))


def _wait(connection: Connection, subject: bytes, limit: int, now: Micros) -> Micros:
    since, count = connection.execute(_COUNT, {"subject": subject, "now": now}).one()
    return since + WINDOW - now if count > limit else 0


def _account(email: str) -> bytes:
    return _digest("account", email)


def _address(address: str) -> bytes:
    try:
        found = ip_address(address)
    except ValueError:
        return _digest("address", address)
    if isinstance(found, IPv6Address):
        return _digest("address", str(found.ipv4_mapped or ip_network((found, _HOME_PREFIX), strict=False)))
    return _digest("address", str(found))


def _digest(kind: str, value: str) -> bytes:
    return hashlib.sha256(f"{kind}:{value}".encode(errors="replace")).digest()
