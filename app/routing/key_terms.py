"""Use cases of the terms under which an API key sends: show, set, take away."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from app.core.clock import Clock
from app.core.event import Change
from app.core.ids import RandomBytes
from app.core.signing import new_secret
from app.routing.key_terms_input import RateLimit, SignatureChange
from app.routing.own_audit import Author, OwnChange
from app.routing.own_changes import OwnChanges
from app.security.api_keys import KeyRecord, find_key
from app.security.key_terms import NO_TERMS, KeyTerms, drop_terms, outlines_of_terms, read_terms, write_terms
from app.security.scope import Scope
from app.security.vault import Vault
from app.store.engine import Store


class KeyTermsService:
    """What an administrator can decide about the keys in their scope.

    Args:
        store: the database.
        vault: seals the secrets.
        changes: where what changes is written and told.
        clock: the time.
        random_bytes: for secrets.
    """

    def __init__(
        self,
        store: Store,
        vault: Vault,
        *,
        changes: OwnChanges,
        clock: Clock,
        random_bytes: RandomBytes,
    ) -> None:
        self._store = store
        self._vault = vault
        self._changes = changes
        self._clock = clock
        self._random_bytes = random_bytes

    def get(self, scope: Scope, key_id: str) -> dict[str, Any]:
        """The terms of a key; how many secrets there are is all that is shown of them.

        Raises:
            NotFoundError: there is no such key in this scope.
        """
        with self._store.read() as connection:
            find_key(connection, scope, key_id)
            return _view(read_terms(connection, self._vault, key_id))

    def outlines(self, scope: Scope, key_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """What a list of keys tells of their terms, by key; keys without any are left out. No secret is opened."""
        with self._store.read() as connection:
            return {
                one.key_id: {"rate_per_s": one.rate_per_s, "scheme": one.scheme}
                for one in outlines_of_terms(connection, scope, key_ids)
            }

    def put(self, scope: Scope, key_id: str, terms: KeyTerms, by: Author) -> dict[str, Any]:
        """Set the whole terms of a key.

        Raises:
            NotFoundError: there is no such key in this scope.
            InvalidInputError: a secret protects nothing.
        """
        return _view(self._changed(scope, key_id, lambda _before: terms, by))

    def limit(self, scope: Scope, key_id: str, wanted: RateLimit, by: Author) -> dict[str, Any]:
        """Set how much a key may send; how it signs stays.

        Raises:
            NotFoundError: there is no such key in this scope.
        """
        return _view(self._changed(scope, key_id, lambda before: replace(before, rate_per_s=wanted.rate_per_s), by))

    def sign(self, scope: Scope, key_id: str, wanted: SignatureChange, by: Author) -> dict[str, Any]:
        """Set how the requests of a key must be signed; how much it may send stays.

        A ``secret`` that had to be made is in this answer only.

        Raises:
            NotFoundError: there is no such key in this scope.
            InvalidInputError: a secret protects nothing, or there are none or too many.
        """
        fresh = new_secret(self._random_bytes)
        terms = self._changed(
            scope, key_id, lambda before: replace(before, rule=wanted.applied(before.rule, fresh)), by
        )
        is_used = terms.rule is not None and fresh in terms.rule.secrets
        return _view(terms) | {"secret": fresh if is_used else None}

    def _changed(self, scope: Scope, key_id: str, change: Callable[[KeyTerms], KeyTerms], by: Author) -> KeyTerms:
        with self._changes.write() as (connection, news):
            key = find_key(connection, scope, key_id)
            before = read_terms(connection, self._vault, key_id)
            terms = change(before)
            if terms == NO_TERMS:
                drop_terms(connection, key_id)
            else:
                write_terms(connection, self._vault, key, terms, self._clock())
            news.tell(_changed_terms(by, key, before, terms))
        return terms


def _changed_terms(by: Author, key: KeyRecord, before: KeyTerms, after: KeyTerms) -> OwnChange | None:
    """A key of the whole platform belongs to no organization, and so to no audit."""
    if key.organization_id is None:
        return None
    place = f"organization.api_tokens[{key.id}].terms"
    told = Change(field="Terms", path=place, before=_told(before), after=_told(after), secret=False)
    return OwnChange(
        organization_id=key.organization_id,
        author=by,
        action="update",
        entity_type="api_token",
        entity_id=key.id,
        entity_name=key.name,
        changes=(told,),
    )


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
