"""Use cases of sources: create, change, show, rotate the secret, delete.

A source is an address of ours that a foreign system sends to, with a secret that proves who sends. Its kind is the name
of a source plugin, which reads the requests (``app.ingest.source_door``).
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import orjson
from pydantic import SecretStr, ValidationError
from sqlalchemy import Connection, RowMapping
from sqlalchemy.exc import IntegrityError

from app.core.clock import SECOND, Clock
from app.core.errors import ConflictError, InvalidInputError, NotFoundError
from app.core.ids import RandomBytes, new_id
from app.ingest.source_input import NewSource, SourcePatch, SourceRotation
from app.ingest.source_view import configured, source_view
from app.routing.granting import check_organization
from app.routing.own_audit import SYSTEM, Author, OwnChange, differences
from app.routing.own_changes import News, OwnChanges
from app.security.scope import Scope
from app.security.sealed_fields import SOURCE_SECRET
from app.security.vault import Vault
from app.sinks.manager import SinkManager
from app.sinks.sources import EventSource
from app.store.accepted import context_name
from app.store.engine import Store
from app.store.sources import (
    Counted,
    add_source,
    change_source,
    counts_of,
    drop_source,
    source_number,
    source_row,
    source_rows,
)
from app.store.tables_sources import sources

MAX_SOURCES = 200
"""Sources of one organization."""
_SECRET_BYTES = 32
_WORD = "source"


class SourceService:
    """What a person can do to sources within their scope.

    Args:
        store: the database.
        vault: seals the secrets.
        sinks: knows the source plugins.
        changes: where what changes is written and told.
        clock: the time.
        random_bytes: for ids and secrets.
    """

    def __init__(
        self,
        store: Store,
        vault: Vault,
        sinks: SinkManager,
        *,
        changes: OwnChanges,
        clock: Clock,
        random_bytes: RandomBytes,
    ) -> None:
        self._store = store
        self._vault = vault
        self._sinks = sinks
        self._changes = changes
        self._clock = clock
        self._random_bytes = random_bytes

    def page(
        self, scope: Scope, organization_id: str, *, after: str, limit: int
    ) -> tuple[list[dict[str, Any]], str | None]:
        """Sources of an organization by id from behind ``after``, and the last id if there are more.

        Raises:
            NotFoundError: no such organization in this scope.
        """
        with self._store.read() as connection:
            check_organization(connection, scope, organization_id)
            conditions = [sources.c.organization_id == organization_id, *scope.within(sources)]
            rows = source_rows(connection, conditions, after=after, limit=limit + 1)
            counts = counts_of(connection, [row["id"] for row in rows])
        shown = [self._view(row, counts[row["id"]]) for row in rows[:limit]]
        return shown, rows[limit - 1]["id"] if len(rows) > limit else None

    def get(self, scope: Scope, organization_id: str, source_id: str) -> dict[str, Any]:
        """One source.

        Raises:
            NotFoundError: there is none in this scope.
        """
        with self._store.read() as connection:
            return self._seen(connection, self._row(connection, scope, organization_id, source_id))

    def create(self, scope: Scope, organization_id: str, new: NewSource, by: Author = SYSTEM) -> dict[str, Any]:
        """A new source. Its ``secret`` is in this answer only.

        Raises:
            NotFoundError: the organization or context does not exist or is foreign.
            InvalidInputError: naming the field at fault.
            ConflictError: the name is taken, or there are too many.
        """
        context_id = new.context_id or scope.context_id
        if not scope.covers(organization_id, context_id):
            raise NotFoundError("no such organization or context")
        config = checked_config(self._plugin(new.kind), new.config)
        source_id, now = new_id("src", self._random_bytes), self._clock()
        secret = self._secret(new.secret)
        row = {
            "id": source_id,
            "organization_id": organization_id,
            "context_id": context_id,
            "kind": new.kind,
            "name": new.name,
            "enabled": True,
            "config": config,
            "secret_sealed": self._seal(secret, organization_id, source_id),
            "created_at": now,
            "updated_at": now,
        }
        with self._writing() as (connection, news):
            check_organization(connection, scope, organization_id)
            if context_id is not None and context_name(connection, organization_id, context_id) is None:
                raise NotFoundError("no such context in this organization")
            if source_number(connection, organization_id) >= MAX_SOURCES:
                raise ConflictError(f"an organization can have {MAX_SOURCES} sources; delete one first")
            add_source(connection, row)
            added = self._row(connection, scope, organization_id, source_id)
            news.tell(_change(by, "create", {}, configured(added)))
            view = self._view(added, [])
        return {**view, "secret": secret}

    def patch(
        self, scope: Scope, organization_id: str, source_id: str, patch: SourcePatch, by: Author = SYSTEM
    ) -> dict[str, Any]:
        """Change a source. Every process heeds it two seconds later.

        Raises:
            NotFoundError: there is none in this scope.
            InvalidInputError: naming the field at fault.
            ConflictError: the name is taken, or the plugin is missing.
        """
        columns: dict[str, Any] = patch.model_dump(exclude_none=True, exclude={"config"})
        with self._writing() as (connection, news):
            row = self._row(connection, scope, organization_id, source_id, lock=True)
            if patch.config is not None:
                columns["config"] = checked_config(self._plugin(row["kind"]), patch.config)
            return self._changed(connection, news, row, columns, by)

    def rotate(
        self,
        scope: Scope,
        organization_id: str,
        source_id: str,
        rotation: SourceRotation,
        by: Author = SYSTEM,
        *,
        again: bool = True,
    ) -> dict[str, Any]:
        """Another secret, which is in this answer only; the old one counts until the overlap ends.

        Args:
            scope: what the caller may see.
            organization_id: whose source it is.
            source_id: which one.
            rotation: the secret, and how long both count.
            by: who asks.
            again: whether to rotate within the overlap of a former rotation, too: the secret from before that, which
                the other system may still have, ends at once.

        Raises:
            NotFoundError: there is none in this scope.
            ConflictError: such an overlap has not ended.
        """
        secret = self._secret(rotation.secret)
        overlap = rotation.overlap_s * SECOND
        with self._writing() as (connection, news):
            row = self._row(connection, scope, organization_id, source_id, lock=True)
            if overlap and not again and (row["previous_until"] or 0) > self._clock():
                raise ConflictError(
                    "the secret was rotated already, and two count; to end the one before, rotate again"
                )
            columns = {
                "secret_sealed": self._seal(secret, organization_id, source_id),
                "previous_sealed": row["secret_sealed"] if overlap else None,
                "previous_until": self._clock() + overlap if overlap else None,
            }
            view = self._changed(connection, news, row, columns, by, secrets=("secret",))
        return {**view, "secret": secret}

    def delete(self, scope: Scope, organization_id: str, source_id: str, by: Author = SYSTEM) -> None:
        """End a source; its events stay.

        Raises:
            NotFoundError: there is none in this scope.
        """
        with self._writing() as (connection, news):
            row = self._row(connection, scope, organization_id, source_id, lock=True)
            news.tell(_change(by, "delete", configured(row), {}))
            drop_source(connection, source_id)

    def _changed(
        self,
        connection: Connection,
        news: News,
        row: RowMapping,
        columns: Mapping[str, Any],
        by: Author,
        secrets: tuple[str, ...] = (),
    ) -> dict[str, Any]:
        """The view of the changed source."""
        change_source(connection, row["id"], {**columns, "updated_at": self._clock()})
        after = source_row(connection, row["id"])
        if after is None:
            raise NotFoundError("no such source")
        news.tell(_change(by, "update", configured(row), configured(after), secrets))
        return self._seen(connection, after)

    @contextmanager
    def _writing(self) -> Iterator[tuple[Connection, News]]:
        try:
            with self._changes.write() as written:
                yield written
        except IntegrityError:
            raise ConflictError("the organization has a source of this name already") from None

    def _plugin(self, kind: str) -> EventSource:
        plugin = self._sinks.source(kind)
        if plugin is None:
            known = ", ".join(self._sinks.source_names())
            raise InvalidInputError(f"there is no source {kind!r}; there are: {known}", field="kind")
        return plugin

    def _secret(self, given: SecretStr | None) -> str:
        if given is not None:
            return given.get_secret_value()
        return base64.urlsafe_b64encode(self._random_bytes(_SECRET_BYTES)).decode().rstrip("=")

    def _seal(self, secret: str, organization_id: str, source_id: str) -> bytes:
        return self._vault.seal(secret.encode(), organization=organization_id, webhook=source_id, field=SOURCE_SECRET)

    def _row(
        self, connection: Connection, scope: Scope, organization_id: str, source_id: str, *, lock: bool = False
    ) -> RowMapping:
        conditions = [sources.c.organization_id == organization_id, *scope.within(sources)]
        row = source_row(connection, source_id, conditions, lock=lock)
        if row is None:
            raise NotFoundError("no such source")
        return row

    def _seen(self, connection: Connection, row: RowMapping) -> dict[str, Any]:
        return self._view(row, counts_of(connection, [row["id"]])[row["id"]])

    def _view(self, row: RowMapping, counts: list[Counted]) -> dict[str, Any]:
        return source_view(row, counts, is_loaded=self._sinks.source(row["kind"]) is not None)


def checked_config(plugin: EventSource, config: Mapping[str, Any]) -> str:
    """A source's own settings as they are stored.

    Raises:
        InvalidInputError: naming the setting at fault.
    """
    try:
        plugin.config_model.model_validate(config)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(["config", *map(str, problem["loc"])])
        raise InvalidInputError(problem["msg"], field=place) from None
    return orjson.dumps(config).decode()


def _change(
    by: Author, action: str, before: Mapping[str, Any], after: Mapping[str, Any], secrets: tuple[str, ...] = ()
) -> OwnChange | None:
    told = after or before
    changes = differences(f"sources[{told['id']}]", before, after, secrets=secrets)
    if not changes:
        return None
    return OwnChange(told["organization_id"], by, action, _WORD, told["id"], told["name"], changes)
