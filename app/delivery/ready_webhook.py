"""A webhook by its id, ready to work, for what people ask about it by hand."""

from __future__ import annotations

from sqlalchemy import RowMapping, select

from app.core.clock import Micros
from app.core.errors import ConflictError, NotFoundError
from app.core.unfinished import unfinished
from app.delivery.runtime import NotReadyError, RuntimeLoader, WebhookRuntime
from app.security.scope import Scope
from app.store import Store
from app.store.tables import webhooks


def ready_webhook(
    store: Store, loader: RuntimeLoader, webhook_id: str, scope: Scope, now: Micros
) -> tuple[RowMapping, WebhookRuntime]:
    """The webhook's row and its runtime, also of a paused one.

    Raises:
        NotFoundError: there is no such webhook in scope.
        ConflictError: it has no endpoint or no sink yet, or its sink cannot work.
    """
    statement = select(webhooks).where(
        *scope.within(webhooks), webhooks.c.id == webhook_id, webhooks.c.deleted_at.is_(None)
    )
    with store.read() as connection:
        row = connection.execute(statement).mappings().one_or_none()
    if row is None:
        raise NotFoundError("no such webhook")
    lacks = unfinished(has_endpoint=row["endpoint_sealed"] is not None, has_sink=row["sink"] is not None)
    if lacks is not None:
        raise ConflictError(f"{lacks}; set that first")
    try:
        return row, loader.ask(row["sink"], lambda: loader.build(row, now))
    except NotReadyError as error:
        raise ConflictError(error.reason) from error
