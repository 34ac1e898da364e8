"""Syslog through the guarded client: exact bytes, one kept link, and no message called written that may be lost."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
import trustme

from app.core.egress_table import parse_allow
from app.delivery import stream_link, stream_road
from app.delivery.egress import EgressClient
from app.delivery.egress_guard import EgressPolicy, Guard
from app.delivery.exchange import FailureClass, Outgoing, Returned
from app.sinks.types import ClientCertificate
from tests.delivery.log_receiver import (
    LogReceiver,
    datagram_receiver,
    hang_up_at_once,
    keep_reading,
    log_receiver,
    never_read,
    talk,
)
from tests.delivery.receiver import Receiver


def message(url: str, body: bytes = b"5 hello", key: object = "k", limit_ms: int = 2000) -> Outgoing:
    return Outgoing(key, "SYSLOG", url, (), body, limit_ms, limit_ms)


def collect(client: EgressClient, count: int, patience_s: float = 10) -> list[Returned]:
    finished: list[Returned] = []
    end = time.monotonic() + patience_s
    while len(finished) < count and time.monotonic() < end:
        finished += client.poll(0.2)
    return finished


def tcp(receiver: LogReceiver) -> str:
    return f"syslog+tcp://127.0.0.1:{receiver.port}"


def server_context(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    return context


@pytest.fixture
def log() -> Iterator[LogReceiver]:
    with log_receiver() as receiver:
        yield receiver


def test_the_bytes_arrive_as_they_are_and_the_result_is_unanswered(client: EgressClient, log: LogReceiver) -> None:
    body = bytes(range(256)) * 40
    returned = client.fetch(message(tcp(log), body))
    assert returned.failure is None
    assert returned.is_unanswered
    assert returned.peer == f"127.0.0.1:{log.port}"
    assert 0 < returned.timings.connect <= returned.timings.total
    assert log.wait_for(len(body)) == body


def test_messages_of_one_target_share_a_connection_and_keep_their_order(client: EgressClient, log: LogReceiver) -> None:
    bodies = [b"%d " % number + b"x" * number for number in range(200)]
    for number, body in enumerate(bodies):
        client.start(message(tcp(log), body, number))
    finished = collect(client, len(bodies))
    assert [one.key for one in finished] == list(range(200))
    assert client.in_flight == 0
    assert log.wait_for(len(b"".join(bodies))) == b"".join(bodies)
    assert len(log.received) == 1


def test_tls_is_verified_and_carries_the_bytes(client: EgressClient, authority: trustme.CA) -> None:
    with log_receiver(tls=server_context(authority, "127.0.0.1")) as receiver:
        url = f"syslog+tls://127.0.0.1:{receiver.port}"
        for body in (b"one", b"two", b"x" * 3_000_000):
            assert client.fetch(message(url, body)).is_unanswered
        expected = b"onetwo" + b"x" * 3_000_000
        assert receiver.wait_for(len(expected)) == expected
        assert len(receiver.received) == 1


def test_a_client_certificate_is_shown_and_links_of_different_clients_are_apart(
    client: EgressClient, authority: trustme.CA
) -> None:
    context = server_context(authority, "127.0.0.1")
    context.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(context)
    identities = [authority.issue_cert(f"client-{number}") for number in (1, 2)]
    certificates = [
        ClientCertificate(one.cert_chain_pems[0].bytes(), one.private_key_pem.bytes()) for one in identities
    ]
    with log_receiver(tls=context) as receiver:
        url = f"syslog+tls://127.0.0.1:{receiver.port}"
        for certificate in (*certificates, *certificates):
            assert client.fetch(replace(message(url), client_certificate=certificate)).is_unanswered
        assert receiver.wait_for(28) == b"5 hello" * 4
        assert len(receiver.received) == 2
        assert client.fetch(message(url)).failure is not None


def test_a_certificate_for_another_name_an_unknown_authority_and_old_tls_are_refused(
    client: EgressClient, authority: trustme.CA
) -> None:
    old = server_context(authority, "127.0.0.1")
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    contexts = (server_context(authority, "other.example"), server_context(trustme.CA(), "127.0.0.1"), old)
    for context in contexts:
        with log_receiver(tls=context) as receiver:
            returned = client.fetch(message(f"syslog+tls://127.0.0.1:{receiver.port}"))
            assert receiver.everything == b""
        assert returned.failure is not None
        assert returned.failure.kind is FailureClass.TLS
        assert not returned.failure.request_sent


def test_a_datagram_is_one_message(client: EgressClient) -> None:
    with datagram_receiver() as receiver:
        url = f"syslog+udp://127.0.0.1:{receiver.port}"
        for body in (b"<110>1 one", b"<110>1 two"):
            assert client.fetch(message(url, body)).is_unanswered
        receiver.wait_for(20)
        assert receiver.received == [b"<110>1 one", b"<110>1 two"]


def test_a_closed_udp_port_is_noticed(client: EgressClient) -> None:
    with datagram_receiver() as receiver:
        url = f"syslog+udp://127.0.0.1:{receiver.port}"
    returned = client.fetch(message(url))
    assert returned.failure is not None
    assert returned.failure.detail == "nothing listens on that port; a datagram was refused"
    assert returned.failure.request_sent


def test_a_datagram_that_no_network_carries_is_a_failure(client: EgressClient) -> None:
    with datagram_receiver() as receiver:
        returned = client.fetch(message(f"syslog+udp://127.0.0.1:{receiver.port}", b"x" * 70_000))
    assert returned.failure is not None
    assert not returned.failure.request_sent


@pytest.mark.parametrize("scheme", ["syslog+tcp", "syslog+tls", "syslog+udp"])
def test_the_address_policy_judges_every_transport(strict: EgressClient, scheme: str) -> None:
    with log_receiver() as canary, datagram_receiver() as datagrams:
        port = datagrams.port if scheme == "syslog+udp" else canary.port
        for host in ("127.0.0.1", "localhost", "2130706433", "[::ffff:127.0.0.1]"):
            returned = strict.fetch(message(f"{scheme}://{host}:{port}"))
            assert returned.failure is not None
            assert returned.failure.kind is FailureClass.BLOCKED
            assert not returned.failure.request_sent
        time.sleep(0.1)
        assert not canary.received
        assert not datagrams.received


def test_a_dry_run_judges_a_syslog_target_without_dialling(client: EgressClient, log: LogReceiver) -> None:
    (judged,) = client.dry_run(tcp(log))
    assert judged.allowed
    (refused,) = client.dry_run("syslog+udp://8.8.8.8")
    assert (refused.port, refused.rule) == (514, "plain syslog+udp")
    assert not log.received


def test_syslog_ports_below_1024_are_for_syslog_alone(ca_bundle: str) -> None:
    guard = Guard(EgressPolicy(allow=(parse_allow("127.0.0.0/8:9"),), ca_bundle=ca_bundle))
    assert guard.verdict("8.8.8.8", 514, "syslog+tls").allowed
    assert not guard.verdict("8.8.8.8", 514, "https").allowed
    assert not guard.verdict("8.8.8.8", 443, "syslog+tls").allowed
    assert guard.verdict("8.8.8.8", 514, "syslog+tcp").rule == "plain syslog+tcp"


def test_after_the_receiver_hung_up_the_next_message_goes_over_a_new_connection(
    client: EgressClient, log: LogReceiver
) -> None:
    assert client.fetch(message(tcp(log), b"first")).is_unanswered
    log.wait_for(5)
    log.hang_up()
    assert client.fetch(message(tcp(log), b"second")).is_unanswered
    assert log.wait_for(11) == b"firstsecond"
    assert len(log.received) == 2


@pytest.mark.parametrize("with_tls", [False, True])
def test_a_hang_up_while_nothing_is_sent_is_noticed_at_once(
    client: EgressClient,
    authority: trustme.CA,
    with_tls: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    context = server_context(authority, "127.0.0.1") if with_tls else None
    with log_receiver(tls=context) as receiver:
        url = f"syslog+{'tls' if with_tls else 'tcp'}://127.0.0.1:{receiver.port}"
        for round_number in (1, 2, 3):
            client.start(message(url, b"message"))
            assert collect(client, 1)[0].is_unanswered
            assert receiver.wait_for(7 * round_number) == b"message" * round_number
            receiver.hang_up()
            client.poll(0.1)
    assert len(receiver.received) == 3


def test_a_receiver_that_hangs_up_at_once_is_a_failure_and_no_loop(client: EgressClient) -> None:
    with log_receiver(hang_up_at_once) as receiver:
        for number in range(3):
            client.start(message(tcp(receiver), b"x" * 100_000, number))
        finished = collect(client, 3)
        assert len(receiver.received) <= 3
    assert len(finished) == 3
    assert {one.failure and one.failure.kind for one in finished} == {FailureClass.CONNECTION_LOST}


def read_a_little_once(receiver: LogReceiver, connection: socket.socket) -> None:
    """The first connection breaks in the middle of a message, later ones are read to their end."""
    if receiver.received:
        keep_reading(receiver, connection)
        return
    receiver.received.append(connection.recv(5))
    connection.recv(100_000)


def test_half_a_message_on_a_broken_wire_counts_as_unknown_and_what_was_not_begun_goes_over_a_new_one(
    client: EgressClient,
) -> None:
    with log_receiver(read_a_little_once) as receiver:
        client.start(message(tcp(receiver), b"first", "first"))
        assert collect(client, 1)[0].is_unanswered
        client.start(message(tcp(receiver), b"x" * 20_000_000, "half"))
        client.start(message(tcp(receiver), b"next", "next"))
        failures = {one.key: one.failure for one in collect(client, 2)}
        assert receiver.wait_for(9)[-4:] == b"next"
    assert failures["half"] is not None
    assert failures["half"].kind is FailureClass.CONNECTION_LOST
    assert failures["half"].request_sent
    assert failures["next"] is None


def test_a_receiver_that_stops_reading_costs_its_messages_their_time_and_nobody_else_anything(
    client: EgressClient, target: Receiver
) -> None:
    with log_receiver(never_read) as receiver:
        client.start(message(tcp(receiver), b"x" * 20_000_000, "stuck", limit_ms=700))
        client.start(message(tcp(receiver), b"behind", "behind", limit_ms=700))
        client.start(Outgoing("other", "POST", target.url, (), b"{}"))
        first = collect(client, 1)
        assert [one.key for one in first] == ["other"]
        rest = {one.key: one.failure for one in collect(client, 2)}
    assert {failure.kind for failure in rest.values() if failure} == {FailureClass.TIMEOUT_SENDING}
    assert rest["stuck"] is not None
    assert rest["stuck"].request_sent
    assert rest["behind"] is not None
    assert not rest["behind"].request_sent
    assert client.in_flight == 0


def test_a_receiver_that_talks_without_end_is_dropped(client: EgressClient) -> None:
    with log_receiver(talk) as receiver:
        client.start(message(tcp(receiver)))
        client.start(message(tcp(receiver)))
        collect(client, 2)
        for _ in range(20):
            client.poll(0.05)
        returned = client.fetch(message("syslog+tcp://127.0.0.1:9"))
    assert client.in_flight == 0
    assert returned.failure is not None


def test_nobody_listening_and_no_such_name_are_failures_before_sending(client: EgressClient) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    for url, kind in (
        (f"syslog+tcp://127.0.0.1:{port}", FailureClass.CONNECT),
        (f"syslog+tls://127.0.0.1:{port}", FailureClass.CONNECT),
        ("syslog+udp://no-such-name.invalid", FailureClass.DNS),
        ("syslog+tcp://no-such-name.invalid", FailureClass.DNS),
    ):
        returned = client.fetch(message(url))
        assert returned.failure is not None
        assert returned.failure.kind is kind
        assert not returned.failure.request_sent


def test_an_empty_message_and_a_bad_url_are_our_own_errors(client: EgressClient, log: LogReceiver) -> None:
    for url, body in ((tcp(log), b""), ("syslog+tcp://127.0.0.1/path", b"x"), ("syslog://127.0.0.1", b"x")):
        returned = client.fetch(message(url, body))
        assert returned.failure is not None
        assert returned.failure.kind is FailureClass.CONFIGURATION


def test_an_idle_connection_is_closed_and_an_old_one_replaced(
    client: EgressClient, log: LogReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_link, "LIFETIME_S", 0.05)
    for _ in range(2):
        client.start(message(tcp(log), limit_ms=300))
        assert collect(client, 1)[0].is_unanswered
        time.sleep(0.1)
    log.wait_for(14)
    assert len(log.received) == 2
    monkeypatch.setattr(stream_link, "IDLE_S", 0.1)
    for _ in range(8):
        client.poll(0.1)
    assert log.wait_for_end(2) == 2


def test_above_the_most_links_the_one_idle_longest_is_closed(
    client: EgressClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_road, "MOST_LINKS", 1)
    with log_receiver(keep_reading) as one, log_receiver(keep_reading) as two:
        assert client.fetch(message(tcp(one))).is_unanswered
        assert client.fetch(message(tcp(two))).is_unanswered
        assert one.wait_for_end(1) == 1


def test_closing_the_client_drops_what_waits(ca_bundle: str) -> None:
    client = EgressClient(EgressPolicy(allow=(parse_allow("127.0.0.0/8"),), ca_bundle=ca_bundle))
    with log_receiver(never_read) as receiver:
        client.start(message(tcp(receiver), b"x" * 20_000_000))
        client.poll(0.1)
        client.close()
    assert client.in_flight == 0
