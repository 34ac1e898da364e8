"""What the client makes of receivers that misbehave. Limits are short so that the file stays quick."""

from __future__ import annotations

import datetime as dt
import gzip
import socket
import ssl
import time
import warnings
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from ipaddress import IPv4Address
from pathlib import Path

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from app.delivery.egress import EgressClient
from app.delivery.exchange import RESPONSE_CAP, FailureClass, Outgoing, Returned
from tests.delivery.hostile import OK, Receiver, answer, drip, keep_answering, receiver, reset

LIMIT_MS = 400
Script = Callable[[Receiver, socket.socket], None]
Hostile = Callable[[Script], AbstractContextManager[tuple[Receiver, str]]]
MEGABYTE = 1024 * 1024


def send(client: EgressClient, url: str, body: bytes = b"{}", limit_ms: int = LIMIT_MS) -> Returned:
    headers = (("content-type", "application/json"),)
    return client.fetch(Outgoing("k", "POST", url, headers, body, limit_ms, limit_ms))


def plain(it: Receiver) -> str:
    return f"http://127.0.0.1:{it.port}/"


@pytest.fixture(params=["http", "https"])
def hostile(request: pytest.FixtureRequest, authority: trustme.CA) -> Hostile:
    """Receivers over both schemes; the encrypted ones have a certificate that the client trusts."""
    context = server_context(authority) if request.param == "https" else None

    @contextmanager
    def open_one(script: Script) -> Iterator[tuple[Receiver, str]]:
        with receiver(script, context) as it:
            yield it, f"{request.param}://127.0.0.1:{it.port}/"

    return open_one


def hang(it: Receiver, _connection: socket.socket) -> None:
    it.over.wait(5)


def kind(returned: Returned) -> FailureClass | None:
    return returned.failure.kind if returned.failure else None


DRIPS: list[tuple[str, Script, FailureClass]] = [
    ("never answers", hang, FailureClass.TIMEOUT_HEADERS),
    ("header drip", drip(b"HTTP/1.1 200 OK\r\n", b"x: y\r\n", 0.05), FailureClass.TIMEOUT_HEADERS),
    ("body drip", drip(b"HTTP/1.1 200 OK\r\n\r\n", b"z", 0.05), FailureClass.TIMEOUT_BODY),
    ("100 drip", drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n", 0.01), FailureClass.TIMEOUT_HEADERS),
    ("103 flood", drip(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n" * 99, 0), FailureClass.HEADERS_TOO_LARGE),
    ("header flood", drip(b"HTTP/1.1 200 OK\r\n", b"x: y\r\n" * 99, 0), FailureClass.HEADERS_TOO_LARGE),
    ("one huge line", drip(b"HTTP/1.1 200 OK\r\nx: ", b"y" * 9999, 0), FailureClass.HEADERS_TOO_LARGE),
]


@pytest.mark.parametrize(("script", "expected"), [row[1:] for row in DRIPS], ids=[row[0] for row in DRIPS])
def test_the_total_limit_and_the_header_cap_hold(
    client: EgressClient, hostile: Hostile, script: Script, expected: FailureClass
) -> None:
    with hostile(script) as (_, url):
        began = time.monotonic()
        returned = send(client, url)
        assert time.monotonic() - began < LIMIT_MS / 1000 + 0.6
    assert kind(returned) == expected
    assert returned.failure is not None
    assert returned.failure.request_sent


def test_a_receiver_that_never_reads_a_large_request_ends_as_sending(client: EgressClient, hostile: Hostile) -> None:
    with hostile(hang) as (_, url):
        returned = send(client, url, b"x" * 20_000_000)
    assert kind(returned) == FailureClass.TIMEOUT_SENDING


BODIES: list[tuple[str, bytes, bytes]] = [
    ("announced as 10 GB", b"Content-Length: 10000000000\r\n\r\n", b"x" * 50_000),
    ("without an end", b"\r\n", b"x" * 50_000),
    ("in endless chunks", b"Transfer-Encoding: chunked\r\n\r\n", b"c350\r\n" + b"x" * 50_000 + b"\r\n"),
]


@pytest.mark.parametrize(("first", "again"), [row[1:] for row in BODIES], ids=[row[0] for row in BODIES])
def test_an_endless_body_is_cut_and_counts_by_its_status(
    client: EgressClient, hostile: Hostile, first: bytes, again: bytes
) -> None:
    with hostile(drip(b"HTTP/1.1 200 OK\r\n" + first, again, 0)) as (_, url):
        returned = send(client, url)
    assert (returned.failure, returned.status, returned.truncated) == (None, 200, True)
    assert len(returned.body) == RESPONSE_CAP


def test_answers_of_a_gigabyte_cost_no_memory(client: EgressClient) -> None:
    with receiver(drip(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * MEGABYTE, 0)) as it:
        send(client, plain(it))
        Path("/proc/self/clear_refs").write_text("5")  # forget the peak
        before = memory("VmRSS")
        for _ in range(20):
            assert send(client, plain(it)).truncated
        assert memory("VmHWM") - before < 16 * MEGABYTE


def memory(name: str) -> int:
    """A size of this process in bytes, as the kernel has it."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
def test_a_compressed_answer_is_kept_as_it_came(client: EgressClient, hostile: Hostile, encoding: str) -> None:
    bomb = gzip.compress(bytes(10_000_000)) if encoding == "gzip" else zlib.compress(bytes(10_000_000))
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: %s\r\nContent-Length: %d\r\n\r\n" % (encoding.encode(), len(bomb))
    with hostile(answer(head + bomb)) as (it, url):
        returned = send(client, url)
    assert (returned.failure, returned.body) == (None, bomb)
    assert b"accept-encoding" not in it.requests[0].lower()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    "target", ["http://127.0.0.1:{port}/", "//127.0.0.1:{port}/", "file:///etc/hostname", "/again"]
)
def test_a_redirect_is_reported_and_not_followed(
    client: EgressClient, hostile: Hostile, status: int, target: str
) -> None:
    with receiver(answer(OK)) as canary:
        to = target.format(port=canary.port).encode()
        with hostile(answer(b"HTTP/1.1 %d X\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n" % (status, to))) as (it, url):
            returned = send(client, url)
        assert (returned.status, canary.was_dialled(), len(it.requests)) == (status, False, 1)
    assert returned.body == b""


def reads_then_resets(it: Receiver, connection: socket.socket) -> None:
    it.take(connection)
    reset(connection)


@pytest.mark.parametrize("script", [answer(b""), reads_then_resets])
def test_a_connection_that_breaks_after_the_request_may_have_delivered(
    client: EgressClient, hostile: Hostile, script: Script
) -> None:
    with hostile(script) as (_, url):
        returned = send(client, url)
    assert kind(returned) == FailureClass.CONNECTION_LOST
    assert returned.failure is not None
    assert returned.failure.request_sent


def test_a_kept_connection_that_reads_and_closes_sees_each_attempt_once(client: EgressClient, hostile: Hostile) -> None:
    def script(it: Receiver, connection: socket.socket) -> None:
        it.take(connection)
        connection.sendall(OK)
        it.take(connection)

    with hostile(script) as (it, url):
        assert send(client, url, b"first").status == 200
        returned = send(client, url, b"second")
        time.sleep(0.1)
        bodies = [request.partition(b"\r\n\r\n")[2] for request in it.requests]
    assert bodies == [b"first", b"second"]
    assert kind(returned) == FailureClass.CONNECTION_LOST
    assert returned.failure is not None
    assert returned.failure.request_sent
    assert returned.failure.was_kept


def test_an_early_413_is_recorded(client: EgressClient, hostile: Hostile) -> None:
    def script(it: Receiver, connection: socket.socket) -> None:
        connection.recv(1000)
        connection.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        it.over.wait(1)

    with hostile(script) as (_, url):
        returned = send(client, url, b"x" * 8_000_000, 1000)
    assert (returned.status, returned.failure) == (413, None)


@pytest.mark.parametrize(
    "data",
    [
        b"hello, this is no HTTP at all\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc",
        b"\x00\xff\x16\x03" * 50,
    ],
)
def test_garbage_is_not_a_valid_http_response(client: EgressClient, hostile: Hostile, data: bytes) -> None:
    with hostile(answer(data)) as (_, url):
        assert kind(send(client, url)) == FailureClass.NOT_HTTP


def test_a_204_with_a_body_is_a_204(client: EgressClient, hostile: Hostile) -> None:
    with hostile(answer(b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello")) as (_, url):
        returned = send(client, url)
        assert send(client, url).status == 204
    assert (returned.status, returned.body, returned.failure) == (204, b"", None)


def test_strange_bytes_are_kept_exactly_and_interim_answers_dropped(client: EgressClient) -> None:
    head = b"HTTP/1.1 400 \x1b[31mno <b>\xff\r\nX-A: \x1b]0;\xfe\r\nContent-Length: 3\r\n\r\n"
    with receiver(answer(b"HTTP/1.1 100 Continue\r\n\r\n" + head + b"\x00\xff<")) as it:
        returned = send(client, plain(it))
    assert (returned.status, returned.head, returned.body) == (400, head, b"\x00\xff<")


def test_cookies_and_alternative_services_do_not_outlive_an_answer(client: EgressClient) -> None:
    data = (
        b'HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nAlt-Svc: h2=":9"\r\nRetry-After: 99\r\n'
        b"Strict-Transport-Security: max-age=9\r\nContent-Length: 0\r\n\r\n"
    )
    with receiver(keep_answering(data)) as it:
        send(client, plain(it))
        assert send(client, plain(it)).failure is None
    assert b"cookie" not in it.requests[1].lower()


def server_context(authority: trustme.CA, name: str = "127.0.0.1", **more: dt.datetime) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name, **more).configure_cert(context)
    return context


def test_a_good_certificate_is_accepted(client: EgressClient, authority: trustme.CA) -> None:
    with receiver(answer(OK), server_context(authority)) as it:
        returned = send(client, f"https://127.0.0.1:{it.port}/", limit_ms=2000)
    assert (returned.status, returned.failure) == (200, None)
    assert returned.timings.tls > 0


def self_signed(folder: Path) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = folder / "self.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(made.public_bytes(Encoding.PEM) + private)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


def old_tls(authority: trustme.CA) -> ssl.SSLContext:
    context = server_context(authority)
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    return context


def test_bad_certificates_get_no_byte_of_the_request(
    client: EgressClient, authority: trustme.CA, tmp_path: Path
) -> None:
    past = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    contexts = {
        "expired": server_context(authority, not_before=past, not_after=past + dt.timedelta(days=1)),
        "wrong name": server_context(authority, "other.example"),
        "unknown authority": server_context(trustme.CA()),
        "signed by itself": self_signed(tmp_path),
        "nothing above TLS 1.1": old_tls(authority),
    }
    for name, context in contexts.items():
        with receiver(answer(OK), context) as it:
            returned = send(client, f"https://127.0.0.1:{it.port}/", limit_ms=2000)
        assert (name, kind(returned), it.requests) == (name, FailureClass.TLS, [])
        assert returned.failure is not None
        assert not returned.failure.request_sent


def resets_in_the_handshake(_it: Receiver, connection: socket.socket) -> None:
    connection.recv(1)  # a reset before the hello may arrive as a refused connection
    reset(connection)


@pytest.mark.parametrize("script", [hang, resets_in_the_handshake, answer(OK)])
def test_a_stalled_reset_or_plain_handshake_is_a_tls_failure(client: EgressClient, script: Script) -> None:
    with receiver(script) as it:
        returned = send(client, f"https://127.0.0.1:{it.port}/")
    assert kind(returned) == FailureClass.TLS
    assert returned.failure is not None
    assert not returned.failure.request_sent
