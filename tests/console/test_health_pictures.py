"""Pictures of health: the shape says what the numbers say, and the words say it too."""

from __future__ import annotations

from app.console.health_pictures import ledger_picture, waiting_picture, worker_picture
from app.core.clock import SECOND
from app.core.partitions import PARTITIONS
from app.queue.heartbeats import Heartbeat
from app.store.ledger import Ledger, WebhookLedger

NOW = 1_000 * SECOND


def test_the_line_of_the_ledger_is_as_long_as_all_deliveries_whatever_became_of_them() -> None:
    picture = ledger_picture(
        Ledger(10, (WebhookLedger("w", "W", delivered=6, failed=2), WebhookLedger("v", "V", parked=2)))
    )
    assert [(one.tone, one.width) for one in picture.bars] == [("good", 600), ("bad", 200), ("mark", 200)]
    assert picture.text.startswith("What became of deliveries: delivered 6, waiting for a confirmation 0, pending 0")
    assert ledger_picture(Ledger(0)).bars == ()


def test_a_partition_whose_oldest_delivery_is_late_stands_out_in_form_and_words() -> None:
    picture = waiting_picture({0: NOW - SECOND, 3: NOW - 60 * SECOND}, NOW)
    assert [one.tone for one in picture.bars[:4]] == ["good", "base", "base", "bad"]
    assert picture.bars[3].height == max(one.height for one in picture.bars)
    assert picture.text == "The oldest delivery waits for 1.0 min: more than 30.0 s in 1 of 16 partitions"
    assert len(picture.rows) == PARTITIONS
    assert picture.rows[1] == ("Partition 1", "nothing")


def test_where_nothing_waits_every_bar_is_flat() -> None:
    picture = waiting_picture({}, NOW)
    assert (picture.text, {one.height for one in picture.bars}) == ("Nothing waits", {1})


def test_a_worker_that_is_quiet_stands_out_in_form_and_words() -> None:
    heard = [Heartbeat("a", NOW - SECOND // 2), Heartbeat("b", NOW - 20 * SECOND)]
    picture = worker_picture(heard, NOW)
    assert [one.tone for one in picture.bars] == ["good", "bad"]
    assert picture.text == "2 workers, 1 not heard of for more than 5.0 s"
    assert worker_picture(heard[:1], NOW).text == "1 worker, each heard of just now"
