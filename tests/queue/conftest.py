"""A real Redis server per test module, killed and started again at will."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import RedisError

from app.queue.connection import worker_redis
from app.queue.embedded import EmbeddedServer, prepare_server


class RedisProcess:
    """A private Redis server, as ``relaypoint up`` starts it."""

    def __init__(self, folder: Path) -> None:
        self.server: EmbeddedServer = prepare_server(folder)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return self.server.url

    def start(self) -> None:
        self._process = subprocess.Popen(self.server.argv, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 5
        client = self.client()
        while True:
            try:
                client.ping()
                break
            except RedisError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)
        client.close()

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def client(self) -> Redis:
        return worker_redis(self.url)


@pytest.fixture(scope="module")
def redis_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisProcess]:
    process = RedisProcess(tmp_path_factory.mktemp("redis"))
    process.start()
    yield process
    process.kill()


@pytest.fixture
def redis(redis_process: RedisProcess) -> Iterator[Redis]:
    client = redis_process.client()
    client.flushall()
    yield client
    client.close()
