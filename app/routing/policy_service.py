"""What an organization decides for itself: the same five use cases for change windows and for sensitivity rules."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel
from sqlalchemy import Connection, RowMapping, Table
from sqlalchemy.exc import IntegrityError

from app.core.clock import Clock
from app.core.errors import ConflictError, ForbiddenError, NotFoundError
from app.core.ids import RandomBytes, new_id
from app.routing.own_audit import SYSTEM, Author, OwnChange, differences
from app.routing.own_changes import News, OwnChanges
from app.security.scope import Scope
from app.store.engine import Store
from app.store.policies import (
    MAX_ROWS,
    add_policy_row,
    change_policy_row,
    drop_policy_row,
    organization_zone,
    policy_count,
    policy_row,
    policy_rows,
)

Room = Callable[[Mapping[str, Any], Sequence[RowMapping], RowMapping | None], None]
"""Raises when new columns have no room beside the other rows; takes also the row whose place they take."""


def _always(_new: Mapping[str, Any], _others: Sequence[RowMapping], _before: RowMapping | None) -> None:
    """There is room."""


@dataclass(frozen=True, slots=True)
class PolicyKind:
    """What tells change windows and sensitivity rules apart.

    Args:
        word: what people call one of them.
        prefix: of its ids.
        table: where they are kept.
        columns: the checked columns of an input, which is also given the organization's time zone.
        view: a row in its public form.
        check_room: whether there is room for one beside all others of an organization.
    """

    word: str
    prefix: str
    table: Table
    columns: Callable[[Any, str], dict[str, Any]]
    view: Callable[[RowMapping], dict[str, Any]]
    check_room: Room = _always


class PolicyService:
    """Change windows, or sensitivity rules, within the caller's scope.

    Args:
        store: the database.
        kind: which of the two.
        changes: where what changes is written and told.
        clock: the time.
        random_bytes: for ids.
    """

    def __init__(
        self,
        store: Store,
        kind: PolicyKind,
        *,
        changes: OwnChanges,
        clock: Clock,
        random_bytes: RandomBytes,
    ) -> None:
        self._store = store
        self._kind = kind
        self._changes = changes
        self._clock = clock
        self._random_bytes = random_bytes

    def all(self, scope: Scope, organization_id: str) -> list[dict[str, Any]]:
        """All of an organization, in the order in which they apply.

        Raises:
            NotFoundError: no such organization in this scope.
        """
        with self._store.read() as connection:
            self._zone(connection, scope, organization_id)
            rows = policy_rows(connection, self._kind.table, organization_id)
        return [self._kind.view(row) for row in rows]

    def get(self, scope: Scope, organization_id: str, row_id: str) -> dict[str, Any]:
        """One of them.

        Raises:
            NotFoundError: there is none in this scope.
        """
        with self._store.read() as connection:
            self._zone(connection, scope, organization_id)
            return self._kind.view(self._row(connection, organization_id, row_id))

    def create(self, scope: Scope, organization_id: str, new: BaseModel, by: Author = SYSTEM) -> dict[str, Any]:
        """A new one.

        Raises:
            NotFoundError: no such organization in this scope.
            ForbiddenError: the key is bound to one context.
            InvalidInputError: naming the field at fault.
            ConflictError: the name is taken, or there are too many.
        """
        row_id, now = new_id(self._kind.prefix, self._random_bytes), self._clock()
        with self._writing(scope, organization_id) as (connection, news, zone):
            columns = self._kind.columns(new, zone)
            if policy_count(connection, self._kind.table, organization_id) >= MAX_ROWS:
                raise ConflictError(f"an organization can have {MAX_ROWS} {self._kind.word}s; delete one first")
            self._check_room(connection, organization_id, columns, None)
            identity = {"id": row_id, "organization_id": organization_id, "created_at": now, "updated_at": now}
            add_policy_row(connection, self._kind.table, columns | identity)
            view = self._kind.view(self._row(connection, organization_id, row_id))
            news.tell(self._changed(by, "create", organization_id, {}, view))
        return view

    def replace(
        self, scope: Scope, organization_id: str, row_id: str, new: BaseModel, by: Author = SYSTEM
    ) -> dict[str, Any]:
        """Say it anew, whole. Events that were judged before keep what was decided then.

        Raises:
            NotFoundError: there is none in this scope.
            ForbiddenError: the key is bound to one context.
            InvalidInputError: naming the field at fault.
            ConflictError: the name is taken.
        """
        with self._writing(scope, organization_id) as (connection, news, zone):
            row = self._row(connection, organization_id, row_id)
            before = self._kind.view(row)
            columns = self._kind.columns(new, zone) | {"updated_at": self._clock()}
            self._check_room(connection, organization_id, columns, row)
            change_policy_row(connection, self._kind.table, organization_id, row_id, columns)
            view = self._kind.view(self._row(connection, organization_id, row_id))
            news.tell(self._changed(by, "update", organization_id, before, view))
        return view

    def delete(self, scope: Scope, organization_id: str, row_id: str, by: Author = SYSTEM) -> None:
        """End one of them.

        Raises:
            NotFoundError: there is none in this scope.
            ForbiddenError: the key is bound to one context.
        """
        with self._writing(scope, organization_id) as (connection, news, _):
            before = self._kind.view(self._row(connection, organization_id, row_id))
            drop_policy_row(connection, self._kind.table, organization_id, row_id)
            news.tell(self._changed(by, "delete", organization_id, before, {}))

    def zone(self, scope: Scope, organization_id: str) -> str:
        """The time zone of an organization.

        Raises:
            NotFoundError: no such organization in this scope.
        """
        with self._store.read() as connection:
            return self._zone(connection, scope, organization_id)

    @contextmanager
    def _writing(self, scope: Scope, organization_id: str) -> Iterator[tuple[Connection, News, str]]:
        if scope.context_id is not None:
            raise ForbiddenError(f"a {self._kind.word} belongs to the organization; use a key that is bound to it")
        try:
            with self._changes.write() as (connection, news):
                yield connection, news, self._zone(connection, scope, organization_id)
        except IntegrityError:
            raise ConflictError(f"the organization has a {self._kind.word} of this name already") from None

    def _check_room(
        self, connection: Connection, organization_id: str, columns: Mapping[str, Any], before: RowMapping | None
    ) -> None:
        rows = policy_rows(connection, self._kind.table, organization_id)
        others = [row for row in rows if before is None or row["id"] != before["id"]]
        self._kind.check_room(columns, others, before)

    def _changed(
        self, by: Author, action: str, organization_id: str, before: Mapping[str, Any], after: Mapping[str, Any]
    ) -> OwnChange | None:
        row = after or before
        place = f"{self._kind.table.name}[{row['id']}]"
        changes = differences(place, before, after)
        if not changes:
            return None
        kind = self._kind.word.replace(" ", "_")
        return OwnChange(organization_id, by, action, kind, row["id"], row["name"], changes)

    def _zone(self, connection: Connection, scope: Scope, organization_id: str) -> str:
        inside = scope.organization_id in {None, organization_id}
        zone = organization_zone(connection, organization_id) if inside else None
        if zone is None:
            raise NotFoundError("no such organization")
        return zone

    def _row(self, connection: Connection, organization_id: str, row_id: str) -> RowMapping:
        row = policy_row(connection, self._kind.table, organization_id, row_id)
        if row is None:
            raise NotFoundError(f"no such {self._kind.word}")
        return row
