"""The schema of receipts: requests that a receiver took and has not confirmed yet."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, LargeBinary, Table, Text

from app.store.tables import BigKey, metadata

receipts = Table(
    "receipts",
    metadata,
    Column("exchange_id", BigKey, primary_key=True, autoincrement=False),
    Column("webhook_pk", BigInteger, nullable=False),
    Column("first_seq", BigInteger, nullable=False),
    Column("last_seq", BigInteger, nullable=False),
    Column("batch_pk", BigInteger),
    Column("place", LargeBinary, nullable=False),
    Column("channel", Text, nullable=False),
    Column("receipt", Text),
    Column("accepted_at", BigInteger, nullable=False),
    Column("poll_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("trouble", Text),
    Index(None, "webhook_pk", "poll_at"),
    Index(None, "webhook_pk", "channel", "receipt"),
)
"""One request that waits for its receiver's confirmation; it is deleted with the word that ends the wait.

What it carried are the *accepted* deliveries from ``first_seq`` to ``last_seq`` whose latest attempt is this exchange.
``place`` tells the receiver apart that gave the receipt. ``receipt`` NULL = it cannot be asked about any more.
``poll_at`` is when it is asked about next, ``trouble`` why the last time brought no word.
"""
