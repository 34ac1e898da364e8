"""What plugins did wrong, counted by sink or plugin, call or hook, and error.

So a person hears of it, whichever process met it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from typing import NamedTuple

from sqlalchemy import Connection, delete, select, text

from app.core.clock import DAY, Micros
from app.store.tables import plugin_faults

SHOWN: Micros = DAY
"""A fault that was not met again for so long is forgotten."""
MOST_SHOWN = 50
_LONGEST_ERROR = 300

_COUNT = text(
    "INSERT INTO plugin_faults (sink, call, error, times, webhook_id, first_at, last_at) "
    "VALUES (:sink, :call, :error, :times, :webhook_id, :now, :now) "
    "ON CONFLICT (sink, call, error) DO UPDATE SET times = plugin_faults.times + excluded.times, "
    "webhook_id = excluded.webhook_id, last_at = excluded.last_at"
)


class PluginFaultRow(NamedTuple):
    """One fault: the sink, what it was to do, what went wrong, and for which webhook."""

    sink: str
    call: str
    error: str
    webhook_id: str


class FaultKind(NamedTuple):
    """What tells faults of hooks apart: the plugin, its hook, and what went wrong."""

    plugin: str
    hook: str
    error: str


class KnownFault(NamedTuple):
    """Equal faults: how often they were met, the last webhook that met one, and when."""

    sink: str
    call: str
    error: str
    times: int
    webhook_id: str
    first_at: Micros
    last_at: Micros


def write_faults(connection: Connection, faults: Collection[PluginFaultRow], now: Micros) -> None:
    """Count faults; of equal ones the last webhook is kept."""
    if not faults:
        return
    rows = [fault._replace(error=fault.error[:_LONGEST_ERROR]) for fault in faults]
    times = Counter(row[:3] for row in rows)
    last = {row[:3]: row for row in rows}
    # In one order everywhere, so that two recording processes lock the rows alike.
    connection.execute(_COUNT, [{**last[key]._asdict(), "times": times[key], "now": now} for key in sorted(last)])


def add_faults(connection: Connection, counted: Mapping[FaultKind, int], now: Micros) -> None:
    """Count faults of hooks, which belong to no webhook."""
    if counted:
        kinds = [PluginFaultRow(kind.plugin, kind.hook, kind.error[:_LONGEST_ERROR], "") for kind in sorted(counted)]
        times = [counted[kind] for kind in sorted(counted)]
        rows = [{**kind._asdict(), "times": number, "now": now} for kind, number in zip(kinds, times, strict=True)]
        connection.execute(_COUNT, rows)


def recent_faults(connection: Connection, now: Micros) -> list[KnownFault]:
    """The faults of the last day, the latest first."""
    latest_first = (plugin_faults.c.last_at.desc(), plugin_faults.c.sink, plugin_faults.c.call)
    recent = select(plugin_faults).where(plugin_faults.c.last_at > now - SHOWN)
    return [KnownFault(*row) for row in connection.execute(recent.order_by(*latest_first).limit(MOST_SHOWN))]


def forget_faults(connection: Connection, now: Micros) -> None:
    """Remove what is not shown any more."""
    connection.execute(delete(plugin_faults).where(plugin_faults.c.last_at <= now - SHOWN))
