"""People who can sign in: making, finding and disabling them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, RowMapping, select, update
from sqlalchemy.exc import IntegrityError

from app.core.clock import Micros
from app.core.errors import ConflictError, InvalidInputError, NotFoundError
from app.core.ids import RandomBytes, new_id
from app.security.sessions import end_sessions
from app.store.tables_people import users

MAX_EMAIL = 254
"""RFC 5321: a path has 256 characters, two of them angle brackets."""
MAX_NAME = 125
MAX_LISTED = 1000
_EMAIL = re.compile(r"[^\s@<>(),;:\\\"\[\]]+@[^\s@<>(),;:\\\"\[\]]+")


@dataclass(frozen=True, slots=True)
class UserRecord:
    """A person as listed: everything but the password's hash."""

    id: str
    email: str
    name: str
    created_at: Micros
    signed_in_at: Micros | None
    disabled_at: Micros | None


def folded_email(text: str) -> str:
    """An e-mail address as it is kept and compared.

    Raises:
        InvalidInputError: it is none.
    """
    email = unicodedata.normalize("NFKC", text.strip()).casefold()
    if len(email) > MAX_EMAIL or not _EMAIL.fullmatch(email) or not email.isprintable():
        raise InvalidInputError("must be an e-mail address", field="email")
    return email


def create_user(
    connection: Connection,
    *,
    email: str,
    name: str,
    password_hash: str | None,
    now: Micros,
    random_bytes: RandomBytes,
) -> UserRecord:
    """A new person.

    Raises:
        InvalidInputError: the e-mail address or the name is wrong.
        ConflictError: there is a person with this e-mail address.
    """
    folded = folded_email(email)
    shown = name.strip()
    if not 1 <= len(shown) <= MAX_NAME or not shown.isprintable():
        raise InvalidInputError(f"must have 1 to {MAX_NAME} printable characters", field="name")
    record = UserRecord(new_id("usr", random_bytes), folded, shown, now, None, None)
    values = {column: getattr(record, column) for column in UserRecord.__slots__}
    try:
        connection.execute(users.insert().values(**values, password_hash=password_hash))
    except IntegrityError:
        raise ConflictError(f"there is a person with the e-mail address {folded} already") from None
    return record


def find_user(connection: Connection, email: str) -> RowMapping | None:
    """The row of a person by folded e-mail address, the disabled included."""
    return connection.execute(select(users).where(users.c.email == email)).mappings().one_or_none()


def user_by_id(connection: Connection, user_id: str, *, lock: bool = False) -> RowMapping | None:
    """The row of a person, the disabled included; locked, nobody changes it before this transaction ends."""
    statement = select(users).where(users.c.id == user_id)
    return connection.execute(statement.with_for_update() if lock else statement).mappings().one_or_none()


def user_at_provider(connection: Connection, subject: str) -> RowMapping | None:
    """The row of a person by who that is at the OpenID provider, the disabled included."""
    return connection.execute(select(users).where(users.c.provider_subject == subject)).mappings().one_or_none()


def bind_to_provider(connection: Connection, user_id: str, subject: str) -> None:
    """From now on this person is that one at the provider, whatever the e-mail address.

    A password and sessions from before end: somebody who was invited under this address, but does not have it, may have
    made the account.
    """
    _change(connection, user_id, provider_subject=subject, password_hash=None)
    end_sessions(connection, user_id)


def any_user(connection: Connection) -> bool:
    """Whether there is a person at all."""
    return connection.execute(select(users.c.id).limit(1)).first() is not None


def list_users(connection: Connection) -> Sequence[UserRecord]:
    """People by e-mail address, the first thousand."""
    rows = connection.execute(select(users).order_by(users.c.email).limit(MAX_LISTED)).mappings()
    return [UserRecord(**{column: row[column] for column in UserRecord.__slots__}) for row in rows]


def set_password(connection: Connection, user_id: str, password_hash: str) -> None:
    """Another password; it ends every session.

    Raises:
        NotFoundError: there is no such person.
    """
    _change(connection, user_id, password_hash=password_hash)
    end_sessions(connection, user_id)


def replace_hash(connection: Connection, user_id: str, password_hash: str) -> None:
    """The same password, hashed anew."""
    _change(connection, user_id, password_hash=password_hash)


def set_disabled(connection: Connection, user_id: str, disabled_at: Micros | None) -> None:
    """Let a person in no longer, or again (None); disabling ends every session.

    Raises:
        NotFoundError: there is no such person.
    """
    _change(connection, user_id, disabled_at=disabled_at)
    if disabled_at is not None:
        end_sessions(connection, user_id)


def note_sign_in(connection: Connection, user_id: str, now: Micros) -> None:
    """A person came in."""
    _change(connection, user_id, signed_in_at=now)


def _change(connection: Connection, user_id: str, **values: object) -> None:
    if not connection.execute(update(users).where(users.c.id == user_id).values(**values)).rowcount:
        raise NotFoundError("there is no such person")
