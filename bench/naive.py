"""The naive design: one RQ job, one ``requests.post`` and one commit per delivery.

Written as somebody would who knows the tools: the connections are kept where the worker class lets them be kept, the
serializer is JSON, results are dropped, the signature is made, the exact bytes are stored, and the database is spoken
to without an ORM. Nothing here is slow on purpose.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from typing import Any

import orjson
import psycopg
import requests

from app.core.signing import Signer

DATABASE_VARIABLE = "NAIVE_DATABASE"
QUEUE = "naive"
JOB = "bench.naive.deliver"
TIMEOUT_S = 15
SECRET = b"0123456789abcdef0123456789abcdef"

SCHEMA = (
    "CREATE TABLE events (seq bigint PRIMARY KEY, id text NOT NULL, body {bytes} NOT NULL)",
    """CREATE TABLE deliveries (seq bigint PRIMARY KEY, event_seq bigint NOT NULL, url text NOT NULL,
       state smallint NOT NULL, attempt_count smallint NOT NULL)""",
    """CREATE TABLE attempts (delivery_seq bigint, n smallint, started_at bigint NOT NULL, finished_at bigint NOT NULL,
       status smallint, request_head {bytes}, request_body {bytes}, response_head {bytes}, response_body {bytes},
       PRIMARY KEY (delivery_seq, n))""",
)
_READ = """SELECT d.url, d.attempt_count, e.id, e.body FROM deliveries d JOIN events e ON e.seq = d.event_seq
           WHERE d.seq = ?"""
_WRITE_ATTEMPT = "INSERT INTO attempts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
_WRITE_STATE = "UPDATE deliveries SET state = ?, attempt_count = ? WHERE seq = ?"


class NaiveDatabase:
    """A plain driver connection to either database, with the same durability as ours."""

    def __init__(self, url: str) -> None:
        self.is_sqlite = url.startswith("sqlite:///")
        self._connection: Any
        if self.is_sqlite:
            self._connection = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None, timeout=30)
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute("PRAGMA synchronous=FULL")
        else:
            self._connection = psycopg.connect(url.replace("+psycopg", "", 1), autocommit=True)

    def create(self) -> None:
        """The tables."""
        for statement in SCHEMA:
            self._connection.execute(statement.format(bytes="blob" if self.is_sqlite else "bytea"))

    def fill(self, url: str, bodies: list[tuple[str, bytes]]) -> None:
        """One event and one pending delivery for every body."""
        self._connection.execute("BEGIN")
        cursor = self._connection.cursor()
        cursor.executemany(
            self._sql("INSERT INTO events VALUES (?, ?, ?)"), [(n, *one) for n, one in enumerate(bodies, 1)]
        )
        rows = [(n, n, url, 0, 0) for n in range(1, len(bodies) + 1)]
        cursor.executemany(self._sql("INSERT INTO deliveries VALUES (?, ?, ?, ?, ?)"), rows)
        self._connection.execute("COMMIT")

    def one(self, statement: str, values: tuple[Any, ...] = ()) -> Any:
        """The only row of a query."""
        return self._connection.execute(self._sql(statement), values).fetchone()

    def commit_attempt(self, attempt: tuple[Any, ...], state: int) -> None:
        """An attempt and the delivery's new state, in one transaction."""
        self._connection.execute("BEGIN IMMEDIATE" if self.is_sqlite else "BEGIN")
        self._connection.execute(self._sql(_WRITE_ATTEMPT), attempt)
        self._connection.execute(self._sql(_WRITE_STATE), (state, attempt[1], attempt[0]))
        self._connection.execute("COMMIT")

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _sql(self, statement: str) -> str:
        return statement if self.is_sqlite else statement.replace("?", "%s")


class NaiveSender:
    """What a job needs, made at its first use on a thread and kept for the next job there."""

    _kept = threading.local()

    def __init__(self) -> None:
        self._database = NaiveDatabase(os.environ[DATABASE_VARIABLE])
        self._signer = Signer([SECRET])
        self._session = requests.Session()
        self._session.trust_env = False

    @classmethod
    def here(cls) -> NaiveSender:
        """The one of this thread."""
        if not hasattr(cls._kept, "sender"):
            cls._kept.sender = cls()
        sender: NaiveSender = cls._kept.sender
        return sender

    def deliver(self, delivery_seq: int) -> None:
        """Read, sign, send, write down."""
        url, tried, event_id, body = self._database.one(_READ, (delivery_seq,))
        started = time.time_ns() // 1000
        stamp = started // 1_000_000
        headers = {
            "content-type": "application/json",
            "x-team": "audit",
            "webhook-id": event_id,
            "webhook-timestamp": str(stamp),
            "webhook-signature": self._signer.sign(event_id, stamp, bytes(body)),
        }
        answer = self._session.post(url, data=bytes(body), headers=headers, timeout=TIMEOUT_S, allow_redirects=False)
        finished = time.time_ns() // 1000
        request_head = orjson.dumps(headers)
        response_head = orjson.dumps(dict(answer.headers))
        seen = (started, finished, answer.status_code, request_head, bytes(body), response_head, answer.content)
        self._database.commit_attempt((delivery_seq, tried + 1, *seen), 2 if answer.ok else 0)


def deliver(delivery_seq: int) -> None:
    """The job."""
    NaiveSender.here().deliver(delivery_seq)
