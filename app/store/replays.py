"""Replays: stored redeliveries and backfills of many, and how far each of them is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, Select, insert, literal, select, update
from sqlalchemy.exc import IntegrityError

from app.core.answer_class import AnswerClass
from app.core.clock import Micros
from app.core.errors import ConflictError
from app.core.states import DeliveryState
from app.store.tables import webhooks
from app.store.tables_replays import replays


class ReplayKind(StrEnum):
    """What a replay does."""

    REDELIVER = "redeliver"
    """It makes finished deliveries due again."""
    BACKFILL = "backfill"
    """It makes the deliveries that a webhook would have been owed, had it existed."""


class ReplayState(StrEnum):
    """How far a replay is."""

    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Selection:
    """Which deliveries, or events to deliver, are meant.

    ``since`` (inclusive) and ``until`` bound the time of receipt; ``after_seq`` and ``last_seq`` (inclusive) the place
    in the ledger. ``delivery_state``, ``code`` (what the last attempt got) and ``event_type`` None = any.
    """

    kind: ReplayKind
    webhook_pk: int
    since: Micros
    until: Micros
    after_seq: int
    last_seq: int
    delivery_state: DeliveryState | None = None
    code: AnswerClass | None = None
    event_type: str | None = None


@dataclass(frozen=True, slots=True)
class Running:
    """A running replay with what a step needs to know of its webhook."""

    pk: int
    selection: Selection
    per_s: int
    stepped_at: Micros
    partition: int
    webhook_state: str
    webhook_deleted: bool


_RUNNING = literal(ReplayState.RUNNING.value, literal_execute=True)
"""Said with the word itself, not with a parameter: only so does it lead to the index of running replays."""


def start_replay(
    connection: Connection,
    replay_id: str,
    selection: Selection,
    *,
    total: int,
    per_s: int,
    created_by: str,
    now: Micros,
) -> None:
    """Store a replay; one of nothing is done at once.

    Raises:
        ConflictError: another replay of this webhook is running.
    """
    state = ReplayState.RUNNING if total else ReplayState.DONE
    row = {
        "id": replay_id,
        "webhook_pk": selection.webhook_pk,
        "kind": selection.kind,
        "state": state,
        "total": total,
        "done": 0,
        "per_s": per_s,
        "delivery_state": selection.delivery_state,
        "code": selection.code,
        "event_type": selection.event_type,
        "since": selection.since,
        "until": selection.until,
        "after_seq": selection.after_seq,
        "last_seq": selection.last_seq,
        "created_by": created_by,
        "created_at": now,
        "stepped_at": now,
        "ended_at": None if total else now,
    }
    try:
        connection.execute(insert(replays).values(row))
    except IntegrityError as error:
        raise ConflictError("another replay of this webhook is running; wait for its end, or cancel it") from error


def running_replays(connection: Connection, after_webhook: int, limit: int) -> list[Running]:
    """Running replays in the order of their webhooks, from behind ``after_webhook``."""
    statement = (
        select(replays, webhooks.c.partition, webhooks.c.state.label("webhook_state"), webhooks.c.deleted_at)
        .join(webhooks, webhooks.c.pk == replays.c.webhook_pk)
        .where(replays.c.state == _RUNNING, replays.c.webhook_pk > after_webhook)
        .order_by(replays.c.webhook_pk)
        .limit(limit)
    )
    return [_running(row) for row in connection.execute(statement)]


def _running(row: Row[Any]) -> Running:
    selection = Selection(
        ReplayKind(row.kind),
        row.webhook_pk,
        row.since,
        row.until,
        row.after_seq,
        row.last_seq,
        None if row.delivery_state is None else DeliveryState(row.delivery_state),
        None if row.code is None else AnswerClass(row.code),
        row.event_type,
    )
    return Running(
        row.pk,
        selection,
        row.per_s,
        row.stepped_at,
        row.partition,
        row.webhook_state,
        row.deleted_at is not None,
    )


def advance_replay(connection: Connection, replay: Running, to_seq: int, now: Micros) -> bool:
    """Move a running replay's place forward; False when another step or a cancel came first."""
    moved = connection.execute(
        update(replays)
        .where(
            replays.c.pk == replay.pk,
            replays.c.state == ReplayState.RUNNING,
            replays.c.after_seq == replay.selection.after_seq,
        )
        .values(after_seq=to_seq, stepped_at=now)
    )
    return moved.rowcount == 1


def count_done(connection: Connection, replay_pk: int, number: int) -> None:
    """Write down that so many deliveries more became due."""
    connection.execute(update(replays).where(replays.c.pk == replay_pk).values(done=replays.c.done + number))


def end_replay(
    connection: Connection, replay_pk: int, state: ReplayState, now: Micros, *, reason: str | None = None
) -> bool:
    """End a running replay; False when it had ended already."""
    ended = connection.execute(
        update(replays)
        .where(replays.c.pk == replay_pk, replays.c.state == ReplayState.RUNNING)
        .values(state=state, reason=reason, ended_at=now)
    )
    return ended.rowcount == 1


def replays_with_webhook() -> Select[Any]:
    """Replays beside the id and the state of their webhook."""
    return select(replays, webhooks.c.id.label("webhook_id"), webhooks.c.state.label("webhook_state")).join(
        webhooks, webhooks.c.pk == replays.c.webhook_pk
    )


def page_of_replays(connection: Connection, webhook_pk: int, *, before: int | None, limit: int) -> list[Row[Any]]:
    """Replays of one webhook, newest first; ``before`` is the cursor."""
    statement = replays_with_webhook().where(replays.c.webhook_pk == webhook_pk)
    if before is not None:
        statement = statement.where(replays.c.pk < before)
    return list(connection.execute(statement.order_by(replays.c.pk.desc()).limit(limit)))
