"""Changing our own configuration: one transaction, the events of its changes in it, and the ringing after it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection

from app.core.doorbell import Doorbell
from app.routing.own_audit import Audit, OwnChange
from app.store.engine import Store


class News:
    """What an open transaction has to tell, and for whom to ring when it stands."""

    def __init__(self, connection: Connection, audit: Audit) -> None:
        self._connection = connection
        self._audit = audit
        self.partitions: frozenset[int] = frozenset()

    def tell(self, change: OwnChange | None) -> None:
        """Write the event of a change beside the change; None = nothing changed."""
        if change is not None:
            self.partitions |= self._audit.record(self._connection, change)

    def ring(self, partition: int) -> None:
        """Something is due in this partition now."""
        self.partitions |= {partition}


class OwnChanges:
    """Where every use case writes that changes our own configuration.

    Args:
        store: the database.
        audit: told of every change, in its transaction.
        doorbell: rung for whoever is owed the news, after the commit.
    """

    def __init__(self, store: Store, audit: Audit, doorbell: Doorbell) -> None:
        self._store = store
        self._audit = audit
        self._doorbell = doorbell

    @contextmanager
    def write(self) -> Iterator[tuple[Connection, News]]:
        """A transaction: all of it stands at the end, or nothing does and nobody hears.

        Raises:
            StoreUnavailableError: the database does not answer.
        """
        with self._store.write() as connection:
            news = News(connection, self._audit)
            yield connection, news
        self._doorbell.ring(news.partitions)
