"""What the last attempt of a delivery got, looked up row by row: no planner can turn a scalar sub-query around."""

from __future__ import annotations

from sqlalchemy import ColumnElement, func, select

from app.core.answer_class import AnswerClass
from app.store.tables import attempts, deliveries


def last_answer_is(wanted: AnswerClass) -> ColumnElement[bool]:
    """The condition that a delivery's last attempt got such an answer; one that was never tried got none of them."""
    # The bounds are compared inside: PostgreSQL asks a sub-query between two bounds twice. And the attempt is found by
    # its key alone, not by the delivery's count of attempts, which no index of deliveries holds: given another column
    # to read, SQLite leaves the short index of those that ended badly for the long way along the primary key.
    return (
        select(func.coalesce(attempts.c.status, 0).between(*wanted.bounds))
        .where(attempts.c.webhook_pk == deliveries.c.webhook_pk, attempts.c.event_seq == deliveries.c.event_seq)
        .order_by(attempts.c.n.desc())
        .limit(1)
        .correlate(deliveries)
        .scalar_subquery()
    )
