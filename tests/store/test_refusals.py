"""The webhooks that the address policy stopped, counted by its rules and named by nothing else."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection

from app.core.clock import DAY, SECOND, Micros
from app.core.egress_table import NOT_ALLOWED
from app.store import Store, refusals
from app.store.refusals import StoppedByRule, stopped_by_rule
from tests.store.rows import NOW, add_organization, add_webhook

PRIVATE, LOOPBACK = "10.0.0.0/8 private", "127.0.0.0/8 loopback"


def stop(
    connection: Connection, name: str, rule: str, at: Micros = NOW, state: str = "paused", **values: object
) -> None:
    reason = f"10.0.0.1:443{NOT_ALLOWED}{rule}"
    add_webhook(connection, name, **({"state": state, "state_reason": reason, "state_since": at} | values))


def test_each_rule_has_its_number_those_of_the_last_day_and_the_last_moment(store: Store) -> None:
    with store.write() as connection:
        add_organization(connection)
        assert stopped_by_rule(connection, NOW) == []
        stop(connection, "old", PRIVATE, NOW - DAY)
        stop(connection, "new", PRIVATE, NOW - SECOND)
        stop(
            connection,
            "asked",
            LOOPBACK,
            NOW - 2 * SECOND,
            state_reason=f"asked to confirm: [::1]:80{NOT_ALLOWED}{LOOPBACK}",
        )
        assert stopped_by_rule(connection, NOW) == [
            StoppedByRule(PRIVATE, 2, 1, NOW - SECOND),
            StoppedByRule(LOOPBACK, 1, 1, NOW - 2 * SECOND),
        ]


def test_what_was_resumed_deleted_or_stopped_for_another_reason_is_not_counted(store: Store) -> None:
    with store.write() as connection:
        add_organization(connection)
        stop(connection, "resumed", PRIVATE, state="enabled")
        stop(connection, "deleted", PRIVATE, deleted_at=NOW)
        stop(connection, "words", f"Secretive Ltd{NOT_ALLOWED}of its receiver")
        stop(connection, "by hand", PRIVATE, state_reason=None)
        assert stopped_by_rule(connection, NOW) == []


def test_no_more_than_so_many_are_looked_at_and_they_are_the_last(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refusals, "_STOPPED", refusals._STOPPED.limit(2))
    with store.write() as connection:
        add_organization(connection)
        for number in range(4):
            stop(connection, f"n{number}", PRIVATE, NOW - number)
        assert stopped_by_rule(connection, NOW) == [StoppedByRule(PRIVATE, 2, 2, NOW)]
