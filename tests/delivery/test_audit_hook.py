"""While real processes deliver on every path, Python itself speaks to Redis and the database, and to nobody else."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import orjson
import pytest

from tests.faults.installation import await_that
from tests.faults.receivers import Receiver
from tests.faults.sources import sample_events
from tests.faults.troupe import Troupe

pytestmark = [pytest.mark.process, pytest.mark.redis]

HOOK = Path(__file__).parent / "audited"
ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="rp-"))
    yield made
    shutil.rmtree(made, ignore_errors=True)


def heard(folder: Path) -> list[str]:
    return (folder / "audit").read_text().splitlines()


def token(connection: socket.socket, _number: int) -> None:
    body = b'{"access_token":"t1","expires_in":3600}'
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body)
    connection.sendall(head + body)


def test_only_redis_and_the_database_are_spoken_to_by_python(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUDIT_FILE", str(folder / "audit"))
    monkeypatch.setenv("PYTHONPATH", f"{HOOK}:{ROOT}")
    with ExitStack() as stack:
        receiver = stack.enter_context(closing(Receiver()))
        login = stack.enter_context(closing(Receiver(token)))
        troupe = stack.enter_context(closing(Troupe(folder, workers=1)))
        troupe.create_organization(("ctx_1", "entrypoint"))
        instant = troupe.create_webhook(receiver.url, "ctx_1")
        troupe.create_webhook(receiver.url, "ctx_1", type="batch", batch={"max_events": 1})
        troupe.create_webhook(
            receiver.url,
            "ctx_1",
            config={"oauth_token_url": login.url, "oauth_client_id": "us"},
            secrets={"oauth_client_secret": "c1ient-s3cret"},
        )
        assert troupe.post(orjson.dumps(sample_events(0, 1, "ctx_1"))).ok
        await_that(lambda: len(receiver.requests) >= 3, 30, troupe.log)
        troupe.call("POST", f"/v1/webhooks/{instant.id}/test")
        await_that(lambda: instant.deliveries()[0]["state"] == "delivered", 30, troupe.log)
        troupe.call("POST", f"/v1/deliveries/{instant.deliveries()[0]['id']}/redeliver")
        await_that(lambda: len(receiver.requests) >= 5, 30, troupe.log)
        redis = troupe.redis.url
        said = heard(folder)
    assert len(login.requests) == 1
    assert said.count("watching") >= 1
    spoken = {line for line in said if line.startswith("socket.")}
    assert spoken == {f"socket.connect '{folder}/run/redis.sock'"}
    assert f"{folder}/run/redis.sock" in redis


def test_the_hook_sees_whoever_goes_another_way(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUDIT_FILE", str(folder / "audit"))
    monkeypatch.setenv("PYTHONPATH", str(HOOK))
    ways = (
        "import requests; requests.get('http://127.0.0.1:9/', timeout=1)",
        "import urllib.request as u; u.urlopen('http://127.0.0.1:9/', timeout=1)",
        "import socket; socket.create_connection(('127.0.0.1', 9), 1)",
        "import asyncio; asyncio.run(asyncio.open_connection('127.0.0.1', 9))",
        "import socket; socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', 9))",
    )
    for way in ways:
        (folder / "audit").unlink(missing_ok=True)
        subprocess.run([sys.executable, "-W", "ignore", "-c", way], capture_output=True, check=False)
        assert any("127.0.0.1" in line for line in heard(folder)), way
