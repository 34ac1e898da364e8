"""Redelivering and backfilling many: counted first, then a stored replay that shows progress and can be cancelled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, select

from app.core.answer_class import AnswerClass
from app.core.clock import Clock, Micros, to_rfc3339
from app.core.errors import ConflictError, InvalidInputError, NotFoundError
from app.core.ids import RandomBytes, new_id
from app.core.states import DeliveryState
from app.delivery.by_hand import count_redelivery
from app.delivery.replaying import LARGEST_RATE, chosen_rows
from app.security.scope import Scope
from app.store.accepted import lock_ingest
from app.store.engine import Store
from app.store.replay_sets import count_rows, ledger_end, ledger_window
from app.store.replays import (
    ReplayKind,
    ReplayState,
    Selection,
    end_replay,
    page_of_replays,
    replays_with_webhook,
    start_replay,
)
from app.store.routes import Route, read_route
from app.store.tables import webhooks
from app.store.tables_replays import replays

LARGEST_REPLAY = 1_000_000
"""Deliveries of one replay. A longer time is replayed in parts."""
DEFAULT_RATE = 200
"""Deliveries per second of a replay that names no rate: 100,000 in about nine minutes, beside what comes in anyway."""


@dataclass(frozen=True, slots=True)
class ReplayOrder:
    """What somebody asks for. ``until`` None = up to now; ``delivery_state``, ``code`` and ``event_type`` None = any.

    ``code`` is what the last attempt got. Every class but 2xx leaves out what was delivered, unless ``delivery_state``
    names it: as in a list of deliveries.
    """

    kind: ReplayKind
    since: Micros
    until: Micros | None = None
    delivery_state: DeliveryState | None = None
    code: AnswerClass | None = None
    event_type: str | None = None


@dataclass(frozen=True, slots=True)
class ReplayPage:
    """Some replays, and where the next page begins (None = this was the last)."""

    items: list[dict[str, Any]]
    next: int | None


class ReplayService:
    """Replays of the webhooks within a caller's scope.

    Args:
        store: the database.
        clock: the time.
        random_bytes: for ids.
    """

    def __init__(self, store: Store, *, clock: Clock, random_bytes: RandomBytes) -> None:
        self._store = store
        self._clock = clock
        self._random_bytes = random_bytes

    def count(self, scope: Scope, webhook_id: str, order: ReplayOrder) -> int:
        """How many deliveries an order means now. Nothing is changed.

        Raises:
            NotFoundError: there is no such webhook in scope.
            InvalidInputError: the time is empty, or holds more than :data:`LARGEST_REPLAY`.
        """
        return self._counted(scope, webhook_id, order, self._clock())[1]

    def start(
        self, scope: Scope, webhook_id: str, order: ReplayOrder, *, created_by: str, per_s: int = DEFAULT_RATE
    ) -> dict[str, Any]:
        """Store a replay; the tick moves it forward.

        Raises:
            NotFoundError: there is no such webhook in scope.
            InvalidInputError: the time is empty, or holds more than :data:`LARGEST_REPLAY`.
            ConflictError: the webhook does not deliver now, or has a replay already.
            RateLimitedError: there were too many redeliveries of it.
        """
        now = self._clock()
        selection, total = self._counted(scope, webhook_id, order, now)
        replay_id = new_id("rpl", self._random_bytes)
        with self._store.write() as connection:
            route = _route(connection, scope, webhook_id, lock=True)
            if route.state != "enabled":
                raise ConflictError(f"the webhook is {route.state}; resume it first")
            count_redelivery(connection, webhook_id, now)
            start_replay(
                connection,
                replay_id,
                selection,
                total=total,
                per_s=min(per_s, LARGEST_RATE),
                created_by=created_by,
                now=now,
            )
            return _view(_row(connection, scope, replay_id))

    def get(self, scope: Scope, replay_id: str) -> dict[str, Any]:
        """One replay and its progress.

        Raises:
            NotFoundError: there is none in this scope.
        """
        with self._store.read() as connection:
            return _view(_row(connection, scope, replay_id))

    def page(self, scope: Scope, webhook_id: str, *, before: int | None, limit: int) -> ReplayPage:
        """Replays of a webhook, newest first.

        Raises:
            NotFoundError: there is no such webhook in scope.
        """
        with self._store.read() as connection:
            webhook_pk = _route(connection, scope, webhook_id).webhook_pk
            rows = page_of_replays(connection, webhook_pk, before=before, limit=limit + 1)
        shown = rows[:limit]
        return ReplayPage([_view(row) for row in shown], shown[-1].pk if len(rows) > limit else None)

    def cancel(self, scope: Scope, replay_id: str, *, by: str) -> dict[str, Any]:
        """End a running replay. What it made due already is delivered.

        Raises:
            NotFoundError: there is none in this scope.
            ConflictError: it has ended already.
        """
        with self._store.write() as connection:
            row = _row(connection, scope, replay_id)
            if not end_replay(connection, row.pk, ReplayState.CANCELLED, self._clock(), reason=f"cancelled by {by}"):
                raise ConflictError(f"this replay is {row.state} already")
            return _view(_row(connection, scope, replay_id))

    def _counted(self, scope: Scope, webhook_id: str, order: ReplayOrder, now: Micros) -> tuple[Selection, int]:
        until = min(order.until or now, now)
        if order.since >= until:
            raise InvalidInputError("must be before `until`, and in the past", field="since")
        with self._store.write() as connection:
            # Whatever is accepted later is routed by the webhook as it is now: no event falls between the two.
            lock_ingest(connection)
            end = ledger_end(connection)
        with self._store.snapshot() as connection:
            route = _route(connection, scope, webhook_id)
            window = ledger_window(connection, route.organization_id, order.since, until, end)
            first, last = window or (1, 0)
            selection = Selection(
                order.kind,
                route.webhook_pk,
                order.since,
                until,
                first - 1,
                last,
                order.delivery_state,
                order.code,
                order.event_type,
            )
            total = count_rows(connection, chosen_rows(selection, route), LARGEST_REPLAY + 1) if window else 0
        if total > LARGEST_REPLAY:
            raise InvalidInputError(f"more than {LARGEST_REPLAY:,} deliveries; take a shorter time", field="since")
        return selection, total


def _route(connection: Connection, scope: Scope, webhook_id: str, *, lock: bool = False) -> Route:
    mine = select(webhooks.c.pk).where(*scope.within(webhooks), webhooks.c.id == webhook_id)
    pk = connection.execute(mine).scalar_one_or_none()
    route = None if pk is None else read_route(connection, pk, lock=lock)
    if route is None:
        raise NotFoundError("no such webhook")
    return route


def _row(connection: Connection, scope: Scope, replay_id: str) -> Row[Any]:
    statement = replays_with_webhook().where(replays.c.id == replay_id, *scope.within(webhooks))
    row = connection.execute(statement).one_or_none()
    if row is None:
        raise NotFoundError("no such replay")
    return row


def _view(row: Row[Any]) -> dict[str, Any]:
    is_held = row.state == ReplayState.RUNNING and row.webhook_state != "enabled"
    return {
        "id": row.id,
        "webhook_id": row.webhook_id,
        "kind": row.kind,
        "state": row.state,
        "reason": f"waits: the webhook is {row.webhook_state}" if is_held else row.reason,
        "total": row.total,
        "done": row.done,
        "per_s": row.per_s,
        "filter": {
            "state": None if row.delivery_state is None else DeliveryState(row.delivery_state).label,
            "code": row.code,
            "event_type": row.event_type,
            "since": to_rfc3339(row.since),
            "until": to_rfc3339(row.until),
        },
        "created_by": row.created_by,
        "created_at": to_rfc3339(row.created_at),
        "ended_at": None if row.ended_at is None else to_rfc3339(row.ended_at),
    }
