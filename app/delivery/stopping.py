"""Stopping a webhook from within the drain: the state changes, and everybody else is told."""

from __future__ import annotations

from sqlalchemy import Connection, select

from app.core.clock import Micros
from app.core.event import Change
from app.routing.own_audit import SYSTEM, Audit, OwnChange
from app.store.holds import stop_webhook
from app.store.tables import webhooks


class Stopping:
    """Stops webhooks inside the drain's own transaction.

    Args:
        audit: told of each webhook that really stopped, so that its silence is not the only sign.
    """

    def __init__(self, audit: Audit) -> None:
        self._audit = audit

    def stop(self, connection: Connection, webhook_pk: int, *, state: str, reason: str, now: Micros) -> None:
        """Pause or disable an enabled webhook because of what a receiver or a plugin did."""
        if not stop_webhook(connection, webhook_pk, state=state, reason=reason, now=now):
            return
        columns = (webhooks.c.id, webhooks.c.name, webhooks.c.organization_id)
        row = connection.execute(select(*columns).where(webhooks.c.pk == webhook_pk)).one()
        place = f"webhooks[{row.id}]"
        self._audit.record(
            connection,
            OwnChange(
                organization_id=row.organization_id,
                author=SYSTEM,
                action="update",
                entity_type="webhook",
                entity_id=row.id,
                entity_name=row.name,
                changes=(
                    Change(field="state", path=f"{place}.state", before="enabled", after=state, secret=False),
                    Change(field="state_reason", path=f"{place}.state_reason", before=None, after=reason, secret=False),
                ),
                webhook_pk=webhook_pk,
            ),
        )
