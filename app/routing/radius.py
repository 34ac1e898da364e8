"""Looking at what was counted of RADIUS: it has no feed, so this is where it is seen."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping

from app.core.clock import to_rfc3339
from app.core.errors import NotFoundError
from app.security.scope import Scope
from app.store.accepted import context_name
from app.store.engine import Store
from app.store.radius import context_counts, devices_of, groups_of


class RadiusView:
    """Counters and connected devices within the caller's scope."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def counts(self, scope: Scope, organization_id: str, context_id: str) -> dict[str, Any]:
        """The counters of one context.

        Raises:
            NotFoundError: no such context in this scope.
        """
        with self._store.read() as connection:
            _check(connection, scope, organization_id, context_id)
            return _counts(context_id, context_counts(connection, organization_id, [context_id])[context_id])

    def counts_of(self, scope: Scope, organization_id: str, context_ids: Collection[str]) -> dict[str, dict[str, Any]]:
        """The counters of several contexts, by id; those outside the scope are left out."""
        seen = [one for one in context_ids if scope.covers(organization_id, one)]
        with self._store.read() as connection:
            found = context_counts(connection, organization_id, seen)
        return {context_id: _counts(context_id, rows) for context_id, rows in found.items()}

    def groups(
        self, scope: Scope, organization_id: str, context_id: str, *, start: str, limit: int
    ) -> tuple[list[dict[str, Any]], str | None]:
        """Groups that devices were seen in, and where the next page starts.

        Raises:
            NotFoundError: no such context in this scope.
        """
        with self._store.read() as connection:
            _check(connection, scope, organization_id, context_id)
            rows = groups_of(connection, organization_id, context_id, start=start, limit=limit + 1)
        shown = [
            {"group_id": row["group_id"], "devices": row["devices"], "last_seen": to_rfc3339(row["last_seen"])}
            for row in rows[:limit]
        ]
        return shown, rows[limit]["group_id"] if len(rows) > limit else None

    def devices(
        self, scope: Scope, organization_id: str, context_id: str, group_id: str, *, after: str, limit: int
    ) -> tuple[list[dict[str, Any]], str | None]:
        """A group's connected devices.

        Raises:
            NotFoundError: no such context in this scope.
        """
        with self._store.read() as connection:
            _check(connection, scope, organization_id, context_id)
            rows = devices_of(connection, organization_id, context_id, group_id, after=after, limit=limit + 1)
        return [_device(row) for row in rows[:limit]], rows[limit - 1]["device"] if len(rows) > limit else None


def _counts(context_id: str, rows: Sequence[RowMapping]) -> dict[str, Any]:
    return {
        "context_id": context_id,
        "methods": [
            {"method": row["method"], "accepted": row["accepted"], "rejected": row["rejected"]}
            for row in rows
            if row["method"]
        ],
        **{name: sum(row[name] for row in rows) for name in ("accepted", "rejected", "sessions")},
        **{name: sum(row[name] for row in rows) for name in ("octets_in", "octets_out")},
        "last_seen": to_rfc3339(max(row["last_seen"] for row in rows)) if rows else None,
    }


def _check(connection: Connection, scope: Scope, organization_id: str, context_id: str) -> None:
    inside = scope.covers(organization_id, context_id)
    if not inside or context_name(connection, organization_id, context_id) is None:
        raise NotFoundError("no such context")


def _device(row: RowMapping) -> dict[str, Any]:
    named = ("device", "accepted", "rejected", "sessions", "octets_in", "octets_out")
    return {name: row[name] for name in named} | {"user": row["user_name"], "last_seen": to_rfc3339(row["last_seen"])}
