"""The client's own promises: exact bytes, the guard, waking, many at once."""

from __future__ import annotations

import socket
import threading
import time

import pycurl
import pytest

from app.core.egress_table import Verdict, parse_allow
from app.core.errors import InvalidInputError
from app.delivery import egress
from app.delivery.egress import EgressClient
from app.delivery.egress_guard import EgressPolicy, Guard, Judged, check_build
from app.delivery.exchange import FailureClass, Outgoing, Returned
from tests.delivery.hostile import OK, answer, keep_answering, receiver


def post(url: str, body: bytes = b"{}", key: object = "k", headers: tuple[tuple[str, str], ...] = ()) -> Outgoing:
    return Outgoing(key, "POST", url, headers, body, 2000, 2000)


def drain(client: EgressClient, count: int) -> list[Returned]:
    finished: list[Returned] = []
    end = time.monotonic() + 10
    while len(finished) < count and time.monotonic() < end:
        finished += client.poll(0.5)
    return finished


HOSTS = [
    *("2130706433", "0x7f.1", "0x7f000001", "017700000001", "0177.0.0.1", "127.1", "127.0.0.1.", "%31%32%37.0.0.1"),
    *("evil\\@127.0.0.1", "a@127.0.0.1", "0", "0.0.0.0", "[::ffff:127.0.0.1]", "[fe80::1%25lo]", "[::1]", "[::]"),  # noqa: S104 - a hostile target
    *(
        "localhost",
        "LOCALHOST.",
        "127.0.0.1",
        "[::ffff:7f00:1]",
        "\uff11\uff12\uff17.0.0.1",
        "\u2460\u2461\u2466.0.0.1",
    ),
    *("[0:0:0:0:0:0:0:1]", "[::127.0.0.1]", "127.000.000.001", "0x7f.0x0.0x0.0x1"),
]


@pytest.mark.parametrize("host", HOSTS)
def test_no_spelling_of_loopback_is_dialled(strict: EgressClient, host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with receiver(answer(OK)) as canary:
        url = f"http://{host}:{canary.port}/"
        checked = strict.fetch(post(url))
        monkeypatch.setattr(egress, "check_endpoint_url", lambda *_: None)
        unchecked = strict.fetch(post(url))
        assert not canary.was_dialled()
    refusals = {FailureClass.BLOCKED, FailureClass.CONFIGURATION, FailureClass.DNS}
    for returned in (checked, unchecked):
        assert returned.failure is not None
        assert returned.failure.kind in refusals
        assert not returned.failure.request_sent


def test_the_socket_callback_itself_refuses_and_names_address_and_rule(strict: EgressClient) -> None:
    with receiver(answer(OK)) as canary:
        returned = strict.fetch(post(f"http://127.0.0.1:{canary.port}/"))
        assert not canary.was_dialled()
    assert returned.failure is not None
    assert returned.failure.kind == FailureClass.BLOCKED
    assert returned.failure.detail == f"127.0.0.1:{canary.port} is not allowed: 127.0.0.0/8 loopback"


@pytest.mark.parametrize("url", ["file:///etc/hostname", "gopher://127.0.0.1/", "ftp://127.0.0.1/", "ws://127.0.0.1/"])
def test_only_http_and_https_exist(client: EgressClient, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(egress, "check_endpoint_url", lambda *_: None)
    returned = client.fetch(post(url))
    assert returned.failure is not None
    assert returned.failure.kind == FailureClass.CONFIGURATION
    assert returned.body == b""


def test_plain_http_needs_the_operator(ca_bundle: str) -> None:
    guard = Guard(EgressPolicy(allow=(parse_allow("127.0.0.0/8"),), ca_bundle=ca_bundle))
    assert guard.verdict("8.8.8.8", 443, "https").allowed
    assert guard.verdict("8.8.8.8", 80, "http").rule == "plain http"
    assert guard.verdict("127.0.0.1", 80, "http").allowed
    assert not guard.verdict("no address", 443, "https").allowed


@pytest.mark.parametrize(
    ("judged", "remedy"),
    [
        (Judged("8.8.8.8", 443, allowed=True, rule="public"), ""),
        (Judged("8.8.8.8", 80, allowed=False, rule="plain http"), "encrypted, such as https://"),
        (Judged("127.0.0.1", 81, allowed=False, rule="127.0.0.0/8 loopback"), "_ALLOW=127.0.0.1/32:81 and a restart"),
        (Judged("::1", 443, allowed=False, rule="::1/128 loopback"), "_ALLOW=[::1/128]:443 and a restart"),
        (Judged("8.8.8.8", 22, allowed=False, rule="port 22"), "_ALLOW=8.8.8.8/32:22 and a restart"),
        (Judged("no address", 443, allowed=False, rule="unreadable address"), "use another address"),
    ],
)
def test_a_refusal_says_what_to_do(judged: Judged, remedy: str) -> None:
    assert judged.remedy.endswith(remedy)


def test_an_error_inside_the_guard_refuses(client: EgressClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_args: object, **_more: object) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr(Guard, "verdict", broken)
    with receiver(answer(OK)) as canary:
        returned = client.fetch(post(f"http://127.0.0.1:{canary.port}/"))
        assert not canary.was_dialled()
    assert returned.failure is not None
    assert returned.failure.kind == FailureClass.BLOCKED


def test_a_kept_connection_is_judged_again(client: EgressClient, monkeypatch: pytest.MonkeyPatch) -> None:
    with receiver(keep_answering(OK)) as it:
        url = f"http://127.0.0.1:{it.port}/"
        assert client.fetch(post(url)).status == 200
        monkeypatch.setattr(Guard, "verdict", lambda *_a, **_m: Verdict(allowed=False, rule="changed"))
        returned = client.fetch(post(url))
        assert (it.connections, len(it.requests)) == (1, 1)
    assert returned.failure is not None
    assert returned.failure.kind == FailureClass.BLOCKED
    assert not returned.failure.request_sent


def test_the_wire_carries_exactly_what_was_asked(client: EgressClient) -> None:
    body = bytes(range(256)) * 8000
    with receiver(answer(OK)) as it:
        returned = client.fetch(post(f"http://127.0.0.1:{it.port}/a?b=c", body, headers=(("x-a", "1"),)))
    head, _, sent = it.requests[0].partition(b"\r\n\r\n")
    assert sent == body
    names = [line.split(b":")[0].lower() for line in head.split(b"\r\n")[1:]]
    assert sorted(names) == [b"accept", b"content-length", b"host", b"user-agent", b"x-a"]
    assert b"User-Agent: Relaypoint/" in head
    assert head.startswith(b"POST /a?b=c HTTP/1.1\r\n")
    assert (returned.peer, returned.body) == (f"127.0.0.1:{it.port}", b"ok")
    assert 0 < returned.timings.connect <= returned.timings.first_byte <= returned.timings.total


@pytest.mark.parametrize(
    "request_",
    [
        post("https://example.com/", headers=(("x-a", "1\r\nx-b: 2"),)),
        post("https://example.com/", headers=(("Host", "other"),)),
        post("no url"),
        Outgoing("k", "TRACE", "https://example.com/", (), b""),
        Outgoing("k", "GET", "https://example.com/", (), b"body"),
        Outgoing("k", "POST", "https://example.com/", (), b"", total_limit_ms=0),
    ],
)
def test_what_cannot_be_sent_comes_back_as_a_configuration_error(client: EgressClient, request_: Outgoing) -> None:
    client.start(request_)
    assert client.in_flight == 1
    (returned,) = client.poll(1)
    assert returned.key == "k"
    assert returned.failure is not None
    assert returned.failure.kind == FailureClass.CONFIGURATION
    assert client.in_flight == 0


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "POST"])
def test_every_method_goes_out_as_itself(client: EgressClient, method: str) -> None:
    with receiver(answer(b"HTTP/1.1 204 No Content\r\n\r\n")) as it:
        returned = client.fetch(Outgoing("k", method, f"http://127.0.0.1:{it.port}/", (), b"", 2000, 2000))
    assert (returned.status, it.requests[0].split(b" ")[0]) == (204, method.encode())


def test_many_requests_at_once_share_kept_connections(client: EgressClient) -> None:
    with receiver(keep_answering(OK)) as it:
        url = f"http://127.0.0.1:{it.port}/"
        for turn in range(2):
            for n in range(30):
                client.start(post(url, key=(turn, n), body=b"%d" % n))
            assert client.capacity == 256 - 30
            finished = drain(client, 30)
            assert {returned.key for returned in finished} == {(turn, n) for n in range(30)}
            assert all(returned.status == 200 and returned.failure is None for returned in finished)
        assert it.connections <= 30
        assert len(it.requests) == 60


def test_wake_ends_a_poll_from_another_thread(client: EgressClient) -> None:
    client.poll(0)
    timer = threading.Timer(0.1, client.wake)
    timer.start()
    began = time.monotonic()
    assert client.poll(5) == []
    assert time.monotonic() - began < 1
    timer.join()


def test_a_dry_run_judges_every_address_and_dials_none(client: EgressClient) -> None:
    with receiver(answer(OK)) as canary:
        judged = client.dry_run(f"http://127.0.0.1:{canary.port}/")
        refused = client.dry_run("http://10.0.0.1/")
        assert not canary.was_dialled()
    assert [(one.address, one.allowed) for one in judged] == [("127.0.0.1", True)]
    assert [(one.address, one.allowed) for one in refused] == [("10.0.0.1", False)]


@pytest.mark.parametrize("url", ["http://[127.0.0.1]/", "file:///etc/hostname", "http://exa mple/"])
def test_a_dry_run_refuses_what_libcurl_would_never_take(
    client: EgressClient, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(egress, "check_endpoint_url", lambda *_: None)
    with pytest.raises(InvalidInputError) as caught:
        client.dry_run(url)
    assert caught.value.field == "endpoint_url"


def test_a_dry_run_dials_nothing_even_beside_a_kept_connection(client: EgressClient) -> None:
    with receiver(keep_answering(OK)) as it:
        url = f"http://127.0.0.1:{it.port}/"
        assert client.fetch(Outgoing("k", "GET", url, (), b"", 2000, 2000)).status == 200
        assert len(client.dry_run(url)) == 1
        assert client.fetch(Outgoing("k", "GET", url, (), b"", 2000, 2000)).status == 200
        assert (it.connections, len(it.requests)) == (1, 2)


def test_the_environment_changes_nothing(client: EgressClient, monkeypatch: pytest.MonkeyPatch) -> None:
    with receiver(answer(OK)) as proxy, receiver(answer(OK)) as it:
        for name in ("http_proxy", "https_proxy", "all_proxy", "ALL_PROXY", "HTTPS_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        assert client.fetch(post(f"http://127.0.0.1:{it.port}/")).status == 200
        assert (proxy.was_dialled(), it.connections) == (False, 1)


def test_a_closed_port_and_an_unknown_name_have_their_own_classes(client: EgressClient) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    kinds = []
    for url in (f"http://127.0.0.1:{port}/", "http://nothing.invalid/"):
        returned = client.fetch(post(url))
        assert returned.failure is not None
        assert not returned.failure.request_sent
        kinds.append(returned.failure.kind)
    assert kinds == [FailureClass.CONNECT, FailureClass.DNS]


def test_the_installed_build_is_good_enough_and_an_old_one_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    assert check_build().libcurl
    info = list(pycurl.version_info())
    info[2], info[4] = 0x075000, 0
    monkeypatch.setattr(pycurl, "version_info", lambda: tuple(info))
    with pytest.raises(Exception, match=r"8\.6\.0.*asynchronous"):
        check_build()
