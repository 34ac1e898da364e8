from __future__ import annotations

import os
import pty
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import orjson
import pytest

from app.cli.send import batches, read_events

pytestmark = pytest.mark.process
Script = list[tuple[int, dict[str, str], dict[str, Any]]]


class Instance(ThreadingHTTPServer):
    """Answers like the events call: first what the script says, then by accepting what has an id."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Door)
        self.script: Script = []
        self.bodies: list[bytes] = []
        self.keys: set[str] = set()
        self.ids: set[str] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def answer(self, body: bytes) -> dict[str, Any]:
        answer: dict[str, Any] = {"accepted": 0, "duplicates": 0, "rejected": [], "ids": []}
        for index, line in enumerate(body.splitlines()):
            event_id = orjson.loads(line).get("id")
            if event_id is None:
                answer["rejected"].append({"index": index, "type": "about:blank", "detail": "no id"})
                continue
            answer["duplicates" if event_id in self.ids else "accepted"] += 1
            self.ids.add(event_id)
            answer["ids"].append(event_id)
        return answer


class Door(BaseHTTPRequestHandler):
    server: Instance

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.bodies.append(body)
        self.server.keys.add(self.headers["authorization"])
        status, headers, document = self.server.script.pop(0) if self.server.script else (200, {}, None)
        text = orjson.dumps(self.server.answer(body) if document is None else document)
        self.send_response(status)
        for name, value in ({"content-length": str(len(text))} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def instance() -> Iterator[Instance]:
    with Instance() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def send(
    url: str, *arguments: str, text: bytes = b"", key: str | None = "rp_key", **options: Any
) -> subprocess.CompletedProcess[bytes]:
    environment = {name: value for name, value in os.environ.items() if name != "RELAYPOINT_KEY"}
    if key:
        environment["RELAYPOINT_KEY"] = key
    command = [sys.executable, "-m", "app.cli", "events", "send", *arguments, "--url", url]
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
    return subprocess.run(command, input=text, env=environment, check=False, timeout=60, **streams)


def lines(count: int) -> bytes:
    return b"".join(b'{"id":"e%d"}\n' % number for number in range(count))


def test_events_are_posted_in_batches_and_the_totals_printed(instance: Instance, tmp_path: Path) -> None:
    file = tmp_path / "events.ndjson"
    file.write_bytes(lines(25))
    done = send(instance.url, str(file), "--batch", "10")
    assert (done.returncode, done.stderr) == (0, b"")
    assert orjson.loads(done.stdout) == {"accepted": 25, "duplicates": 0, "rejected": 0}
    assert [body.count(b"\n") + 1 for body in instance.bodies] == [10, 10, 5]
    assert instance.keys == {"Bearer rp_key"}


def test_stdin_an_array_and_the_key_option_work_too(instance: Instance) -> None:
    done = send(instance.url, "-", "--key", "other", "--ids", text=b'[{"id":"a"},{"id":"b"},{"id":"a"}]', key=None)
    assert orjson.loads(done.stdout) == {"accepted": 2, "duplicates": 1, "rejected": 0, "ids": ["a", "b", "a"]}
    assert instance.keys == {"Bearer other"}


def test_a_rejected_event_is_named_by_its_place_in_the_file_and_makes_it_exit_1(instance: Instance) -> None:
    done = send(instance.url, "-", "--batch", "2", text=lines(3) + b'{"none":1}\n')
    assert done.returncode == 1
    assert orjson.loads(done.stdout) == {"accepted": 3, "duplicates": 0, "rejected": 1}
    assert b"event 3 rejected: no id" in done.stderr


def test_a_busy_instance_is_asked_again_with_the_same_batch(instance: Instance) -> None:
    instance.script = [(503, {"retry-after": "0"}, {}), (429, {"retry-after": "1"}, {})]
    done = send(instance.url, "-", text=lines(2))
    assert orjson.loads(done.stdout) == {"accepted": 2, "duplicates": 0, "rejected": 0}
    assert len(instance.bodies) == 3
    assert len(set(instance.bodies)) == 1


def test_an_instance_that_asks_for_too_long_a_wait_is_given_up_on(instance: Instance) -> None:
    instance.script = [(503, {"retry-after": "3600"}, {})]
    done = send(instance.url, "-", text=lines(1))
    assert done.returncode == 1
    assert orjson.loads(done.stdout)["accepted"] == 0
    assert b"asks to wait 3600 s" in done.stderr


@pytest.mark.parametrize(
    ("status", "document", "message"),
    [
        (401, {"title": "Unauthorized", "detail": "unknown key"}, b"401: unknown key"),
        (302, {}, b"answered 302"),
        (200, {"hello": "world"}, b"answered 200"),
    ],
)
def test_a_refusal_is_told_and_not_repeated(
    instance: Instance, status: int, document: dict[str, Any], message: bytes
) -> None:
    instance.script = [(status, {"location": "http://127.0.0.1:9/"}, document)]
    done = send(instance.url, "-", text=lines(1))
    assert done.returncode == 1
    assert message in done.stderr
    assert len(instance.bodies) == 1


def test_nobody_listening_is_a_plain_error() -> None:
    done = send("http://127.0.0.1:9", "-", text=lines(1))
    assert done.returncode == 1
    assert b"cannot reach" in done.stderr
    assert b"Traceback" not in done.stderr


def test_without_a_key_it_is_wrong_use(instance: Instance) -> None:
    assert send(instance.url, "-", key=None).returncode == 2
    assert instance.bodies == []


def test_a_progress_bar_appears_on_a_terminal_and_the_data_stays_clean(instance: Instance) -> None:
    ours, theirs = pty.openpty()
    done = send(instance.url, "-", text=lines(5), stderr=theirs)
    os.close(theirs)
    shown = os.read(ours, 65536)
    os.close(ours)
    assert b"Sending" in shown
    assert b"100%" in shown
    assert orjson.loads(done.stdout)["accepted"] == 5


@pytest.mark.parametrize(
    ("text", "count"),
    [
        (b"", 0),
        (b"[]", 0),
        (b'{"id":"a"}', 1),
        (b'{"events":[{"id":"a"},{"id":"b"}]}', 2),
        (b'{"id":"a"}\r\n\r\n{"id":"b"}', 2),
        (b'{"id":"a"}\n{"broken"\n', 2),
    ],
)
def test_files_of_every_shape_are_read(text: bytes, count: int) -> None:
    assert len(read_events(text)) == count


def test_batches_cover_everything_once() -> None:
    events = [b"%d" % number for number in range(7)]
    cut = list(batches(events, 3))
    assert [offset for offset, _ in cut] == [0, 3, 6]
    assert [event for _, batch in cut for event in batch] == events
