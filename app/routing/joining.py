"""Use cases of somebody who was invited: what the link offers, and taking it up.

An invitation is taken up by the account that has its e-mail address. Whoever invited has the link too, but cannot use
it to get into an account that exists: that takes the account's own log-in.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from app.core.clock import Clock
from app.core.errors import ConflictError, ForbiddenError
from app.core.ids import RandomBytes
from app.routing.member_audit import member_changed
from app.routing.own_audit import Author, OwnChange
from app.routing.own_changes import OwnChanges
from app.security.front_door import Caller, FrontDoor, LinkGoneError
from app.security.links import Purpose, subject_of_link, use_link
from app.security.members import MemberRecord, invited_member, join_member
from app.security.person import Person
from app.security.users import create_user, find_user
from app.store.accepted import organization_name
from app.store.engine import Store


@dataclass(frozen=True, slots=True)
class Invitation:
    """What a link offers. ``known`` says whether there is an account with the e-mail address."""

    email: str
    role: str
    organization: str
    context_id: str | None
    known: bool


class Joining:
    """Takes invitations up.

    Args:
        store: the database.
        people: hashes passwords and opens sessions.
        changes: where it is written and told who joined.
        clock: the time.
        random_bytes: for ids.
    """

    def __init__(
        self,
        store: Store,
        people: FrontDoor,
        *,
        changes: OwnChanges,
        clock: Clock,
        random_bytes: RandomBytes,
    ) -> None:
        self._store = store
        self._people = people
        self._changes = changes
        self._clock = clock
        self._random_bytes = random_bytes

    def invitation(self, link: str) -> Invitation:
        """What a link offers.

        Raises:
            LinkGoneError: it was used, replaced or taken back, or has expired.
        """
        with self._store.read() as connection:
            member = self._offered(connection, link)
            organization = member.organization_id or ""
            return Invitation(
                email=member.email,
                role=member.role,
                organization=organization_name(connection, organization) or organization,
                context_id=member.context_id,
                known=find_user(connection, member.email) is not None,
            )

    def join(self, link: str, person: Person) -> None:
        """Take the role up with the account that is signed in.

        Raises:
            LinkGoneError: as for :meth:`invitation`.
            ForbiddenError: the invitation is for another e-mail address.
        """
        with self._changes.write() as (connection, news):
            member = self._offered(connection, link)
            if person.email != member.email:
                raise ForbiddenError(f"this invitation is for {member.email}; you are signed in as {person.email}")
            news.tell(self._joined(connection, link, member, person.id))

    def join_anew(self, link: str, *, name: str, password: str, caller: Caller) -> str:
        """Make an account, take the role up and sign in; answers the session's token.

        Raises:
            LinkGoneError: as for :meth:`invitation`.
            InvalidInputError: naming the field at fault; the link stays good.
            ConflictError: there is an account with this e-mail address; sign in with it.
        """
        offered = self.invitation(link)
        if offered.known:
            raise ConflictError(f"{offered.email} has an account already; sign in, then open the link again")
        hashed = self._people.new_hash(offered.email, password)
        with self._changes.write() as (connection, news):
            member = self._offered(connection, link)
            user = create_user(
                connection,
                email=member.email,
                name=name,
                password_hash=hashed,
                now=self._clock(),
                random_bytes=self._random_bytes,
            )
            news.tell(self._joined(connection, link, member, user.id))
            return self._people.admit(connection, user.id, user.email, caller)

    def _offered(self, connection: Connection, link: str) -> MemberRecord:
        member_id = subject_of_link(connection, Purpose.INVITATION, link, self._clock())
        member = None if member_id is None else invited_member(connection, member_id)
        if member is None:
            raise LinkGoneError
        return member

    def _joined(self, connection: Connection, link: str, member: MemberRecord, user_id: str) -> OwnChange | None:
        now = self._clock()
        if use_link(connection, Purpose.INVITATION, link, now) is None:
            raise LinkGoneError
        after = join_member(connection, member, user_id, now)
        return member_changed(Author("admin", user_id, member.email), member, after)
