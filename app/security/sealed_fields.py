"""What is sealed in the database: the names the vault binds secrets with, and the columns that hold them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import Column, Table

from app.store.tables import webhooks
from app.store.tables_audit import audit_heads
from app.store.tables_limits import key_terms
from app.store.tables_sources import sources

ENDPOINT: Final = "endpoint_url"
"""``webhooks.endpoint_sealed``: the URL, UTF-8."""

HEADERS: Final = "headers"
"""``webhooks.headers_sealed``: JSON list of ``[name, value]``."""

SECRETS: Final = "secrets"
"""``webhooks.secrets_sealed``: JSON object of the sink's secrets."""

SIGNING: Final = "signing_secret"
"""``webhooks.signing_sealed`` and ``signing_previous_sealed``: the ``whsec_…`` text. One name for both, so that a
rotation moves the sealed bytes without opening them."""

SOURCE_SECRET: Final = "source_secret"  # noqa: S105 - a field's name, not a secret
"""``sources.secret_sealed`` and ``previous_sealed``: the secret's text, bound to the source in the webhook's place. One
name for both, as above."""

AUDIT_HEAD: Final = "audit_head"
"""``audit_heads.head_sealed``: the end of an organization's chain, bound to the organization in the webhook's place."""

KEY_SECRETS: Final = "key_secrets"
"""``key_terms.secrets_sealed``: JSON list of texts, bound to the key in the webhook's place."""


@dataclass(frozen=True, slots=True)
class SealedColumn:
    """A column of envelopes, bound to the table's ``organization_id``, an owner and a field.

    Args:
        table: where it is.
        name: the column.
        field: the name that the vault binds its values with.
        key: the column whose order a walk over the table takes, unique.
        owner: the column whose value stands in the webhook's place.
    """

    table: Table
    name: str
    field: str
    key: str
    owner: str = "id"

    @property
    def column(self) -> Column[bytes]:
        """The envelopes."""
        return self.table.c[self.name]


SEALED: Final = (
    SealedColumn(webhooks, "endpoint_sealed", ENDPOINT, "pk"),
    SealedColumn(webhooks, "headers_sealed", HEADERS, "pk"),
    SealedColumn(webhooks, "secrets_sealed", SECRETS, "pk"),
    SealedColumn(webhooks, "signing_sealed", SIGNING, "pk"),
    SealedColumn(webhooks, "signing_previous_sealed", SIGNING, "pk"),
    SealedColumn(sources, "secret_sealed", SOURCE_SECRET, "id"),
    SealedColumn(sources, "previous_sealed", SOURCE_SECRET, "id"),
    SealedColumn(key_terms, "secrets_sealed", KEY_SECRETS, "key_id", "key_id"),
    SealedColumn(audit_heads, "head_sealed", AUDIT_HEAD, "organization_id", "organization_id"),
)
"""Every one there is; a column that is not listed would be lost with the next master key."""
