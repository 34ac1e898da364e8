"""Use cases of an organization's API keys: making, listing, changing and ending them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from app.core.clock import Clock, Micros, to_rfc3339
from app.core.errors import ForbiddenError, InvalidInputError
from app.core.ids import RandomBytes
from app.core.moments import parse_moment
from app.routing.granting import check_grant, check_organization, check_strength
from app.routing.key_audit import key_changed, key_created, key_revoked
from app.routing.own_audit import Author
from app.routing.own_changes import OwnChanges
from app.security.api_keys import (
    MAX_NAME,
    KeyRecord,
    change_key,
    create_key,
    expiry_of_key,
    find_key,
    keys_page,
    revoke_key,
)
from app.security.permissions import parse_role
from app.security.principal import Principal
from app.security.scope import Scope
from app.store.engine import Store

KeyName = Annotated[str, Field(min_length=1, max_length=MAX_NAME)]


class NewKey(BaseModel):
    """A key to make. Without ``context_id`` it is bound to the organization, without ``expires_at`` it stays."""

    model_config = ConfigDict(extra="forbid")
    name: KeyName
    role: Literal["ingest", "read", "write", "admin"]
    context_id: Annotated[str, Field(max_length=200)] | None = None
    expires_at: AwareDatetime | None = None


class KeyPatch(BaseModel):
    """What may change about a key; what is left out stays. ``expires_at`` null = it stays until it is revoked."""

    model_config = ConfigDict(extra="forbid")
    name: KeyName | None = None
    expires_at: AwareDatetime | None = None


class KeyService:
    """API keys of organizations and contexts, within the caller's scope.

    Args:
        store: the database.
        changes: where what changes is written and told.
        clock: the time.
        random_bytes: for ids and keys.
    """

    def __init__(self, store: Store, *, changes: OwnChanges, clock: Clock, random_bytes: RandomBytes) -> None:
        self._store = store
        self._changes = changes
        self._clock = clock
        self._random_bytes = random_bytes

    def page(
        self, scope: Scope, organization_id: str, *, after: str = "", limit: int = 50
    ) -> tuple[list[dict[str, Any]], str | None]:
        """Keys by id from behind ``after``, and the last id if there are more.

        Raises:
            NotFoundError: no such organization in this scope.
        """
        with self._store.read() as connection:
            check_organization(connection, scope, organization_id)
            found = keys_page(connection, scope, organization_id, after=after, limit=limit + 1)
        return [key_view(one) for one in found[:limit]], found[limit - 1].id if len(found) > limit else None

    def get(self, scope: Scope, organization_id: str, key_id: str) -> dict[str, Any]:
        """One key, without its secret.

        Raises:
            NotFoundError: there is none in this scope.
        """
        with self._store.read() as connection:
            return key_view(find_key(connection, scope, key_id, organization_id))

    def create(self, caller: Principal, organization_id: str, new: NewKey) -> dict[str, Any]:
        """Make a key; ``key`` in the answer is shown this once.

        Raises:
            NotFoundError: no such organization or context in the caller's scope.
            ForbiddenError: the key would be stronger, wider or longer good than the caller.
            InvalidInputError: it would have expired already.
        """
        role, expires_at = parse_role(new.role), self._moment(new.expires_at)
        with self._changes.write() as (connection, news):
            check_grant(connection, caller, role, organization_id, new.context_id)
            _check_expiry(connection, caller, expires_at)
            record, key = create_key(
                connection,
                name=new.name,
                role=role.value,
                organization_id=organization_id,
                context_id=new.context_id,
                expires_at=expires_at,
                now=self._clock(),
                random_bytes=self._random_bytes,
            )
            news.tell(key_created(Author.of(caller), record))
        return key_view(record) | {"key": key}

    def change(self, caller: Principal, organization_id: str, key_id: str, patch: KeyPatch) -> dict[str, Any]:
        """Another name, or another end.

        Raises:
            NotFoundError: there is none in the caller's scope.
            ForbiddenError: the key is stronger than the caller, or would be longer good.
            InvalidInputError: it would have expired already.
        """
        with self._changes.write() as (connection, news):
            before = find_key(connection, Scope.of(caller), key_id, organization_id)
            check_strength(caller, parse_role(before.role))
            expires_at = before.expires_at
            if "expires_at" in patch.model_fields_set:
                expires_at = self._moment(patch.expires_at)
                _check_expiry(connection, caller, expires_at)
            after = change_key(connection, before, name=patch.name or before.name, expires_at=expires_at)
            news.tell(key_changed(Author.of(caller), before, after))
        return key_view(after)

    def revoke(self, caller: Principal, organization_id: str, key_id: str) -> None:
        """End a key now. What is ended stays listed.

        Raises:
            NotFoundError: there is none in the caller's scope.
            ForbiddenError: the key is stronger than the caller.
        """
        with self._changes.write() as (connection, news):
            found = find_key(connection, Scope.of(caller), key_id, organization_id)
            check_strength(caller, parse_role(found.role))
            revoked = revoke_key(connection, found.id, self._clock())
            news.tell(None if revoked is None else key_revoked(Author.of(caller), revoked))

    def _moment(self, wanted: AwareDatetime | None) -> Micros | None:
        if wanted is None:
            return None
        moment = parse_moment(wanted.isoformat())
        if moment is None or moment <= self._clock():
            raise InvalidInputError("must be in the future", field="expires_at")
        return moment


def _check_expiry(connection: Connection, caller: Principal, expires_at: Micros | None) -> None:
    """A key that ends cannot make one that outlives it."""
    own = expiry_of_key(connection, caller.id) if caller.kind == "api_token" else None
    if own is not None and (expires_at is None or expires_at > own):
        raise ForbiddenError(f"your own key ends at {to_rfc3339(own)}; set expires_at no later")


def key_view(record: KeyRecord) -> dict[str, Any]:
    """A key in its public form, with the beginning by which it is recognised."""
    return {
        "id": record.id,
        "name": record.name,
        "prefix": f"rp_{record.prefix}",
        "role": record.role,
        "organization_id": record.organization_id,
        "context_id": record.context_id,
        "created_at": to_rfc3339(record.created_at),
        **{
            name: None if moment is None else to_rfc3339(moment)
            for name, moment in (
                ("expires_at", record.expires_at),
                ("revoked_at", record.revoked_at),
                ("last_used_at", record.last_used_at),
            )
        },
    }
