"""How many events came lately, by context: for pictures of what flows."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import Connection, case, func, select

from app.core.clock import HOUR, MINUTE, Micros
from app.security.scope import Scope
from app.store.tables_traffic import event_traffic

_HOURS = 24


@dataclass(frozen=True, slots=True)
class ContextTraffic:
    """Events of one context: of the last day, and of the last whole minute."""

    events: int = 0
    per_minute: int = 0


@dataclass(frozen=True, slots=True)
class Traffic:
    """The changes of the last day by context, None = the organization itself."""

    by_context: dict[str | None, ContextTraffic] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """Those of all contexts."""
        return sum(one.events for one in self.by_context.values())

    def of(self, context_id: str | None) -> ContextTraffic:
        """Those of one context."""
        return self.by_context.get(context_id, ContextTraffic())


def traffic_of_day(connection: Connection, scope: Scope, now: Micros) -> Traffic:
    """What was received within a scope in the present hour and the 23 before it."""
    table = event_traffic.c
    in_last_minute = case((table.minute == now // MINUTE - 1, table.events), else_=0)
    statement = (
        select(table.context_id, func.sum(table.events), func.sum(in_last_minute))
        .where(*scope.within(event_traffic), table.minute >= (now // HOUR + 1 - _HOURS) * (HOUR // MINUTE))
        .group_by(table.context_id)
    )
    rows = connection.execute(statement)
    return Traffic({row[0] or None: ContextTraffic(int(row[1]), int(row[2])) for row in rows})
