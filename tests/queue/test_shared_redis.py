"""A Redis of somebody's own: the documented ACL is enough and bounds us, and TLS is checked."""

from __future__ import annotations

import re
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Collection, Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest
import trustme
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from rq import Worker

from app.core.clock import system_clock
from app.queue.connection import ring_redis, worker_redis
from app.queue.depth import read_depth
from app.queue.doorbell import RedisDoorbell
from app.queue.embedded import find_server
from app.queue.heartbeats import read_heartbeats
from app.queue.job import SEAT, rung_key
from app.queue.listening import Listener
from app.queue.repair import remove_damaged_keys
from app.queue.worker import DrainWorker
from app.settings import Settings, SettingsError, load_settings

pytestmark = [pytest.mark.redis, pytest.mark.process]

ROOT = Path(__file__).parents[2]
PASSWORD = "s3cret"


class Drains:
    failed: BaseException | None = None

    def __init__(self) -> None:
        self.done: list[int] = []

    def drain(self, partition: int, slice_s: float) -> None:
        del slice_s
        self.done.append(partition)
        if partition == 3:
            raise RuntimeError("fails")

    def heed(self, partitions: Collection[int]) -> None:
        self.done += partitions

    def is_refused(self, partition: int) -> bool:
        return partition < 0

    def start(self) -> None: ...

    def run(self) -> None: ...

    def stop(self, grace_s: float) -> None: ...


def documented_acl() -> str:
    """The lines that an operator is told to use."""
    text = (ROOT / "docs/operate.md").read_text(encoding="utf-8")
    found = re.search(r"^user default off\n(user doorbell on .*)$", text, re.MULTILINE)
    assert found is not None
    return found[1].replace("PASSWORD", PASSWORD)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The socket of a server with the documented user, and one who may look at everything."""
    folder = tmp_path_factory.mktemp("redis")
    acl, config, path = folder / "users.acl", folder / "redis.conf", folder / "s"
    acl.write_text(f"user default off\n{documented_acl()}\nuser admin on >admin ~* &* +@all\n")
    config.write_text(f'port 0\nunixsocket "{path}"\naclfile "{acl}"\nsave ""\n')
    process = subprocess.Popen([find_server(), str(config)], stdout=subprocess.DEVNULL)
    end = time.monotonic() + 5
    while not path.exists():
        assert time.monotonic() < end
        time.sleep(0.02)
    yield path
    process.kill()
    process.wait()


def url_of(server: Path, user: str = "doorbell", password: str = PASSWORD) -> str:
    return f"unix://{user}:{password}@{server}?db=0"


def test_everything_that_we_do_is_allowed(server: Path) -> None:
    drains = Drains()
    SEAT.take(drains)
    bell = RedisDoorbell(ring_redis(url_of(server)), system_clock)
    bell.ring([1, 2, 3])
    bell.ring([1, 2], force=True)
    with closing(worker_redis(url_of(server))) as client:
        DrainWorker(client, lambda: False).work(burst=True)
        stop = threading.Event()
        worker = DrainWorker(client, stop.is_set)
        thread = threading.Thread(target=worker.work, kwargs={"logging_level": "WARNING"})
        thread.start()
        bell.ring([4])
        end = time.monotonic() + 10
        while 4 not in drains.done:
            assert time.monotonic() < end
            time.sleep(0.05)
        listener = Listener(lambda: worker_redis(url_of(server)), drains)
        listener.start()
        while 5 not in drains.done:
            assert time.monotonic() < end
            listener.stay(client, 5)
            bell.ring([5])
            time.sleep(0.1)
            client.delete(rung_key(5))
        listener.stop()
        worker.run_maintenance_tasks()
        assert Worker.count(connection=client) == 1
        assert len(read_heartbeats(url_of(server))) == 1
        assert read_depth(url_of(server), system_clock()).failed == 1
        stop.set()
        thread.join()
        remove_damaged_keys(client)
    SEAT.leave()
    assert set(drains.done) == {1, 2, 3, 4, 5}
    assert bell.failures == 0
    with closing(Redis(unix_socket_path=str(server), username="admin", password="admin")) as admin:
        assert admin.acl_log() == []


@pytest.mark.parametrize(
    "command",
    [
        ("FLUSHALL",),
        ("KEYS", "*"),
        ("CONFIG", "GET", "dir"),
        ("ACL", "LIST"),
        ("GET", "somebody:else"),
        ("SET", "somebody:else", "1"),
        ("EVAL", "return redis.call('GET', 'somebody:else')", "0"),
        ("PUBLISH", "channel", "x"),
        ("MODULE", "LIST"),
        ("SHUTDOWN",),
    ],
    ids=" ".join,
)
def test_what_we_do_not_need_is_refused_to_us(server: Path, command: tuple[str, ...]) -> None:
    with closing(worker_redis(url_of(server))) as client, pytest.raises(RedisError, match=r"(?i)permission"):
        client.execute_command(*command)


class TlsDoor:
    """TLS in front of the server's socket, on a port of 127.0.0.1."""

    def __init__(self, server: Path, authority: trustme.CA, name: str) -> None:
        self._server = server
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(name).configure_cert(self._context)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                plain, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(plain,), daemon=True).start()

    def _serve(self, plain: socket.socket) -> None:
        with (
            suppress(OSError),
            self._context.wrap_socket(plain, server_side=True) as client,
            socket.socket(socket.AF_UNIX) as behind,
        ):
            behind.connect(str(self._server))
            threading.Thread(target=self._copy, args=(behind, client), daemon=True).start()
            self._copy(client, behind)

    @staticmethod
    def _copy(source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def authority(tmp_path: Path) -> tuple[trustme.CA, Path]:
    made = trustme.CA()
    path = tmp_path / "ca.pem"
    made.cert_pem.write_to_path(str(path))
    return made, path


def settings_for(port: int, ca_file: Path | None) -> Settings:
    environ = {"RELAYPOINT_REDIS_URL": f"rediss://doorbell:{PASSWORD}@127.0.0.1:{port}/0"}
    if ca_file is not None:
        environ["RELAYPOINT_REDIS_CA_FILE"] = str(ca_file)
    return load_settings(environ)


def test_tls_with_the_right_authority_works_and_anything_else_does_not(
    server: Path, authority: tuple[trustme.CA, Path]
) -> None:
    ca, path = authority
    with closing(TlsDoor(server, ca, "127.0.0.1")) as door:
        url = settings_for(door.port, path).redis_url or ""
        with closing(worker_redis(url)) as client:
            assert client.ping()
        unknown = settings_for(door.port, None).redis_url or ""
        with closing(worker_redis(unknown)) as client, pytest.raises(RedisConnectionError, match="certificate"):
            client.ping()
    with closing(TlsDoor(server, ca, "other.example")) as door:
        url = settings_for(door.port, path).redis_url or ""
        with closing(worker_redis(url)) as client, pytest.raises(RedisConnectionError, match="certificate"):
            client.ping()


@pytest.mark.parametrize("parameter", ["ssl_cert_reqs=none", "ssl_check_hostname=false"])
def test_the_check_of_certificates_cannot_be_switched_off(parameter: str) -> None:
    with pytest.raises(SettingsError, match="always checked"):
        load_settings({"RELAYPOINT_REDIS_URL": f"rediss://127.0.0.1:1/0?{parameter}"})
