"""Writing the chain of our own audit, and finding the first record that is not as it was written."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection

from app.core.audit_chain import BROKEN, NOTHING_YET, AuditRecord, Head, content_digest
from app.core.clock import Micros
from app.core.errors import SecretUnreadableError
from app.security.sealed_fields import AUDIT_HEAD
from app.security.vault import Vault
from app.store.audit_records import append_record, last_number, records_after, sealed_head

log = logging.getLogger(__name__)


def extend_chain(
    connection: Connection, vault: Vault, organization_id: str, *, event_id: str, body: bytes, now: Micros
) -> None:
    """Put the event of a change behind all before it, inside the change's transaction."""
    head = _believed_head(connection, vault, organization_id)
    record = AuditRecord(organization_id, head.number + 1, event_id, now, content_digest(body))
    after = Head(record.number, record.digest(head.digest))
    sealed = vault.seal(after.to_bytes(), organization=organization_id, webhook=organization_id, field=AUDIT_HEAD)
    append_record(connection, record, after.digest, sealed)


def read_head(connection: Connection, vault: Vault, organization_id: str) -> Head | None:
    """Where the chain of an organization ends, None when there is none.

    Raises:
        SecretUnreadableError: what is stored was not written by us.
    """
    sealed = sealed_head(connection, organization_id)
    if sealed is None:
        return None
    opened = vault.open(sealed, organization=organization_id, webhook=organization_id, field=AUDIT_HEAD)
    return Head.from_bytes(opened)


def _believed_head(connection: Connection, vault: Vault, organization_id: str) -> Head:
    """Where to go on. After a forged or lost head the chain goes on visibly broken: changes must not stop for it."""
    last = last_number(connection, organization_id)
    try:
        head = read_head(connection, vault, organization_id)
    except SecretUnreadableError:
        log.exception("the head of an audit chain was tampered with", extra={"organization": organization_id})
        return Head(last, BROKEN)
    if head is None:
        return NOTHING_YET if not last else Head(last, BROKEN)
    return head if head.number >= last else Head(last, BROKEN)


@dataclass(frozen=True, slots=True)
class Break:
    """The first record of a chain that is not as it was written, and what is wrong with it."""

    organization_id: str
    number: int
    what: str


class ChainCheck:
    """Looks through the chain of one organization.

    Args:
        connection: of a snapshot.
        vault: opens the head.
        organization_id: whose chain.
        kept_since: events recorded before this may be gone.
        anchors: digests by number that were written down elsewhere.
    """

    def __init__(
        self,
        connection: Connection,
        vault: Vault,
        organization_id: str,
        *,
        kept_since: Micros,
        anchors: dict[int, bytes] | None = None,
    ) -> None:
        self._connection = connection
        self._vault = vault
        self._organization_id = organization_id
        self._kept_since = kept_since
        self._anchors = dict(anchors or {})
        self._seen = NOTHING_YET
        self.broken: Break | None = None
        """What was found; None = nothing so far."""

    def __iter__(self) -> Iterator[int]:
        """Check in steps; yields how many records each looked at, and ends with the first that is broken."""
        while rows := records_after(self._connection, self._organization_id, self._seen.number):
            for record, digest, body in rows:
                wrong = self._wrong(record, digest, body)
                if wrong:
                    self._found(self._seen.number + 1, wrong)
                    return
                self._seen = Head(record.number, digest)
            yield len(rows)
        self._check_end()

    def _wrong(self, record: AuditRecord, digest: bytes, body: bytes | None) -> str:
        if record.number != self._seen.number + 1:
            return "is missing"
        if record.digest(self._seen.digest) != digest:
            return "was changed, or does not follow the one before it"
        if body is None and record.recorded_at >= self._kept_since:
            return f"has lost its event {record.event_id}, which should still be kept"
        if body is not None and content_digest(body) != record.content:
            return f"has another event {record.event_id} than was written"
        if self._anchors.pop(record.number, digest) != digest:
            return "is another than the one that was written down"
        return ""

    def _check_end(self) -> None:
        try:
            head = read_head(self._connection, self._vault, self._organization_id)
        except SecretUnreadableError:
            self._found(self._seen.number, "is not where we ended the chain: its head was not written by us")
            return
        if head != (self._seen if self._seen.number else None):
            beyond = head is not None and head.number > self._seen.number
            missing = "is missing, and all behind it" if beyond else "is not where we ended the chain"
            self._found(self._seen.number + beyond, missing)
        elif self._anchors:
            self._found(min(self._anchors), "was written down and is missing")

    def _found(self, number: int, what: str) -> None:
        self.broken = Break(self._organization_id, number, what)
