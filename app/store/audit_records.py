"""Reading and writing the chain of our own audit."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict

from sqlalchemy import Connection, func, insert, select, update

from app.core.audit_chain import AuditRecord, own_event_key
from app.store.tables import events, organizations
from app.store.tables_audit import audit_heads, audit_records

PAGE = 200
"""Records read at once."""


def sealed_head(connection: Connection, organization_id: str) -> bytes | None:
    """The sealed head of a chain, None when there is none."""
    statement = select(audit_heads.c.head_sealed).where(audit_heads.c.organization_id == organization_id)
    return connection.execute(statement).scalar_one_or_none()


def last_number(connection: Connection, organization_id: str) -> int:
    """The number of the last record that is there, 0 for none."""
    statement = select(func.max(audit_records.c.number)).where(audit_records.c.organization_id == organization_id)
    return connection.execute(statement).scalar_one() or 0


def append_record(connection: Connection, record: AuditRecord, digest: bytes, head: bytes) -> None:
    """Write a record and the head that ends with it. The caller holds ingest's place in line."""
    connection.execute(insert(audit_records).values(**asdict(record), digest=digest))
    ours = audit_heads.c.organization_id == record.organization_id
    if not connection.execute(update(audit_heads).where(ours).values(head_sealed=head)).rowcount:
        connection.execute(insert(audit_heads).values(organization_id=record.organization_id, head_sealed=head))


def audited_organizations(connection: Connection) -> list[str]:
    """Every organization, in order of id: one without a chain may have lost it."""
    return list(connection.execute(select(organizations.c.id).order_by(organizations.c.id)).scalars())


def record_count(connection: Connection, organization_ids: Collection[str]) -> int:
    """How many records some organizations have."""
    statement = select(func.count()).select_from(audit_records)
    return int(connection.execute(statement.where(audit_records.c.organization_id.in_(organization_ids))).scalar_one())


def records_after(
    connection: Connection, organization_id: str, number: int
) -> Sequence[tuple[AuditRecord, bytes, bytes | None]]:
    """The next records, each with its digest and the event's bytes, None when the event is not there."""
    ours = (audit_records.c.organization_id == organization_id, audit_records.c.number > number)
    statement = select(audit_records).where(*ours).order_by(audit_records.c.number).limit(PAGE)
    rows = connection.execute(statement).mappings().all()
    keys = {row["event_id"]: own_event_key(row["event_id"]) for row in rows}
    kept = connection.execute(select(events.c.dedupe_key, events.c.body).where(events.c.dedupe_key.in_(keys.values())))
    bodies = {key: body for key, body in kept}  # noqa: C416 - dict() does not take rows
    return [
        (
            AuditRecord(row["organization_id"], row["number"], row["event_id"], row["recorded_at"], row["content"]),
            row["digest"],
            bodies.get(keys[row["event_id"]]),
        )
        for row in rows
    ]
