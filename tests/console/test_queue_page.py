"""The operator's page of the queues: what waits, who works, and what it says when Redis says nothing."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from app.console.queue_pictures import condition_picture, queue_picture, told, whole
from app.core.clock import MINUTE, SECOND
from app.core.partitions import PARTITIONS
from app.queue.connection import ring_redis, worker_redis
from app.queue.doorbell import RedisDoorbell
from app.queue.listening import warm_key
from app.queue.worker import DrainWorker
from app.store.partitions import take_partition, take_tick_lease
from app.store.queues import PartitionQueue, Tally
from tests.console.redis_beside import running_redis, using_redis
from tests.console.site import Site
from tests.world import AUDIT, PLATFORM


def test_queues_tell_how_much_waits_where_and_how_the_webhooks_fare(site: Site) -> None:
    page = site.get("/ops/queues").text
    assert "Nothing waits" in page
    assert "Nothing in 16 partitions" in page
    hook = site.world.add_webhook("http://127.0.0.1:9/", event_types=[AUDIT])
    held = site.world.add_webhook("http://127.0.0.1:9/held", event_types=[AUDIT])
    site.world.send_numbers(1, 2, 3)
    site.services.webhooks.pause(PLATFORM, held.id)
    page = site.get("/ops/queues").text
    assert "All partitions together: due now 3, in flight 0, tries planned 0, for a batch 0, held back 3" in page
    assert f'<td data-label="Partition">{hook.partition}</td>' in page
    assert "Nothing in 14 partitions" in page or hook.partition == held.partition
    assert 'aria-label="Webhooks: healthy 1, paused 1"' in page
    assert 'href="/ops/queues"' in site.get("/ops/health").text


def test_without_an_answer_of_redis_the_queues_say_so_and_tell_the_rest(site: Site) -> None:
    assert "told of no Redis" in site.get("/ops/queues").text
    with using_redis(site, "redis://127.0.0.1:1/0"):
        answer = site.get("/ops/queues")
    assert answer.status_code == 200
    assert "Redis does not answer (ConnectionError)" in answer.text
    assert "No tick has been at work here yet" in answer.text


def test_queues_show_jobs_workers_and_the_tick(site: Site, tmp_path: Path) -> None:
    now = site.services.clock()
    with running_redis(tmp_path) as url, using_redis(site, url):
        assert "No worker to show" in site.get("/ops/queues").text
        with closing(worker_redis(url)) as redis:
            DrainWorker(redis, lambda: False).register_birth()
            redis.set(warm_key(7), "somewhere")
            RedisDoorbell(ring_redis(url), site.services.clock).ring([4])
        with site.services.store.write() as connection:
            take_partition(connection, 9, 21, now)
            take_partition(connection, 10, 20, now - MINUTE)
        take_tick_lease(site.services.store, "tick", now - MINUTE, SECOND)
        page = site.get("/ops/queues").text
    assert "1 worker, each heard of just now" in page
    assert '<td data-label="Bell">Job waits</td>' in page
    assert '<td data-label="Bell">Worker listens</td>' in page
    assert "20 was lost" in page
    assert "21 was lost" not in page
    assert "No tick is at work" in page
    assert "Nothing in 12 partitions" in page


def test_kinds_stand_on_top_of_each_other_and_even_one_is_seen() -> None:
    queues = [PartitionQueue(number) for number in range(PARTITIONS)]
    queues[2].due, queues[2].held = Tally(9_999, is_least=True), Tally(1)
    picture = queue_picture(queues)
    second = [one for one in picture.bars if one.x == 2 * 8]
    assert [one.tone for one in second] == ["note", "mark"]
    assert sum(one.height for one in second) == picture.height
    assert min(one.height for one in second) >= 2
    assert picture.text.startswith("All partitions together: due now \u2265\u202f9\u202f999, in flight 0")
    assert whole(queues, "due") == Tally(9_999, is_least=True)
    assert told(Tally(3)) == "3"


def test_without_webhooks_the_line_of_their_conditions_is_empty() -> None:
    assert condition_picture({}).bars == ()
    assert condition_picture({}).text == "Webhooks: none"
