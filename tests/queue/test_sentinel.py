from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis.exceptions import RedisError

from app.core.clock import system_clock
from app.core.errors import ConfigurationError
from app.queue.connection import ring_redis, worker_redis
from app.queue.doorbell import RedisDoorbell
from app.queue.embedded import find_server
from app.queue.job import QUEUE_NAME
from app.queue.sentinel import parse_sentinel


def test_a_url_names_sentinels_service_database_and_credentials() -> None:
    address = parse_sentinel("rediss+sentinel://me:p%40ss@one:1,two,[::1]:3/main?db=2")
    assert address.sentinels == (("one", 1), ("two", 26379), ("::1", 3))
    assert (address.service, address.database, address.tls) == ("main", 2, True)
    assert address.credentials == {"username": "me", "password": "p@ss"}
    assert "p@ss" not in repr(address)


@pytest.mark.parametrize(
    "url",
    [
        "redis+sentinel://:s3cret@/main",
        "redis+sentinel://:s3cret@one:1",
        "redis+sentinel://:s3cret@one:x/main",
        "redis+sentinel://:s3cret@one:1/main?db=x",
    ],
)
def test_a_wrong_url_is_refused_without_repeating_its_password(url: str) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        parse_sentinel(url)
    assert "s3cret" not in str(refusal.value)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def sentinel_url(tmp_path: Path) -> Iterator[str]:
    data, watcher = free_port(), free_port()
    server = str(find_server())
    common = ["bind 127.0.0.1", f"dir {tmp_path}", 'logfile ""', "daemonize no"]
    (tmp_path / "data.conf").write_text("\n".join([f"port {data}", 'save ""', "requirepass s3cret", *common]))
    (tmp_path / "watch.conf").write_text(
        "\n".join(
            [
                f"port {watcher}",
                *common,
                f"sentinel monitor main 127.0.0.1 {data} 1",
                "sentinel auth-pass main s3cret",
            ]
        )
    )
    commands = ([server, str(tmp_path / "data.conf")], [server, str(tmp_path / "watch.conf"), "--sentinel"])
    processes = [subprocess.Popen(command, stdout=subprocess.DEVNULL) for command in commands]
    yield f"redis+sentinel://:s3cret@127.0.0.1:{watcher}/main"
    for process in processes:
        process.kill()
        process.wait()


@pytest.mark.redis
def test_rings_and_workers_find_the_primary_through_a_sentinel(sentinel_url: str) -> None:
    deadline = time.monotonic() + 10
    worker = worker_redis(sentinel_url)
    while True:
        try:
            worker.ping()
            break
        except RedisError:
            assert time.monotonic() < deadline
            time.sleep(0.05)
    bell = ring_redis(sentinel_url)
    RedisDoorbell(bell, system_clock).ring([1])
    assert worker.llen(f"rq:queue:{QUEUE_NAME}") == 1
    bell.close()
    worker.close()
