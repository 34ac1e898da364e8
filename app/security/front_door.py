"""Use cases of people at the door: sign in, sign out, the first set-up, a new password by a link."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection, RowMapping

from app.core.clock import Clock
from app.core.errors import InvalidInputError, NotFoundError, PermanentError
from app.core.ids import RandomBytes
from app.security.links import Purpose, create_link, subject_of_link, use_link
from app.security.login_throttle import forget_tries, refusal_of_try
from app.security.members import add_member
from app.security.passwords import Passwords, check_new_password
from app.security.person import MemberRole, Person, memberships_of
from app.security.sessions import (
    SEEN_STEP,
    OpenSession,
    end_listed_session,
    end_other_sessions,
    end_session,
    end_sessions,
    find_session,
    open_session,
    open_sessions,
    touch_session,
)
from app.security.users import (
    any_user,
    create_user,
    find_user,
    folded_email,
    note_sign_in,
    replace_hash,
    set_password,
    user_by_id,
)
from app.store.engine import Store

log = logging.getLogger("relaypoint.door")


class WrongCredentialsError(PermanentError):
    """The e-mail address or the password is wrong, or the person is disabled: nobody learns which."""

    def __init__(self) -> None:
        super().__init__("the e-mail address or the password is wrong")


class LinkGoneError(PermanentError):
    """A one-time link was used, replaced or has expired."""

    def __init__(self) -> None:
        super().__init__("this link was used already or has expired; ask for a new one")


@dataclass(frozen=True, slots=True)
class Caller:
    """Where a request at the door comes from.

    Args:
        address: of the network.
        user_agent: what the browser calls itself.
        session: the token of the session it has so far, which ends when somebody signs in; None = none.
    """

    address: str
    user_agent: str
    session: str | None = None


class FrontDoor:
    """Lets people in and out.

    Args:
        store: the database.
        passwords: hashes and checks them.
        clock: the time.
        random_bytes: for tokens and ids.
    """

    def __init__(self, store: Store, passwords: Passwords, *, clock: Clock, random_bytes: RandomBytes) -> None:
        self._store = store
        self._passwords = passwords
        self._clock = clock
        self._random_bytes = random_bytes

    def sign_in(self, email: str, password: str, caller: Caller) -> str:
        """Check a password and open a session; answers its token.

        Raises:
            WrongCredentialsError: they do not fit.
            TooManyTriesError: too many tries on this account or from this address.
            OverloadedError: too many log-ins are under way.
        """
        user = self._proven(email, password, caller)
        return self._let_in(user, password, caller)

    def change_password(self, person: Person, present: str, wanted: str, caller: Caller) -> str:
        """Another password for whoever knows the present one; every session ends but the new one it answers.

        Raises:
            WrongCredentialsError: the present password does not fit.
            TooManyTriesError: too many tries on this account or from this address.
            InvalidInputError: the new password is too easily guessed.
            OverloadedError: too many log-ins are under way.
        """
        user = self._proven(person.email, present, caller)
        hashed = self.new_hash(person.email, wanted)
        with self._store.write() as connection:
            _check_unchanged(connection, user)
            set_password(connection, user["id"], hashed)
            return self.admit(connection, user["id"], user["email"], caller)

    def _proven(self, email: str, password: str, caller: Caller) -> RowMapping:
        """The account whose password this is."""
        folded = email.strip().casefold()
        try:
            folded = folded_email(email)
        except InvalidInputError:
            log.info("a log-in with no e-mail address", extra={"address": caller.address})
        with self._store.write() as connection:
            refusal = refusal_of_try(connection, folded, caller.address, self._clock())
        if refusal is not None:
            log.warning("too many log-ins", extra={"address": caller.address})
            raise refusal
        with self._store.read() as connection:
            user = find_user(connection, folded)
        fits = self._passwords.verify(None if user is None else user["password_hash"], password)
        if user is None or not fits or user["disabled_at"] is not None:
            log.warning("a log-in failed", extra={"address": caller.address})
            raise WrongCredentialsError
        return user

    def _let_in(self, user: RowMapping, password: str, caller: Caller) -> str:
        fresh = self._passwords.hash(password) if self._passwords.outdated(user["password_hash"]) else None
        with self._store.write() as connection:
            _check_unchanged(connection, user)
            if fresh is not None:
                replace_hash(connection, user["id"], fresh)
            return self.admit(connection, user["id"], user["email"], caller)

    def admit(self, connection: Connection, user_id: str, email: str, caller: Caller) -> str:
        """Open a session for somebody who has proven who they are; the one they had ends.

        Args:
            connection: inside a write transaction.
            user_id: the person.
            email: the person's.
            caller: where the request comes from.
        """
        now = self._clock()
        if caller.session is not None:
            end_session(connection, caller.session)
        forget_tries(connection, email)
        note_sign_in(connection, user_id, now)
        log.info("signed in", extra={"user": user_id, "address": caller.address})
        return open_session(
            connection,
            user_id,
            address=caller.address,
            user_agent=caller.user_agent,
            now=now,
            random_bytes=self._random_bytes,
        )

    def person(self, session: str) -> Person | None:
        """Who has this session's token, as the database says now; None when nobody has."""
        now = self._clock()
        with self._store.read() as connection:
            found = find_session(connection, session, now)
            if found is None:
                return None
            person = Person(found.user_id, found.email, found.name, memberships_of(connection, found.user_id))
        if now - found.seen_at > SEEN_STEP:
            with self._store.write() as connection:
                touch_session(connection, session, now)
        return person

    def sign_out(self, session: str) -> None:
        """End this session."""
        with self._store.write() as connection:
            end_session(connection, session)

    def sign_out_everywhere(self, person: Person) -> None:
        """End every session of a person."""
        with self._store.write() as connection:
            end_sessions(connection, person.id)

    def sessions(self, person: Person, session: str) -> list[OpenSession]:
        """Where a person is signed in; ``session`` is the token of the one that asks."""
        with self._store.read() as connection:
            return open_sessions(connection, person.id, session, self._clock())

    def has_password(self, person: Person) -> bool:
        """Whether a person can sign in with a password. The first log-in at a provider ends it; a link sets another."""
        with self._store.read() as connection:
            user = user_by_id(connection, person.id)
        return user is not None and user["password_hash"] is not None

    def end_session(self, person: Person, session_id: str) -> None:
        """End one of a person's own sessions, as :meth:`sessions` names it; somebody else's stays."""
        with self._store.write() as connection:
            end_listed_session(connection, person.id, session_id)

    def sign_out_elsewhere(self, person: Person, session: str) -> None:
        """End every session of a person but this one."""
        with self._store.write() as connection:
            end_other_sessions(connection, person.id, session)

    def setup_link(self) -> str | None:
        """The token of a new link to set up this installation; None when there is a person already."""
        with self._store.write() as connection:
            if any_user(connection):
                return None
            return create_link(connection, Purpose.SETUP, "", now=self._clock(), random_bytes=self._random_bytes)[0]

    def link_is_good(self, purpose: Purpose, token: str) -> bool:
        """Whether a link would still be taken."""
        with self._store.read() as connection:
            return subject_of_link(connection, purpose, token, self._clock()) is not None

    def email_of_link(self, token: str) -> str | None:
        """The e-mail address of whoever may set a password by a link; None when the link is not good."""
        with self._store.read() as connection:
            user_id = subject_of_link(connection, Purpose.PASSWORD, token, self._clock())
            user = None if user_id is None else user_by_id(connection, user_id)
            return None if user is None else str(user["email"])

    def set_up(self, token: str, *, email: str, name: str, password: str, caller: Caller) -> str:
        """Make the first person, the platform's owner, and sign that person in; answers the session's token.

        Raises:
            LinkGoneError: the link is not good, or there is a person already.
            InvalidInputError: naming the field at fault; the link stays good.
        """
        if not self.link_is_good(Purpose.SETUP, token):
            raise LinkGoneError
        folded, hashed, now = folded_email(email), self.new_hash(email, password), self._clock()
        with self._store.write() as connection:
            if use_link(connection, Purpose.SETUP, token, now) is None or any_user(connection):
                raise LinkGoneError
            user = create_user(
                connection, email=folded, name=name, password_hash=hashed, now=now, random_bytes=self._random_bytes
            )
            add_member(
                connection,
                email=folded,
                role=MemberRole.OWNER,
                user_id=user.id,
                now=now,
                random_bytes=self._random_bytes,
            )
            return self.admit(connection, user.id, folded, caller)

    def new_hash(self, email: str, password: str) -> str:
        """What is stored of a new password.

        Raises:
            InvalidInputError: the e-mail address is none, or the password is too easily guessed.
            OverloadedError: too many log-ins are under way.
        """
        check_new_password(password, folded_email(email))
        return self._passwords.hash(password)

    def set_password(self, email: str, password: str) -> None:
        """Set a person's password; every session ends.

        Raises:
            InvalidInputError: the password is too easily guessed.
            NotFoundError: there is no such person.
        """
        hashed = self.new_hash(email, password)
        with self._store.write() as connection:
            user = self._known(connection, email)
            set_password(connection, user["id"], hashed)
            forget_tries(connection, user["email"])

    def password_link(self, email: str) -> str:
        """The token of a new link with which a person sets a password.

        Raises:
            NotFoundError: there is no such person.
        """
        with self._store.write() as connection:
            user = self._known(connection, email)
            return create_link(
                connection, Purpose.PASSWORD, user["id"], now=self._clock(), random_bytes=self._random_bytes
            )[0]

    @staticmethod
    def _known(connection: Connection, email: str) -> RowMapping:
        user = find_user(connection, folded_email(email))
        if user is None:
            raise NotFoundError(f"there is no person with the e-mail address {email!r}")
        return user

    def renew_password(self, token: str, password: str, caller: Caller) -> str:
        """Set a password by a link and sign in; every other session ends.

        Raises:
            LinkGoneError: the link is not good, or the person is disabled.
            InvalidInputError: the password is too easily guessed; the link stays good.
        """

        def user_of(connection: Connection, find: Callable[..., str | None]) -> RowMapping:
            user_id = find(connection, Purpose.PASSWORD, token, self._clock())
            user = None if user_id is None else user_by_id(connection, user_id)
            if user is None or user["disabled_at"] is not None:
                raise LinkGoneError
            return user

        with self._store.read() as connection:
            user = user_of(connection, subject_of_link)
        hashed = self.new_hash(user["email"], password)
        with self._store.write() as connection:
            user = user_of(connection, use_link)
            set_password(connection, user["id"], hashed)
            return self.admit(connection, user["id"], user["email"], caller)


def _check_unchanged(connection: Connection, proven: RowMapping) -> None:
    """Hashing takes a while: a password that was changed meanwhile must not open a session, nor come back.

    Raises:
        WrongCredentialsError: the account is not what it was when its password was looked at.
    """
    user = user_by_id(connection, proven["id"], lock=True)
    if user is None or user["password_hash"] != proven["password_hash"] or user["disabled_at"] is not None:
        raise WrongCredentialsError
