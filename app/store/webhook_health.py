"""What is stored of receivers in trouble. A healthy webhook has no row, and so costs nothing."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import astuple, fields
from typing import Any, NamedTuple

from sqlalchemy import Connection, delete, text

from app.core.receiver_health import HEALTHY, Health
from app.store.tables import webhook_health

HEALTH_COLUMNS = tuple(webhook_health.c[item.name].label(f"health_{item.name}") for item in fields(Health))
"""For queries that join the table from the left; :func:`read_health` makes sense of them."""

_NAMES = [item.name for item in fields(Health)]
# Only while the webhook is what the engine knows: whoever changed or resumed it has told a newer truth.
_WRITE = text(
    f"INSERT INTO webhook_health (webhook_pk, {', '.join(_NAMES)}) "  # noqa: S608 - names come from the dataclass
    f"SELECT pk, {', '.join(f':{name}' for name in _NAMES)} FROM webhooks WHERE pk = :pk AND version = :version "
    f"ON CONFLICT (webhook_pk) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in _NAMES)}"
)


class HealthChange(NamedTuple):
    """The new health of one webhook, as seen by an engine that works with this version of it."""

    webhook_pk: int
    version: int
    health: Health


def read_health(values: Sequence[Any]) -> Health:
    """The health in the values of :data:`HEALTH_COLUMNS`; all NULL when there is no row."""
    return HEALTHY if values[0] is None else Health(*values)


def write_health(connection: Connection, changes: Collection[HealthChange]) -> None:
    """Store what an engine learned; webhooks that are healthy again lose their row."""
    troubled = [
        {"pk": pk, "version": version, **dict(zip(_NAMES, astuple(health), strict=True))}
        for pk, version, health in changes
        if health != HEALTHY
    ]
    if troubled:
        connection.execute(_WRITE, troubled)
    forget_health(connection, [change.webhook_pk for change in changes if change.health == HEALTHY])


def forget_health(connection: Connection, webhook_pks: Collection[int]) -> None:
    """These receivers count as healthy from now on."""
    if webhook_pks:
        connection.execute(delete(webhook_health).where(webhook_health.c.webhook_pk.in_(webhook_pks)))
