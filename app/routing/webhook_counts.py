"""How many webhooks there are, by context: for lists of places."""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from app.security.scope import Scope
from app.store.tables import webhooks


def webhooks_by_context(connection: Connection, scope: Scope) -> dict[str | None, int]:
    """The webhooks within a scope; None = those of the organization itself, which hear of every context."""
    place = webhooks.c.context_id
    wanted = (*scope.within(webhooks), webhooks.c.deleted_at.is_(None))
    rows = connection.execute(select(place, func.count()).where(*wanted).group_by(place))
    return {context: int(number) for context, number in rows}
