"""Opening the database: one :class:`Store` per process, the same code over SQLite and PostgreSQL."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import DataError, DBAPIError, OperationalError
from sqlalchemy.pool import QueuePool

from app.core.errors import ConfigurationError, InvalidInputError, SchemaMismatchError, StoreUnavailableError
from app.store.failures import lacking, words_of
from app.store.turns import WriteTurn

BUSY_TIMEOUT_MS = 5_000
"""How long a write waits, its turn included. Our own writers take turns, so only a foreign program (a backup tool)
can make one wait at its turn; those behind it in line have been waiting too, and do not start afresh."""
_HARDLY_WAITED_MS = 100
STATEMENT_TIMEOUT_MS = 30_000
_WAITED_MS = "relaypoint_waited_ms"
_FSYNC_ERRORS = frozenset({"SQLITE_IOERR_FSYNC", "SQLITE_IOERR_DIR_FSYNC"})
EXIT_DISK = 74
"""``EX_IOERR`` of ``sysexits.h``."""

log = logging.getLogger(__name__)


class Store:
    """The database of one process. Connections come from a pool; nothing is open before first use."""

    def __init__(self, engine: Engine, turn: WriteTurn | None) -> None:
        self.engine = engine
        self._turn = turn

    @property
    def is_sqlite(self) -> bool:
        """Whether this is the embedded database."""
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection for short reads.

        Raises:
            StoreUnavailableError: the database cannot be reached.
        """
        with _translated(), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """A connection whose statements all see the same moment, also on PostgreSQL.

        Raises:
            StoreUnavailableError: the database cannot be reached.
        """
        with _translated(), self.engine.connect() as connection:
            if not self.is_sqlite:
                connection.execution_options(isolation_level="REPEATABLE READ")
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A connection inside one write transaction, committed at the end of the block.

        Raises:
            StoreUnavailableError: the transaction could not be committed; nothing of it was stored.
        """
        waiting: AbstractContextManager[float] = self._turn.taken() if self._turn else nullcontext(0.0)
        with _translated(), waiting as waited, self.engine.connect() as connection:
            if self._turn:
                connection.execution_options(**{_WAITED_MS: int(waited * 1000)})
            with connection.begin():
                yield connection

    def close(self) -> None:
        """Close every connection and the lock files."""
        self.engine.dispose()
        if self._turn:
            self._turn.close()


@contextmanager
def _translated() -> Iterator[None]:
    """Driver errors that mean *not now* become :class:`StoreUnavailableError`; those over a text, the caller's."""
    try:
        yield
    except OperationalError as error:
        _end_if_unsure(error)
        _refuse_other_schema(error)
        raise StoreUnavailableError(words_of(error)) from error
    except DBAPIError as error:
        _refuse_other_schema(error)
        if error.connection_invalidated:
            raise StoreUnavailableError("the connection to the database was lost") from error
        if isinstance(error, DataError) and "NUL" in str(error.orig):
            raise InvalidInputError("a text holds the character NUL, which PostgreSQL cannot keep") from error
        raise


def _refuse_other_schema(error: DBAPIError) -> None:
    """SQLite calls a missing column an error of operation, PostgreSQL one of programming: it is neither."""
    missing = lacking(error)
    if missing is not None:
        told = f"the schema of the database is not the one of this version ({missing}); waiting does not help"
        raise SchemaMismatchError(f"{told}: relaypoint doctor says what does") from error


def _end_if_unsure(error: OperationalError) -> None:
    """After a failed fsync nobody knows what is on the disk: the process ends, and the next one reads it anew."""
    name = getattr(error.orig, "sqlite_errorname", "")
    if name in _FSYNC_ERRORS:
        log.critical("fsync failed", extra={"error": name})
        logging.shutdown()
        os._exit(EXIT_DISK)


def open_store(database_url: str, *, pool_size: int = 12) -> Store:
    """The store behind a SQLAlchemy URL (``sqlite:///path`` or ``postgresql://…``).

    Raises:
        ConfigurationError: the URL names another kind of database.
    """
    url = make_url(database_url)
    if url.drivername == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    return store_over(create_engine(url, **engine_options(url, pool_size=pool_size)))


def engine_options(url: URL, *, pool_size: int = 12) -> dict[str, Any]:
    """What ``create_engine`` must be told for one of our databases.

    Raises:
        ConfigurationError: the URL names another kind of database, or SQLite without a file.
    """
    if url.get_backend_name() == "sqlite":
        if not url.database or url.database == ":memory:":
            raise ConfigurationError("SQLite needs a file: sqlite:////absolute/path/relaypoint.db")
        # The driver must not open transactions by itself: _prepare_sqlite says BEGIN or BEGIN IMMEDIATE.
        arguments: dict[str, Any] = {"check_same_thread": False, "isolation_level": None, "cached_statements": 256}
        return {"poolclass": QueuePool, "pool_size": pool_size, "max_overflow": 4, "connect_args": arguments}
    if url.get_backend_name() == "postgresql":
        # The claim's plan must follow the table as it is now: a generic plan made on an empty table can run for
        # minutes on a full one.
        session = f"-c plan_cache_mode=force_custom_plan -c statement_timeout={STATEMENT_TIMEOUT_MS}"
        arguments = {"connect_timeout": 5, "options": session}
        return {"pool_size": pool_size, "max_overflow": 4, "pool_pre_ping": True, "connect_args": arguments}
    raise ConfigurationError("RELAYPOINT_DATABASE_URL must start with sqlite:/// or postgresql://")


def store_over(engine: Engine) -> Store:
    """A store on an engine made with :func:`engine_options`."""
    if engine.dialect.name != "sqlite":
        return Store(engine, None)
    _prepare_sqlite(engine)
    return Store(engine, WriteTurn(Path(engine.url.database or "")))


def _prepare_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def _set_up(connection: Any, _record: Any) -> None:
        for pragma in (
            f"busy_timeout={BUSY_TIMEOUT_MS}",
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "cache_size=-32768",
            "wal_autocheckpoint=4000",
            "temp_store=MEMORY",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        waited_ms = connection.get_execution_options().get(_WAITED_MS)
        if waited_ms is None:
            connection.exec_driver_sql("BEGIN")
        elif waited_ms < _HARDLY_WAITED_MS:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            _begin_with_what_is_left(connection, BUSY_TIMEOUT_MS - waited_ms)


def _begin_with_what_is_left(connection: Connection, left_ms: int) -> None:
    connection.exec_driver_sql(f"PRAGMA busy_timeout={max(left_ms, 0)}")
    try:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    finally:
        connection.exec_driver_sql(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
