"""What our own audit says of API keys. A key of the whole platform belongs to no organization, and so to no audit."""

from __future__ import annotations

from app.core.clock import to_rfc3339
from app.core.event import Change
from app.routing.own_audit import Author, OwnChange
from app.security.api_keys import KeyRecord

Told = dict[str, str | None]


def key_created(by: Author, record: KeyRecord) -> OwnChange | None:
    """A key appeared; None for one of the platform."""
    return _change(by, "create", record, None, _told(record))


def key_changed(by: Author, before: KeyRecord, after: KeyRecord) -> OwnChange | None:
    """A key has another name or end; None for one of the platform, and when nothing changed."""
    return None if before == after else _change(by, "update", after, _told(before), _told(after))


def key_revoked(by: Author, record: KeyRecord) -> OwnChange | None:
    """A key ended; None for one of the platform."""
    return _change(by, "delete", record, _told(record), None)


def _told(record: KeyRecord) -> Told:
    expires_at = None if record.expires_at is None else to_rfc3339(record.expires_at)
    return {"name": record.name, "role": record.role, "context_id": record.context_id, "expires_at": expires_at}


def _change(
    by: Author,
    action: str,
    record: KeyRecord,
    before: dict[str, str | None] | None,
    after: dict[str, str | None] | None,
) -> OwnChange | None:
    if record.organization_id is None:
        return None
    place = f"organization.api_tokens[{record.id}]"
    return OwnChange(
        organization_id=record.organization_id,
        author=by,
        action=action,
        entity_type="api_token",
        entity_id=record.id,
        entity_name=record.name,
        changes=(Change(field="API key", path=place, before=before, after=after, secret=False),),
    )
