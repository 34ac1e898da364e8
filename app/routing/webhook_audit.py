"""What our own audit says of a change to a webhook."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import RowMapping

from app.core.event import Change
from app.routing.own_audit import Author, OwnChange, differences
from app.routing.webhook_input import WebhookPatch
from app.routing.webhook_view import webhook_view

_WRITE_ONLY = ("headers", "secrets")
_FOLLOWING = {"enabled", "state_reason", "header_changes"}


def webhook_created(by: Author, row: RowMapping) -> OwnChange:
    """A webhook appeared."""
    return _change(by, "create", row, (_whole(row, None, _told(row)),))


def webhook_deleted(by: Author, row: RowMapping) -> OwnChange:
    """A webhook went; ``row`` is how it was."""
    return _change(by, "delete", row, (_whole(row, _told(row), None),))


def webhook_changed(
    by: Author, row: RowMapping, after: RowMapping, *, patch: WebhookPatch | None = None
) -> OwnChange | None:
    """A webhook is another than before; None when nothing that is shown or kept secret changed.

    Args:
        by: who did it.
        row: how it was.
        after: how it is.
        patch: what was asked for, which tells of the fields that no view shows.
    """
    secrets = [name for name in _WRITE_ONLY if patch is not None and patch.says(name)]
    if patch is not None and patch.endpoint_url and row["endpoint_shown"] == after["endpoint_shown"]:
        secrets.append("endpoint_url")
    if row["signing_sealed"] != after["signing_sealed"]:
        secrets.append("signing_secret")
    changes = differences(f"webhooks[{row['id']}]", _view(row), _view(after), secrets=secrets)
    return _change(by, "update", row, changes) if changes else None


def _view(row: RowMapping) -> Mapping[str, Any]:
    """The public view without what only follows from ``state`` or from the change itself."""
    return {name: value for name, value in webhook_view(row).items() if name not in _FOLLOWING}


def _told(row: RowMapping) -> dict[str, Any]:
    return {"name": row["name"], "state": row["state"], "sink": row["sink"], "endpoint_url": row["endpoint_shown"]}


def _whole(row: RowMapping, before: Any, after: Any) -> Change:
    return Change(field="Webhook", path=f"webhooks[{row['id']}]", before=before, after=after, secret=False)


def _change(by: Author, action: str, row: RowMapping, changes: tuple[Change, ...]) -> OwnChange:
    return OwnChange(
        organization_id=row["organization_id"],
        author=by,
        action=action,
        entity_type="webhook",
        entity_id=row["id"],
        entity_name=row["name"],
        changes=changes,
        webhook_pk=row["pk"],
    )
