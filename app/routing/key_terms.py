"""Use cases of the terms under which an API key sends: show, set, take away."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from app.core.clock import Clock
from app.core.doorbell import Doorbell
from app.core.event import Change
from app.routing.own_audit import Audit, Author, OwnChange
from app.security.api_keys import KeyRecord, find_key
from app.security.key_terms import NO_TERMS, KeyTerms, drop_terms, read_terms, write_terms
from app.security.scope import Scope
from app.security.vault import Vault
from app.store.engine import Store


class KeyTermsService:
    """What an administrator can decide about the keys in their scope.

    Args:
        store: the database.
        vault: seals the secrets.
        audit: told of every change, in its transaction.
        doorbell: rung for whom the event of a change is owed to.
        clock: the time.
    """

    def __init__(self, store: Store, vault: Vault, *, audit: Audit, doorbell: Doorbell, clock: Clock) -> None:
        self._store = store
        self._vault = vault
        self._audit = audit
        self._doorbell = doorbell
        self._clock = clock

    def get(self, scope: Scope, key_id: str) -> dict[str, Any]:
        """The terms of a key; how many secrets there are is all that is shown of them.

        Raises:
            NotFoundError: there is no such key in this scope.
        """
        with self._store.read() as connection:
            find_key(connection, scope, key_id)
            return _view(read_terms(connection, self._vault, key_id))

    def put(self, scope: Scope, key_id: str, terms: KeyTerms, by: Author) -> dict[str, Any]:
        """Set the whole terms of a key.

        Raises:
            NotFoundError: there is no such key in this scope.
            InvalidInputError: a secret protects nothing.
        """
        with self._store.write() as connection:
            key = find_key(connection, scope, key_id)
            before = read_terms(connection, self._vault, key_id)
            if terms == NO_TERMS:
                drop_terms(connection, key_id)
            else:
                write_terms(connection, self._vault, key, terms, self._clock())
            rings = self._tell(connection, by, key, before, terms)
        self._doorbell.ring(rings)
        return _view(terms)

    def _tell(
        self, connection: Connection, by: Author, key: KeyRecord, before: KeyTerms, after: KeyTerms
    ) -> frozenset[int]:
        """A key of the whole platform belongs to no organization, and so to no audit."""
        if key.organization_id is None:
            return frozenset()
        place = f"organization.api_tokens[{key.id}].terms"
        told = Change(field="Terms", path=place, before=_told(before), after=_told(after), secret=False)
        change = OwnChange(
            organization_id=key.organization_id,
            author=by,
            action="update",
            entity_type="api_token",
            entity_id=key.id,
            entity_name=key.name,
            changes=(told,),
        )
        return self._audit.record(connection, change)


def _told(terms: KeyTerms) -> dict[str, Any]:
    rule = terms.rule
    return {"rate_per_s": terms.rate_per_s, "signed": None if rule is None else rule.scheme.value}


def _view(terms: KeyTerms) -> dict[str, Any]:
    rule = terms.rule
    shown = None
    if rule is not None:
        header = rule.header or rule.scheme.header
        shown = {"scheme": rule.scheme.value, "header": header, "secrets": {"set": True, "number": len(rule.secrets)}}
    return {"rate_per_s": terms.rate_per_s, "signature": shown}
