"""``relaypoint receive``: a receiver for trying and proving deliveries. It verifies, counts and can misbehave."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import click
import orjson

from app.cli.receiver_http import Connection, Reply, Request
from app.cli.receiver_tally import Seen, Tally, expected_ids
from app.core.errors import ConfigurationError
from app.core.signing import parse_secret

_LINES_PER_SECOND = 20
_GRACE_S = 0.2
_LISTED = 20
_UNAUTHORIZED = 401
_EARLIEST_ERROR = 400


@dataclass(frozen=True, slots=True)
class Manners:
    """How to answer: the status, after which delay, and how many requests to fail first."""

    status: int
    body: bytes
    delay_s: float
    fail_first: int


@dataclass(slots=True)
class Talk:
    """Writes a line per delivery to stderr, and once there are too many, a count per second."""

    _second: int = 0
    _written: int = 0
    _more: int = 0

    def delivery(self, seen: Seen, status: int) -> None:
        """Tells of one request."""
        if not self._room():
            return
        what = f"{len(seen.events)} event{'s' * (len(seen.events) != 1)}"
        signature = "" if seen.reason is None else f"  signature {seen.reason}"
        again = "  DUPLICATE" if seen.duplicate else ""
        click.echo(f"{status}  {seen.delivery_id}  {what}  {seen.group}{signature}{again}", err=True)

    def refusal(self, request: Request, status: int) -> None:
        """Tells of a request that was failed on purpose."""
        if self._room():
            click.echo(f"{status}  {request.headers.get('webhook-id', '-')}  failed on purpose", err=True)

    def flush(self, tally: Tally) -> None:
        """Tells how many requests had no line of their own, if any."""
        if self._more:
            click.echo(f"… and {self._more:,} more ({tally.requests:,} requests so far)", err=True)
            self._more = 0

    def _room(self) -> bool:
        second = int(time.monotonic())
        if second != self._second:
            self._second, self._written = second, 0
        if self._written < _LINES_PER_SECOND:
            self._written += 1
            return True
        self._more += 1
        return False


@dataclass(slots=True)
class Receiver:
    """Answers requests and counts them, until told to stop.

    ``exit_after`` requests it stops by itself (0: never).
    """

    tally: Tally
    manners: Manners
    exit_after: int = 0
    talk: Talk = field(default_factory=Talk)
    _connections: set[Connection] = field(default_factory=set)
    _done: asyncio.Event = field(default_factory=asyncio.Event)

    def handle(self, request: Request) -> Reply:
        """Answers one request: the summary to a GET, the chosen manners to everything else."""
        if request.method in {"GET", "HEAD"}:
            return Reply(200, orjson.dumps(self.tally.summary()), "application/json")
        reply = self._judge(request)
        if self.exit_after and self.tally.requests >= self.exit_after:
            asyncio.get_running_loop().call_later(reply.delay_s + _GRACE_S, self._done.set)
        return reply

    def _judge(self, request: Request) -> Reply:
        manners = self.manners
        failing = self.tally.requests < manners.fail_first
        status = 500 if failing else manners.status
        if status >= _EARLIEST_ERROR:
            self.tally.refuse()
            self.talk.refusal(request, status)
            return Reply(status, b"failed on purpose", delay_s=manners.delay_s)
        seen = self.tally.take(request.target, request.headers, request.body, int(time.time()))
        if not seen.genuine:
            status = _UNAUTHORIZED
        self.talk.delivery(seen, status)
        body = manners.body if seen.genuine else b"signature not accepted"
        return Reply(status, body, delay_s=manners.delay_s)

    async def run(self, host: str, port: int) -> None:
        """Listens until a signal or the last request.

        Raises:
            ConfigurationError: the address cannot be listened on.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._done.set)
        try:
            server = await loop.create_server(
                lambda: Connection(self.handle, self._connections), host, port, backlog=1024
            )
        except OSError as error:
            raise ConfigurationError(f"cannot listen on {host}:{port}: {error.strerror}") from error
        bound = server.sockets[0].getsockname()
        click.echo(f"receiving on http://{bound[0]}:{bound[1]}/", err=True)
        talking = loop.create_task(self._talk_every_second())
        await self._done.wait()
        talking.cancel()
        server.close()
        for connection in tuple(self._connections):
            connection.close()
        await asyncio.sleep(_GRACE_S if self._connections else 0)
        self.talk.flush(self.tally)

    async def _talk_every_second(self) -> None:
        while True:
            await asyncio.sleep(1)
            self.talk.flush(self.tally)


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=8081, show_default=True, help="0 picks a free one.")
@click.option("--status", type=click.IntRange(200, 599), default=200, show_default=True, help="The answer's status.")
@click.option("--body", default="ok", show_default=True, help="The answer's body.")
@click.option("--delay", type=click.IntRange(min=0), default=0, help="Milliseconds to wait before each answer.")
@click.option("--fail-first", type=click.IntRange(min=0), default=0, help="Answer 500 to the first N requests.")
@click.option("--secret", "secrets", multiple=True, help="Signing secret (whsec_…); repeat for several webhooks.")
@click.option("--expect", type=click.File("rb"), help="Ids that must arrive: one per line, or JSON lines.")
@click.option("--exit-after", type=click.IntRange(min=0), default=0, help="Stop after N requests; 0 never stops.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
def receive(
    host: str,
    port: int,
    status: int,
    body: str,
    delay: int,
    fail_first: int,
    secrets: tuple[str, ...],
    expect: BinaryIO | None,
    exit_after: int,
    *,
    as_json: bool,
) -> None:
    """Run a receiver that verifies signatures and counts distinct, duplicate and missing deliveries.

    A GET on any path answers the counts so far as JSON. Ctrl-C ends it and prints them. With --expect the exit code
    is 1 if an id is missing.
    """
    keys = [parse_secret(secret) for secret in secrets]
    tally = Tally(keys, expected_ids(expect.read()) if expect else None)
    manners = Manners(status, body.encode(), delay / 1000, fail_first)
    asyncio.run(Receiver(tally, manners, exit_after).run(host, port))
    summary = tally.summary()
    click.echo(orjson.dumps(summary).decode() if as_json else _readable(summary))
    if summary["missing"]:
        sys.exit(1)


def _readable(summary: Mapping[str, Any]) -> str:
    missing = summary["missing"]
    counts = {**summary, "missing": len(missing)}
    lines = [f"{name.replace('_', ' '):<20}{value:>12,}" for name, value in counts.items()]
    return "\n".join([*lines, *missing[:_LISTED]])
