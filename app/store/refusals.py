"""The webhooks that the address policy stopped, by the rule that did: numbers, and nothing of any tenant.

The first refused address pauses its webhook and leaves the rule in the reason. So there is a row for each; the attempts
themselves could be counted only by reading all there are.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, select

from app.core.clock import DAY, Micros
from app.core.egress_table import NOT_ALLOWED, rule_that_refused
from app.store.tables import webhooks

LOOKED_AT = 2_000
"""Webhooks that are looked at, those that were stopped last."""


@dataclass(frozen=True, slots=True)
class StoppedByRule:
    """How many webhooks one rule has paused that are paused still, those of the last day, and when the last one was."""

    rule: str
    webhooks: int
    lately: int
    last_at: Micros


_STOPPED = (
    select(webhooks.c.state_reason, webhooks.c.state_since)
    .where(
        webhooks.c.deleted_at.is_(None),
        webhooks.c.state == "paused",
        webhooks.c.state_since.is_not(None),
        webhooks.c.state_reason.contains(NOT_ALLOWED),
    )
    .order_by(webhooks.c.state_since.desc())
    .limit(LOOKED_AT)
)


def stopped_by_rule(connection: Connection, now: Micros) -> list[StoppedByRule]:
    """The rules that hold webhooks back now, the latest first."""
    since: dict[str, list[Micros]] = {}
    for reason, at in connection.execute(_STOPPED):
        if rule := rule_that_refused(reason):
            since.setdefault(rule, []).append(at)
    return [
        StoppedByRule(rule, len(moments), sum(at > now - DAY for at in moments), moments[0])
        for rule, moments in since.items()
    ]
