"""What a page asks of the database: every statement, how long it takes, and the plan of the heaviest."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import Connection, event

from app.api.application import EXTENSION
from app.settings import Settings
from app.store import Store
from app.web import create_app

COOKIE = "relaypoint-http"
"""What a browser on a plain connection is known by."""


@dataclass(slots=True)
class Asked:
    """The statements of one page, in their order, each with its parameters and its milliseconds."""

    statements: list[tuple[str, Any, float]] = field(default_factory=list)

    @property
    def heaviest(self) -> tuple[str, Any, float]:
        """The one that took longest."""
        return max(self.statements, key=lambda one: one[2])


def queries_of(settings: Settings, paths: Sequence[str], session: str) -> list[str]:
    """For each page one line: how many statements it makes, how long they take, and the plan of the heaviest.

    Args:
        settings: of the installation.
        paths: of the pages.
        session: the token of whoever is signed in.
    """
    app = create_app(settings)
    store: Store = app.extensions[EXTENSION].store
    client = app.test_client()
    client.set_cookie(COOKIE, session)
    told = [_queries(client, store, path) for path in paths]
    store.close()
    return told


def _queries(client: FlaskClient, store: Store, path: str) -> str:
    client.get(path)
    with _listening(store) as asked:
        client.get(path)
    statement, parameters, heaviest_ms = asked.heaviest
    whole_ms = sum(ms for _, _, ms in asked.statements)
    told = f"{len(asked.statements)} statements, {whole_ms:.1f} ms together"
    return f"{told}; the heaviest, {heaviest_ms:.1f} ms: {_plan(store, statement, parameters)}"


@contextmanager
def _listening(store: Store) -> Iterator[Asked]:
    """Note every statement until its rows can be fetched; what the rows cost counts with the next one."""
    asked = Asked()
    began: list[float] = []

    def before(*_: Any) -> None:
        began.append(time.perf_counter())

    def after(_connection: Connection, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        asked.statements.append((statement, parameters, (time.perf_counter() - began.pop()) * 1000))

    event.listen(store.engine, "before_cursor_execute", before)
    event.listen(store.engine, "after_cursor_execute", after)
    try:
        yield asked
    finally:
        event.remove(store.engine, "before_cursor_execute", before)
        event.remove(store.engine, "after_cursor_execute", after)


def _plan(store: Store, statement: str, parameters: Any) -> str:
    words = "EXPLAIN QUERY PLAN" if store.is_sqlite else "EXPLAIN (COSTS OFF)"
    with store.read() as connection:
        rows = connection.exec_driver_sql(f"{words} {statement}", parameters).all()
    return " / ".join(str(row[-1]).strip() for row in rows)
