"""Under which terms an API key may send events: how many per second, and how its requests must be signed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from app.core.clock import Micros
from app.core.errors import InvalidInputError
from app.security.api_keys import KeyRecord
from app.security.inbound_signatures import MAX_SECRETS, Scheme, SignatureRule, check_secret
from app.security.scope import Scope
from app.security.sealed_fields import KEY_SECRETS
from app.security.vault import Vault
from app.store.tables import api_keys
from app.store.tables_limits import key_terms


@dataclass(frozen=True, slots=True)
class KeyTerms:
    """The terms of one key; None = no limit of its own, no signature."""

    rate_per_s: int | None = None
    rule: SignatureRule | None = None


NO_TERMS = KeyTerms()


@dataclass(frozen=True, slots=True)
class TermsOutline:
    """The terms of one key without its secrets, for a list."""

    key_id: str
    rate_per_s: int | None
    scheme: str | None


def read_terms(connection: Connection, vault: Vault, key_id: str) -> KeyTerms:
    """The terms of a key; those of one that has none, or of something else, are :data:`NO_TERMS`.

    Raises:
        SecretUnreadableError: a secret cannot be opened.
    """
    row = connection.execute(select(key_terms).where(key_terms.c.key_id == key_id)).mappings().one_or_none()
    if row is None:
        return NO_TERMS
    if row["scheme"] is None:
        return KeyTerms(row["rate_per_s"])
    secrets = orjson.loads(
        vault.open(row["secrets_sealed"], **_place(row["organization_id"], key_id), field=KEY_SECRETS)
    )
    return KeyTerms(row["rate_per_s"], SignatureRule(Scheme(row["scheme"]), tuple(secrets), row["header"]))


def outlines_of_terms(connection: Connection, scope: Scope, key_ids: Sequence[str]) -> list[TermsOutline]:
    """The terms of the keys of a list that have any, within a scope."""
    columns = (key_terms.c.key_id, key_terms.c.rate_per_s, key_terms.c.scheme)
    mine = (key_terms.c.key_id.in_(key_ids), *scope.within(api_keys))
    statement = select(*columns).join(api_keys, api_keys.c.id == key_terms.c.key_id).where(*mine)
    return [TermsOutline(*row) for row in connection.execute(statement)]


def write_terms(connection: Connection, vault: Vault, key: KeyRecord, terms: KeyTerms, now: Micros) -> None:
    """Set the terms of a key.

    Raises:
        InvalidInputError: a secret protects nothing, or there are none or too many.
    """
    values: dict[str, Any] = {
        "key_id": key.id,
        "organization_id": key.organization_id,
        "rate_per_s": terms.rate_per_s,
        "scheme": None,
        "header": "",
        "secrets_sealed": None,
        "updated_at": now,
    }
    rule = terms.rule
    if rule is not None:
        if not 1 <= len(rule.secrets) <= MAX_SECRETS:
            raise InvalidInputError(f"give 1 to {MAX_SECRETS} secrets", field="signature.secrets")
        for secret in rule.secrets:
            check_secret(rule.scheme, secret)
        sealed = vault.seal(orjson.dumps(rule.secrets), **_place(key.organization_id, key.id), field=KEY_SECRETS)
        values |= {"scheme": rule.scheme.value, "header": rule.header.lower(), "secrets_sealed": sealed}
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    changed = {name: value for name, value in values.items() if name != "key_id"}
    statement = dialect.insert(key_terms).values(**values)
    connection.execute(statement.on_conflict_do_update(index_elements=["key_id"], set_=changed))


def drop_terms(connection: Connection, key_id: str) -> None:
    """Take every limit and signature away from a key."""
    connection.execute(delete(key_terms).where(key_terms.c.key_id == key_id))


def _place(organization_id: str | None, key_id: str) -> dict[str, str]:
    return {"organization": organization_id or "", "webhook": key_id}
