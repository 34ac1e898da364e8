"""Exact bytes are handed over once per content and day, and never lost with a failed transaction."""

from __future__ import annotations

from app.core.clock import DAY
from app.delivery.contents import ContentLedger


def test_the_same_bytes_are_written_once_a_day() -> None:
    ledger = ContentLedger()
    first = ledger.digest(b"answer", DAY)
    assert ledger.digest(b"answer", DAY + 5) == first
    assert ledger.take_fresh() == [(first, 1, b"answer")]
    assert ledger.digest(b"answer", 2 * DAY - 1) == first
    assert ledger.take_fresh() == []
    second = ledger.digest(b"answer", 2 * DAY)
    assert second != first, "yesterday's bytes may be gone tomorrow"
    assert ledger.take_fresh() == [(second, 2, b"answer")]


def test_different_bytes_have_different_digests() -> None:
    ledger = ContentLedger()
    assert len({ledger.digest(bytes([number]) * 700, DAY) for number in range(50)}) == 50


def test_what_was_not_committed_goes_with_the_next_group() -> None:
    ledger = ContentLedger()
    ledger.digest(b"a", DAY)
    fresh = ledger.take_fresh()
    ledger.digest(b"b", DAY)
    ledger.put_back(fresh)
    assert [content for _, _, content in ledger.take_fresh()] == [b"a", b"b"]
