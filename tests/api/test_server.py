"""The server's application: the fast lane and the long way give the same answers."""

from __future__ import annotations

import asyncio
import gzip
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any
from unittest.mock import patch

import orjson
import pytest
from flask import Flask

from app.api import event_lane
from app.api.admission import Admission
from app.api.application import EXTENSION, build_application
from app.api.authentication import LOOK_AGAIN, TRUSTED_FOR, Authenticator
from app.api.front import SECURITY_HEADERS
from app.api.server import ServerApplication
from app.api.wsgi_bridge import WsgiBridge
from app.core.clock import SECOND
from app.core.errors import StoreUnavailableError
from app.core.streams import STREAM_TAKER
from app.security.api_keys import revoke_key
from app.services import Services
from tests.api.conftest import Caller
from tests.api.test_events import event


class FakeHeaders(dict[str, str]):
    def items(self) -> list[tuple[str, str]]:  # type: ignore[override]
        return list(super().items())


@dataclass
class FakeScope:
    method: str
    path: str
    headers: FakeHeaders
    query_string: str = ""
    http_version: str = "1.1"
    server: str = "127.0.0.1:8080"
    client: str = "127.0.0.1:5555"
    scheme: str = "http"
    authority: str | None = None


@dataclass
class FakeProtocol:
    body: bytes
    chunk: int = 7
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    sent: bytes = b""
    gone: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self) -> bytes:
        return self.body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for start in range(0, len(self.body), self.chunk):
            yield self.body[start : start + self.chunk]

    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.status, self.headers, self.sent = status, dict(headers), body

    async def client_disconnect(self) -> None:
        await self.gone.wait()

    def response_stream(self, status: int, headers: list[tuple[str, str]]) -> FakeProtocol:
        self.status, self.headers = status, dict(headers)
        return self

    def send_bytes(self, data: bytes) -> Awaitable[None]:
        """As the server's own: not a coroutine, and called on the loop only."""
        done = asyncio.get_running_loop().create_future()
        self.sent += data
        done.set_result(None)
        return done


class Server:
    """Requests to a :class:`ServerApplication` as granian would make them."""

    def __init__(self, app: Flask, key: str) -> None:
        self.application = ServerApplication(app)
        self.key = key
        self.long_way = 0
        answer = self.application._bridge.answer

        async def counted(*arguments: Any) -> None:
            self.long_way += 1
            await answer(*arguments)

        self.application._bridge.answer = counted  # type: ignore[method-assign]

    async def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> FakeProtocol:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if body and "transfer-encoding" not in named:
            named["content-length"] = str(len(body))
        protocol = FakeProtocol(body)
        found = FakeHeaders({"authorization": f"Bearer {self.key}", **named})
        await self.application.__rsgi__(FakeScope(method, path, found), protocol)  # type: ignore[arg-type]
        await asyncio.sleep(0)
        return protocol

    def post(self, body: bytes, **headers: str) -> FakeProtocol:
        return asyncio.run(self.ask("POST", "/v1/events", body, **headers))


@pytest.fixture
def server(app: Flask, platform: Caller) -> Server:
    made = Server(app, platform.key)
    assert made.post(orjson.dumps(event(0))).status == 200
    made.long_way = 0
    return made


def test_a_known_key_and_known_names_take_the_fast_lane(server: Server) -> None:
    answer = server.post(orjson.dumps([event(1), event(1), event(2)]), content_type="application/json")
    assert orjson.loads(answer.sent) == {"accepted": 2, "duplicates": 1, "rejected": [], "ids": ["e1", "e1", "e2"]}
    assert answer.status == 200
    assert {name: answer.headers[name] for name in SECURITY_HEADERS} == SECURITY_HEADERS
    assert answer.headers["content-length"] == str(len(answer.sent))
    assert server.long_way == 0


def test_over_https_events_are_answered_with_hsts_on_both_ways(platform: Caller, services: Services) -> None:
    app = build_application(replace(services.settings, public_url="https://relay.example"))
    server = Server(app, platform.key)
    answers = [server.post(orjson.dumps(event(number)), content_type="application/json") for number in (1, 2)]
    assert ([answer.status for answer in answers], server.long_way) == ([200, 200], 1)
    assert {answer.headers.get("strict-transport-security") for answer in answers} == {"max-age=31536000"}
    app.extensions[EXTENSION].egress.close()
    app.extensions[EXTENSION].store.close()


def test_requests_at_once_are_each_answered(server: Server) -> None:
    async def all_at_once() -> list[FakeProtocol]:
        return await asyncio.gather(
            *(server.ask("POST", "/v1/events", orjson.dumps(event(n))) for n in range(100, 150))
        )

    answers = asyncio.run(all_at_once())
    assert [orjson.loads(one.sent)["ids"] for one in answers] == [[f"e{n}"] for n in range(100, 150)]
    assert server.long_way == 0


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (gzip.compress(orjson.dumps(event(1))), {"content_encoding": "gzip"}, 200),
        (orjson.dumps({"x": 1}), {"ce_specversion": "1.0", "ce_id": "9", "ce_type": "a", "ce_source": "s"}, 400),
        (orjson.dumps([event(number) for number in range(2000)]), {}, 413),
        (b"{", {}, 400),
        (b"[]", {}, 200),
        (orjson.dumps(event(1, organization_id="nobody")), {}, 400),
        (orjson.dumps(event(1)), {"authorization": "Bearer rp_unknown"}, 401),
        (orjson.dumps(event(1)), {"authorization": ""}, 401),
        (orjson.dumps(event(1, context={"id": "never-seen"})), {}, 200),
        (orjson.dumps(event(1)), {"content_type": "text/csv"}, 415),
    ],
)
def test_everything_else_takes_the_long_way(server: Server, body: bytes, headers: dict[str, str], status: int) -> None:
    answer = server.post(body, **headers)
    assert (answer.status, server.long_way) == (status, 1), answer.sent


def test_a_body_in_chunks_is_read_and_one_without_end_is_refused(server: Server) -> None:
    assert server.post(orjson.dumps(event(1)), transfer_encoding="chunked").status == 200
    endless = b" " * 300_000
    assert server.post(endless, transfer_encoding="chunked").status == 413


def test_patience_ends_while_another_commit_runs(server: Server, services: Services) -> None:
    begun, gate = threading.Event(), threading.Event()
    write = services.ingest.commits._commit

    def slow(group: Any) -> Any:
        begun.set()
        gate.wait(10)
        return write(group)

    async def two() -> list[FakeProtocol]:
        first = asyncio.create_task(server.ask("POST", "/v1/events", orjson.dumps(event(1))))
        await asyncio.to_thread(begun.wait, 5)
        second = asyncio.create_task(server.ask("POST", "/v1/events", orjson.dumps(event(2))))
        await asyncio.wait({second}, timeout=5)
        gate.set()
        return [await first, await second]

    services.ingest.commits._commit = slow
    with patch.object(event_lane, "PATIENCE_S", 0.2):
        answers = asyncio.run(two())
    assert [one.status for one in answers] == [200, 503]


def test_a_commit_that_fails_is_told_to_each(server: Server, services: Services) -> None:
    def away(_group: Any) -> Any:
        raise StoreUnavailableError("the database did not answer")

    services.ingest.commits._commit = away
    answer = server.post(orjson.dumps(event(1)))
    assert (answer.status, answer.headers["retry-after"], server.long_way) == (503, "2", 0)
    assert answer.headers["content-type"] == "application/problem+json"


def test_too_many_at_once_are_asked_to_come_back(server: Server) -> None:
    server.application._admission = Admission(max_requests=0)
    answer = server.post(orjson.dumps(event(1)))
    assert (answer.status, answer.headers["retry-after"]) == (503, "2")


def test_flask_answers_what_is_not_ingest(server: Server) -> None:
    answer = asyncio.run(server.ask("GET", "/v1/events/e%30", organization="x"))
    assert (answer.status, orjson.loads(answer.sent)["id"]) == (200, "e0")
    assert asyncio.run(server.ask("GET", "/nowhere")).status == 404
    assert asyncio.run(server.ask("PUT", "/v1/events", b"{}")).headers["allow"] == "GET, HEAD, OPTIONS, POST"


def test_a_stream_is_sent_piece_by_piece() -> None:
    closed: list[bool] = []

    def application(environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
        start_response("200 OK", [("X-Host", environ["HTTP_HOST"]), ("X-Cookie", environ["HTTP_COOKIE"])])
        try:
            yield from (b"one ", environ["wsgi.input"].read())
        finally:
            closed.append(True)

    class TwoCookies(FakeHeaders):
        def items(self) -> list[tuple[str, str]]:  # type: ignore[override]
            return [("cookie", "a=1"), ("cookie", "b=2"), ("x_spoofed", "no")]

    async def ask(protocol: FakeProtocol) -> None:
        with ThreadPoolExecutor(1) as threads:
            scope = FakeScope("POST", "/stream", TwoCookies(), authority="example.test")
            await WsgiBridge(application, threads).answer(scope, protocol, b"two")  # type: ignore[arg-type]

    answer = FakeProtocol(b"")
    asyncio.run(ask(answer))
    assert (answer.status, answer.sent, closed) == (200, b"one two", [True])
    assert answer.headers == {"x-host": "example.test", "x-cookie": "a=1; b=2"}


class Ticking:
    """A stream that says something, and then nothing for ever."""

    def __init__(self) -> None:
        self.closed = 0
        self.said = asyncio.Event()

    async def chunks(self) -> AsyncIterator[bytes]:
        yield b"tick"
        self.said.set()
        await asyncio.Event().wait()

    def close(self) -> None:
        self.closed += 1


@pytest.mark.parametrize("end", ["reader", "server"])
def test_a_stream_that_is_handed_over_holds_no_thread_and_ends_with_its_reader_or_the_server(end: str) -> None:
    stream = Ticking()

    def application(environ: Any, start_response: Any) -> list[bytes]:
        if environ["PATH_INFO"] == "/stream":
            environ[STREAM_TAKER](stream)
            start_response("200 OK", [("Content-Type", "text/event-stream"), ("Content-Length", "0")])
            return [b""]
        start_response("200 OK", [("Content-Length", "2")])
        return [b"ok"]

    async def ask() -> tuple[FakeProtocol, FakeProtocol]:
        listening, other = FakeProtocol(b""), FakeProtocol(b"")
        with ThreadPoolExecutor(1) as threads:
            bridge = WsgiBridge(application, threads)
            task = asyncio.ensure_future(bridge.answer(FakeScope("GET", "/stream", FakeHeaders()), listening, b""))  # type: ignore[arg-type]
            await stream.said.wait()
            await bridge.answer(FakeScope("GET", "/", FakeHeaders()), other, b"")  # type: ignore[arg-type]
            await asyncio.sleep(0)
            if end == "reader":
                listening.gone.set()
            else:
                bridge.end_streams()
            await task
        return listening, other

    listening, other = asyncio.run(ask())
    assert (listening.sent, listening.headers, stream.closed) == (b"tick", {"content-type": "text/event-stream"}, 1)
    assert other.sent == b"ok"


def test_a_revoked_key_sends_for_two_seconds_at_most(
    app: Flask, services: Services, platform: Caller, caller: Callable[..., Caller]
) -> None:
    moment = [services.clock()]
    authenticator = Authenticator(services.store, lambda: moment[0])
    sender = f"Bearer {caller('ingest', 'acme').key}"
    principal = authenticator.recent(sender)
    with services.store.write() as connection:
        revoke_key(connection, principal.id, moment[0])
    moment[0] += LOOK_AGAIN - 1
    assert authenticator.remembered(sender) == principal
    moment[0] += 1
    assert authenticator.remembered(sender) is None, "one request looks again"
    assert authenticator.remembered(sender) == principal, "while the others go on"
    moment[0] += TRUSTED_FOR - LOOK_AGAIN
    assert authenticator.remembered(sender) is None
    with pytest.raises(Exception, match="revoked"):
        authenticator.recent(sender)
    assert TRUSTED_FOR == 2 * SECOND
