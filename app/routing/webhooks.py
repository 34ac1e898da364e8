"""Use cases of webhooks: create, change, show, pause, resume, rotate, delete.

Every change raises the webhook's version and the routing generation in its own transaction, so that routers and
drains in every process see it with the next event.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

import orjson
from sqlalchemy import Connection, RowMapping, insert, select, update

from app.core.asymmetric_signing import public_key
from app.core.clock import SECOND, Clock, Micros, to_rfc3339
from app.core.endpoint_url import ENDPOINT_SCHEMES, check_endpoint_url
from app.core.errors import ConflictError, InvalidInputError, NotFoundError
from app.core.ids import RandomBytes, new_id
from app.core.partitions import partition_of
from app.core.retry import DEFAULT_SCHEDULE
from app.core.signing import new_secret, parse_secret
from app.core.states import CloseReason
from app.routing.own_audit import SYSTEM, Author
from app.routing.own_changes import OwnChanges
from app.routing.webhook_audit import webhook_changed, webhook_created, webhook_deleted
from app.routing.webhook_change import MENDING, ChangeRules, changed_columns
from app.routing.webhook_input import NewWebhook, Resumption, Rotation, WebhookPatch
from app.routing.webhook_view import webhook_view
from app.security.scope import Scope
from app.security.sealed_fields import SIGNING
from app.store.batches import close_all
from app.store.buffers import lock_buffer
from app.store.engine import Store
from app.store.holds import release, resume_webhook
from app.store.left_behind import skip_deliveries
from app.store.partitions import next_counter
from app.store.receipts import waiting_receipts
from app.store.tables import contexts, organizations, webhook_health, webhooks
from app.store.webhook_health import HEALTH_COLUMNS, forget_health

log = logging.getLogger(__name__)

CheckTarget = Callable[[str], None]
"""Judges where a URL leads; raises ``InvalidInputError`` when nothing may be sent there."""

DEFAULT_BATCH = {"batch_max_events": 20_000, "batch_max_bytes": 32 * 1024 * 1024, "batch_max_age_s": 20 * 60}
DEFAULT_CONCURRENCY = 64
PAUSED_BY_USER = "paused by a user"
DELETED = "the webhook was deleted"
CHUNKS_AT_ONCE = 4
"""Transactions that a deletion spends on skipping what was owed, before it answers."""
AT_FULL_SPEED = Resumption()


class Reach(Enum):
    """Which webhooks of an organization a list shows: all, its own, or those of its contexts."""

    ALL = auto()
    ORGANIZATION = auto()
    CONTEXTS = auto()


@dataclass(frozen=True, slots=True)
class Page:
    """Some webhooks, and where the next page begins (None = this was the last)."""

    items: list[dict[str, Any]]
    next: int | None


class WebhookService:
    """What a person can do to webhooks within their scope.

    Args:
        store: the database.
        rules: the vault and the sinks that changes are judged by.
        check_target: asked about every new endpoint URL; it may resolve names, so it is never asked inside a
            transaction.
        changes: where what changes is written and told.
        clock: the time.
        random_bytes: for ids and signing secrets.
    """

    def __init__(
        self,
        store: Store,
        rules: ChangeRules,
        *,
        check_target: CheckTarget,
        changes: OwnChanges,
        clock: Clock,
        random_bytes: RandomBytes,
    ) -> None:
        self._store = store
        self._changes = changes
        self._rules = rules
        self._check_target = check_target
        self._clock = clock
        self._random_bytes = random_bytes

    def create(self, scope: Scope, new: NewWebhook, by: Author = SYSTEM) -> dict[str, Any]:
        """A new webhook in state ``needs_endpoint``.

        Raises:
            InvalidInputError: no organization was named and the key is not bound to one.
            NotFoundError: the organization or context does not exist or is foreign.
        """
        organization_id = new.organization_id or scope.organization_id
        if organization_id is None:
            raise InvalidInputError("name the organization; this key is bound to none", field="organization_id")
        context_id = new.context_id or scope.context_id
        if not scope.covers(organization_id, context_id):
            raise NotFoundError("no such organization or context")
        webhook_id = new_id("wh", self._random_bytes)
        secret = new_secret(self._random_bytes).encode()
        sealed = self._rules.vault.seal(secret, organization=organization_id, webhook=webhook_id, field=SIGNING)
        now = self._clock()
        with self._changes.write() as (connection, news):
            _check_place(connection, organization_id, context_id)
            connection.execute(
                insert(webhooks).values(
                    id=webhook_id,
                    organization_id=organization_id,
                    context_id=context_id,
                    name=new.name,
                    mode=new.mode,
                    state="needs_endpoint",
                    state_since=now,
                    signing_sealed=sealed,
                    retry_schedule=orjson.dumps(DEFAULT_SCHEDULE).decode(),
                    concurrency=DEFAULT_CONCURRENCY,
                    partition=partition_of(webhook_id),
                    created_at=now,
                    updated_at=now,
                    **DEFAULT_BATCH,
                )
            )
            next_counter(connection, "routing_generation")
            row = _row(connection, scope, webhook_id)
            news.tell(webhook_created(by, row))
        return webhook_view(row)

    def get(self, scope: Scope, webhook_id: str) -> dict[str, Any]:
        """One webhook.

        Raises:
            NotFoundError: there is none in this scope.
        """
        with self._store.read() as connection:
            return self._shown(connection, _row(connection, scope, webhook_id))

    def page(
        self,
        scope: Scope,
        *,
        after: int = 0,
        limit: int = 50,
        organization_id: str | None,
        context_id: str | None,
        reach: Reach = Reach.ALL,
    ) -> Page:
        """Webhooks in the order of their creation, from behind ``after``."""
        wanted = [*scope.within(webhooks), webhooks.c.deleted_at.is_(None), webhooks.c.pk > after]
        if organization_id is not None:
            wanted.append(webhooks.c.organization_id == organization_id)
        if context_id is not None:
            wanted.append(webhooks.c.context_id == context_id)
        if reach is not Reach.ALL:
            of_one_context = webhooks.c.context_id.is_not(None)
            wanted.append(of_one_context if reach is Reach.CONTEXTS else ~of_one_context)
        statement = _WITH_HEALTH.where(*wanted).order_by(webhooks.c.pk).limit(limit + 1)
        with self._store.read() as connection:
            rows = connection.execute(statement).mappings().all()
            shown = rows[:limit]
            waiting = waiting_receipts(connection, [row["pk"] for row in shown], self._clock())
        views = [webhook_view(row, waiting.get(row["pk"])) for row in shown]
        return Page(views, shown[-1]["pk"] if len(rows) > limit else None)

    def patch(self, scope: Scope, webhook_id: str, patch: WebhookPatch, by: Author = SYSTEM) -> dict[str, Any]:
        """Change a webhook.

        Raises:
            NotFoundError: there is none in this scope.
            InvalidInputError: naming the field at fault.
            ConflictError: the webhook cannot be enabled yet.
        """
        now = self._clock()
        with self._store.read() as connection:
            seen = _row(connection, scope, webhook_id)
        if patch.endpoint_url is not None:
            check_endpoint_url(patch.endpoint_url, ENDPOINT_SCHEMES)
            self._check_target(patch.endpoint_url)
        # Tried before the transaction: a sink that hangs over its settings must not hold up everybody who writes.
        changed_columns(seen, patch, self._rules, now)
        with self._changes.write() as (connection, news):
            row = _row(connection, scope, webhook_id, lock=True)
            columns = changed_columns(row, patch, self._rules, now, by.name)
            _write(connection, row, columns, now)
            starts_anew = _starts_anew(row, columns)
            if starts_anew:
                forget_health(connection, [row["pk"]])
                release(connection, row["pk"])
                news.ring(row["partition"])
            if columns.get("state") == "disabled":
                self._close_buffer(connection, row["pk"], now, CloseReason.DISABLED)
            after = _row(connection, scope, webhook_id)
            news.tell(webhook_changed(by, row, after, patch=patch))
            return self._shown(connection, after)

    def pause(self, scope: Scope, webhook_id: str, by: Author = SYSTEM) -> dict[str, Any]:
        """Keep deliveries back; new events keep being owed.

        Raises:
            ConflictError: it has no endpoint or no sink yet, or is disabled.
        """
        now = self._clock()
        with self._changes.write() as (connection, news):
            row = _row(connection, scope, webhook_id, lock=True)
            if row["state"] not in {"enabled", "paused"}:
                raise ConflictError(f"a webhook in state {row['state']} cannot be paused")
            paused = {"state": "paused", "state_reason": PAUSED_BY_USER, "state_since": now}
            _write(connection, row, paused, now)
            after = _row(connection, scope, webhook_id)
            news.tell(webhook_changed(by, row, after))
            return self._shown(connection, after)

    def resume(
        self, scope: Scope, webhook_id: str, resumption: Resumption = AT_FULL_SPEED, by: Author = SYSTEM
    ) -> dict[str, Any]:
        """Deliver again: what was kept, parked or waits for a later try is due at once, in ledger order.

        Raises:
            ConflictError: it has no endpoint or no sink yet.
        """
        with self._changes.write() as (connection, news):
            row = _row(connection, scope, webhook_id, lock=True)
            if row["state"] == "needs_endpoint":
                raise ConflictError("set sink and endpoint_url before enabling the webhook")
            resume_webhook(connection, row["pk"], self._clock(), probe=resumption.probe)
            news.ring(row["partition"])
            after = _row(connection, scope, webhook_id)
            news.tell(webhook_changed(by, row, after))
            view = self._shown(connection, after)
        log.warning("webhook resumed", extra={"webhook": webhook_id, "was": row["state"], "probe": resumption.probe})
        return view

    def _shown(self, connection: Connection, row: RowMapping) -> dict[str, Any]:
        return webhook_view(row, waiting_receipts(connection, [row["pk"]], self._clock()).get(row["pk"]))

    def delete(self, scope: Scope, webhook_id: str, by: Author = SYSTEM) -> None:
        """End a webhook. What it was still owed is skipped, with that reason; its history stays.

        Of a long backlog the tick skips what is left after :data:`CHUNKS_AT_ONCE`.
        """
        now = self._clock()
        with self._changes.write() as (connection, news):
            row = _row(connection, scope, webhook_id, lock=True)
            _write(
                connection,
                row,
                {"state": "disabled", "state_reason": DELETED, "state_since": now, "deleted_at": now},
                now,
            )
            self._close_buffer(connection, row["pk"], now, CloseReason.DELETED)
            news.tell(webhook_deleted(by, row))
        for _ in range(CHUNKS_AT_ONCE):
            with self._store.write() as connection:
                if not skip_deliveries(connection, row["pk"], now, DELETED):
                    break

    def _close_buffer(self, connection: Connection, webhook_pk: int, now: Micros, reason: CloseReason) -> None:
        close_all(connection, lock_buffer(connection, webhook_pk), now, self._random_bytes, reason)

    def secret(self, scope: Scope, webhook_id: str) -> dict[str, Any]:
        """The signing secret and its public key, for setting up the receiver; the previous one while it still signs."""
        with self._store.read() as connection:
            row = _row(connection, scope, webhook_id)
        now = self._clock()
        overlapping = row["signing_previous_sealed"] is not None and (row["signing_previous_until"] or 0) > now
        secret = self._open(row, "signing_sealed")
        return {
            "secret": secret,
            "public_key": public_key(parse_secret(secret)),
            "previous": self._open(row, "signing_previous_sealed") if overlapping else None,
            "previous_until": to_rfc3339(row["signing_previous_until"]) if overlapping else None,
        }

    def rotate(
        self, scope: Scope, webhook_id: str, rotation: Rotation, by: Author = SYSTEM, *, again: bool = True
    ) -> dict[str, Any]:
        """A new signing secret; requests carry both signatures until the overlap ends.

        Args:
            scope: what the caller may see.
            webhook_id: whose secret it is.
            rotation: how long both sign.
            by: who asks.
            again: whether to rotate within the overlap of a former rotation, too: the secret from before that, which
                receivers may still have, ends at once.

        Raises:
            ConflictError: such an overlap has not ended.
        """
        now = self._clock()
        secret = new_secret(self._random_bytes)
        with self._changes.write() as (connection, news):
            row = _row(connection, scope, webhook_id, lock=True)
            overlap = rotation.overlap_s * SECOND
            if overlap and not again and (row["signing_previous_until"] or 0) > now:
                raise ConflictError(
                    "the secret was rotated already, and two sign; to end the previous one, rotate again"
                )
            columns = {
                "signing_sealed": self._rules.vault.seal(
                    secret.encode(), organization=row["organization_id"], webhook=webhook_id, field=SIGNING
                ),
                "signing_previous_sealed": row["signing_sealed"] if overlap else None,
                "signing_previous_until": now + overlap if overlap else None,
            }
            _write(connection, row, columns, now)
            news.tell(webhook_changed(by, row, _row(connection, scope, webhook_id)))
        key = public_key(parse_secret(secret))
        return {"secret": secret, "public_key": key, "previous_until": to_rfc3339(now + overlap) if overlap else None}

    def revoke_previous(self, scope: Scope, webhook_id: str, by: Author = SYSTEM) -> dict[str, Any]:
        """End the overlap of a rotation now: from the next request on only the present secret signs.

        Raises:
            ConflictError: no previous secret signs.
        """
        now = self._clock()
        with self._changes.write() as (connection, news):
            row = _row(connection, scope, webhook_id, lock=True)
            if row["signing_previous_sealed"] is None or (row["signing_previous_until"] or 0) <= now:
                raise ConflictError("no previous signing secret is in use")
            _write(connection, row, {"signing_previous_sealed": None, "signing_previous_until": None}, now)
            after = _row(connection, scope, webhook_id)
            news.tell(webhook_changed(by, row, after))
        return webhook_view(after)

    def _open(self, row: RowMapping, column: str) -> str:
        opened = self._rules.vault.open(
            row[column], organization=row["organization_id"], webhook=row["id"], field=SIGNING
        )
        return opened.decode()


_WITH_HEALTH = select(webhooks, *HEALTH_COLUMNS).outerjoin(webhook_health, webhook_health.c.webhook_pk == webhooks.c.pk)


def _row(connection: Connection, scope: Scope, webhook_id: str, *, lock: bool = False) -> RowMapping:
    statement = _WITH_HEALTH.where(
        webhooks.c.id == webhook_id, webhooks.c.deleted_at.is_(None), *scope.within(webhooks)
    )
    if lock:
        statement = statement.with_for_update(of=webhooks)
    row = connection.execute(statement).mappings().one_or_none()
    if row is None:
        raise NotFoundError("no such webhook")
    return row


def _starts_anew(row: RowMapping, columns: Mapping[str, Any]) -> bool:
    """Whether a change gives a webhook that was owed something another chance."""
    enabled = columns.get("state", row["state"]) == "enabled"
    mended = row["state"] != "enabled" or not MENDING.isdisjoint(columns)
    return enabled and mended and row["state"] != "needs_endpoint"


def _write(connection: Connection, row: RowMapping, columns: Mapping[str, Any], now: Micros) -> None:
    statement = update(webhooks).where(webhooks.c.pk == row["pk"])
    connection.execute(statement.values(**columns, version=webhooks.c.version + 1, updated_at=now))
    next_counter(connection, "routing_generation")


def _check_place(connection: Connection, organization_id: str, context_id: str | None) -> None:
    known = select(organizations.c.id).where(organizations.c.id == organization_id)
    if connection.execute(known).one_or_none() is None:
        raise NotFoundError("no such organization")
    if context_id is not None:
        known = select(contexts.c.id).where(contexts.c.organization_id == organization_id, contexts.c.id == context_id)
        if connection.execute(known).one_or_none() is None:
            raise NotFoundError("no such context in this organization")
