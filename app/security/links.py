"""One-time links: whoever has one may do one thing once, before it expires."""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import Connection, delete, insert, select

from app.core.clock import DAY, MINUTE, Micros
from app.core.ids import RandomBytes
from app.security.tokens import new_token, token_digest
from app.store.tables_people import door_links


class Purpose(StrEnum):
    """What a link is for."""

    SETUP = "setup"
    INVITATION = "invitation"
    PROVIDER = "provider"
    PASSWORD = "password"  # noqa: S105 - a purpose, not a password


VALID_FOR: dict[Purpose, Micros] = {
    Purpose.SETUP: DAY,
    Purpose.INVITATION: 7 * DAY,
    Purpose.PASSWORD: DAY,
    Purpose.PROVIDER: 10 * MINUTE,
}


def create_link(
    connection: Connection, purpose: Purpose, subject: str, *, now: Micros, random_bytes: RandomBytes
) -> tuple[str, Micros]:
    """A new link; earlier ones for the same end. Answers its token and when it expires.

    Args:
        connection: inside a write transaction.
        purpose: what it is for.
        subject: the member or person it is about; "" for the set-up.
        now: the time.
        random_bytes: for the token.
    """
    drop_links(connection, purpose, subject)
    connection.execute(delete(door_links).where(door_links.c.expires_at <= now))
    token, expires_at = new_token(random_bytes), now + VALID_FOR[purpose]
    values = {"digest": token_digest(token), "purpose": purpose.value, "subject": subject, "expires_at": expires_at}
    connection.execute(insert(door_links).values(values))
    return token, expires_at


def subject_of_link(connection: Connection, purpose: Purpose, token: str, now: Micros) -> str | None:
    """What a link is about; None when there is none such, or no longer. The link stays good."""
    statement = select(door_links.c.subject).where(
        door_links.c.digest == token_digest(token),
        door_links.c.purpose == purpose.value,
        door_links.c.expires_at > now,
    )
    return connection.execute(statement).scalar_one_or_none()


def use_link(connection: Connection, purpose: Purpose, token: str, now: Micros) -> str | None:
    """As :func:`subject_of_link`, and uses the link up: of several at the same moment, one gets the subject."""
    subject = subject_of_link(connection, purpose, token, now)
    matching = (door_links.c.digest == token_digest(token), door_links.c.purpose == purpose.value)
    return subject if connection.execute(delete(door_links).where(*matching)).rowcount else None


def drop_links(connection: Connection, purpose: Purpose, subject: str) -> None:
    """End the links for a purpose and subject."""
    matching = (door_links.c.purpose == purpose.value, door_links.c.subject == subject)
    connection.execute(delete(door_links).where(*matching))
