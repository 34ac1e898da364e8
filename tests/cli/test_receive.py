import socket
import subprocess
import sys
import time
from pathlib import Path

import orjson
import pytest

from app.core.signing import Signer, format_secret

from .conftest import RunningReceiver, StartReceiver

pytestmark = pytest.mark.process
KEY = b"k" * 32


def deliver(receiver: RunningReceiver, key: bytes, message_id: str, body: bytes) -> int:
    now = int(time.time())
    headers = {
        "webhook-id": message_id,
        "webhook-timestamp": str(now),
        "webhook-signature": Signer([key]).sign(message_id, now, body),
    }
    return receiver.ask("POST", body, headers)[0]


def test_it_verifies_counts_and_prints_a_summary_when_told_to_stop(
    start_receiver: StartReceiver, tmp_path: Path
) -> None:
    expected = tmp_path / "ids"
    expected.write_text("e1\ne2\ne3\n")
    receiver = start_receiver("--secret", format_secret(KEY), "--json", "--expect", str(expected))
    statuses = [
        deliver(receiver, KEY, "d1", b'{"id":"e1"}'),
        deliver(receiver, KEY, "d1", b'{"id":"e1"}'),
        deliver(receiver, KEY, "d2", b'[{"id":"e2"}]'),
        deliver(receiver, b"x" * 32, "d3", b'{"id":"e3"}'),
    ]
    assert statuses == [200, 200, 200, 401]
    assert receiver.live()["duplicates"] == 1
    code, out, err = receiver.end()
    assert code == 1
    assert orjson.loads(out) == {
        "requests": 4,
        "refused": 0,
        "distinct": 2,
        "duplicates": 1,
        "invalid_signatures": 1,
        "events_distinct": 2,
        "events_duplicates": 1,
        "missing": ["e3"],
    }
    assert "DUPLICATE" in err
    assert "no_match" in err


def test_it_fails_the_first_requests_and_stops_after_the_last(start_receiver: StartReceiver) -> None:
    receiver = start_receiver("--fail-first", "2", "--exit-after", "3")
    assert [receiver.ask()[0] for _ in range(3)] == [500, 500, 200]
    code, out, _ = receiver.end(None)
    assert code == 0
    assert "refused" in out


def test_status_body_and_delay_are_as_asked(start_receiver: StartReceiver) -> None:
    receiver = start_receiver("--status", "202", "--body", "thanks", "--delay", "150")
    begun = time.monotonic()
    assert receiver.ask() == (202, b"thanks")
    assert time.monotonic() - begun >= 0.15


def test_many_requests_share_one_connection_even_when_they_come_at_once(start_receiver: StartReceiver) -> None:
    receiver = start_receiver("--delay", "1")
    request = b"POST /x HTTP/1.1\r\nhost: a\r\nwebhook-id: d%d\r\ncontent-length: 2\r\n\r\n{}"
    with socket.create_connection(("127.0.0.1", receiver.port), timeout=10) as link:
        link.sendall(b"".join(request % number for number in range(50)))
        answers = b""
        while answers.count(b"HTTP/1.1 200 OK") < 50:
            answers += link.recv(65536)
    assert receiver.live()["distinct"] == 50


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"nonsense\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\ncontent-length: many\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\ncontent-length: 99999999999\r\n\r\n", b"413"),
        (b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n", b"411"),
        (b"POST / HTTP/1.1\r\nx: " + b"y" * 70_000, b"431"),
    ],
)
def test_a_broken_request_is_answered_and_the_connection_closed(
    start_receiver: StartReceiver, head: bytes, status: bytes
) -> None:
    receiver = start_receiver()
    with socket.create_connection(("127.0.0.1", receiver.port), timeout=10) as link:
        link.sendall(head)
        answer = b""
        while chunk := link.recv(65536):
            answer += chunk
    assert answer.split(b" ")[1] == status
    assert receiver.live()["requests"] == 0


def test_a_client_that_asks_first_is_told_to_continue(start_receiver: StartReceiver) -> None:
    receiver = start_receiver()
    with socket.create_connection(("127.0.0.1", receiver.port), timeout=10) as link:
        link.sendall(b"POST / HTTP/1.1\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n")
        assert link.recv(1000).startswith(b"HTTP/1.1 100 ")
        link.sendall(b"{}")
        assert link.recv(1000).startswith(b"HTTP/1.1 200 ")


def test_a_flood_is_told_as_a_count_not_line_by_line(start_receiver: StartReceiver) -> None:
    receiver = start_receiver()
    request = b"POST /x HTTP/1.1\r\ncontent-length: 2\r\n\r\n{}"
    with socket.create_connection(("127.0.0.1", receiver.port), timeout=10) as link:
        link.sendall(request * 500)
        answers = b""
        while answers.count(b"HTTP/1.1 200 OK") < 500:
            answers += link.recv(65536)
    _, _, err = receiver.end()
    assert len(err.splitlines()) < 150
    assert "more (500 requests so far)" in err


def test_a_taken_port_and_a_bad_secret_are_plain_errors(start_receiver: StartReceiver) -> None:
    taken = str(start_receiver().port)
    for arguments, message in ((["--port", taken], "cannot listen"), (["--secret", "whsec_QUJD"], "24 to 64")):
        command = [sys.executable, "-m", "app.cli", "receive", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
        assert (done.returncode, done.stdout) == (1, "")
        assert message in done.stderr
        assert "Traceback" not in done.stderr
