"""Who is signed in: sessions on the server's side, by a random token that only the browser has."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, delete, insert, select, update

from app.core.clock import DAY, HOUR, MINUTE, Micros
from app.core.ids import RandomBytes, new_id
from app.security.person import Person, memberships_of_each
from app.security.tokens import new_token, token_digest
from app.store.tables_people import sessions, users

IDLE: Micros = 12 * HOUR
"""A session that nobody used for so long is over."""
LONGEST: Micros = 7 * DAY
"""However much it is used."""
SEEN_STEP: Micros = 5 * MINUTE
"""``seen_at`` is this coarse, so that looking at a page is not a write."""
MAX_USER_AGENT = 200
MAX_ADDRESS = 45
"""An IPv6 address with an IPv4 address in it, written out."""
MAX_LISTED = 50
"""Sessions of a list; those that were used last come first."""


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """An open session and whose it is."""

    user_id: str
    email: str
    name: str
    created_at: Micros
    seen_at: Micros


@dataclass(frozen=True, slots=True)
class OpenSession:
    """One line of a person's list of sessions; nothing of its token is in it."""

    id: str
    address: str
    user_agent: str
    created_at: Micros
    seen_at: Micros
    is_this: bool
    """Whether whoever asks does so in it."""


def open_session(
    connection: Connection, user_id: str, *, address: str, user_agent: str, now: Micros, random_bytes: RandomBytes
) -> str:
    """A new session; answers its token, which cannot be had again. Sessions that are too old go, whosever they are."""
    connection.execute(delete(sessions).where(sessions.c.expires_at <= now))
    token = new_token(random_bytes)
    values = {
        "digest": token_digest(token),
        "id": new_id("ses", random_bytes),
        "user_id": user_id,
        "created_at": now,
        "seen_at": now,
        "expires_at": now + LONGEST,
        "address": address[:MAX_ADDRESS],
        "user_agent": "".join(one for one in user_agent if one.isprintable())[:MAX_USER_AGENT],
    }
    connection.execute(insert(sessions).values(values))
    return token


def open_sessions(connection: Connection, user_id: str, token: str, now: Micros) -> list[OpenSession]:
    """The sessions of a person that are not over; that of ``token`` is marked and comes first."""
    columns = (sessions.c.id, sessions.c.address, sessions.c.user_agent, sessions.c.created_at, sessions.c.seen_at)
    is_this = (sessions.c.digest == token_digest(token)).label("is_this")
    statement = _open((*columns, is_this), now).where(sessions.c.user_id == user_id)
    ordered = statement.order_by(is_this.desc(), sessions.c.seen_at.desc(), sessions.c.id).limit(MAX_LISTED)
    return [OpenSession(**row) for row in connection.execute(ordered).mappings()]


def find_session(connection: Connection, token: str, now: Micros) -> SessionRecord | None:
    """The session of a token; None when it is unknown or over, or its person is disabled."""
    columns = (users.c.id, users.c.email, users.c.name, sessions.c.created_at, sessions.c.seen_at)
    row = connection.execute(_open(columns, now).where(sessions.c.digest == token_digest(token))).one_or_none()
    return None if row is None else SessionRecord(*row)


def people_of(connection: Connection, digests: Collection[bytes], now: Micros) -> dict[bytes, Person]:
    """Who each of a few sessions belongs to, by its digest; a session that is over is left out. Two queries for all."""
    columns = (sessions.c.digest, users.c.id, users.c.email, users.c.name)
    rows = connection.execute(_open(columns, now).where(sessions.c.digest.in_(digests))).all()
    roles = memberships_of_each(connection, {row.id for row in rows})
    return {row.digest: Person(row.id, row.email, row.name, roles[row.id]) for row in rows}


def _open(columns: Sequence[ColumnElement[Any]], now: Micros) -> Select[Any]:
    """Columns of sessions that are not over, and of their people, who are not disabled."""
    return (
        select(*columns)
        .select_from(sessions.join(users, users.c.id == sessions.c.user_id))
        .where(
            sessions.c.expires_at > now,
            sessions.c.seen_at > now - IDLE,
            users.c.disabled_at.is_(None),
        )
    )


def touch_session(connection: Connection, token: str, now: Micros) -> None:
    """Note that a session is in use; at most one change in five minutes."""
    stale = (sessions.c.digest == token_digest(token), sessions.c.seen_at < now - SEEN_STEP)
    connection.execute(update(sessions).where(*stale).values(seen_at=now))


def end_session(connection: Connection, token: str) -> None:
    """Sign out here."""
    connection.execute(delete(sessions).where(sessions.c.digest == token_digest(token)))


def end_listed_session(connection: Connection, user_id: str, session_id: str) -> None:
    """End one session of a person by what the list calls it; one that is over already is no error."""
    connection.execute(delete(sessions).where(sessions.c.user_id == user_id, sessions.c.id == session_id))


def end_other_sessions(connection: Connection, user_id: str, token: str) -> None:
    """Sign a person out everywhere but here."""
    others = (sessions.c.user_id == user_id, sessions.c.digest != token_digest(token))
    connection.execute(delete(sessions).where(*others))


def end_sessions(connection: Connection, user_id: str) -> None:
    """Sign a person out everywhere."""
    connection.execute(delete(sessions).where(sessions.c.user_id == user_id))
