"""The web process under measurement, and the load on it."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from app.cli.program import own_command
from app.core.clock import system_clock
from app.security.api_keys import create_key
from app.store import Store
from bench import stack
from bench.loader import Posted, post_all
from bench.processes import running
from bench.receiver import free_port, wait_for_port

_WARM_UP = 200


@dataclass(frozen=True, slots=True)
class Web:
    """A web process that listens."""

    url: str
    headers: tuple[str, ...] = field(repr=False)
    pid: int

    def post(self, bodies: Sequence[bytes], connections: int) -> Posted:
        """Post every body; all must be accepted.

        Raises:
            RuntimeError: a body was not.
        """
        posted = post_all(self.url, bodies, headers=self.headers, connections=connections)
        if set(posted.statuses) != {200}:
            raise RuntimeError(f"not every event was accepted: {dict(posted.statuses)}")
        return posted


@contextmanager
def serving(store: Store, environ: Mapping[str, str], folder: Path) -> Iterator[Web]:
    """``relaypoint web`` on a free port, with a key."""
    with store.write() as connection:
        _, key = create_key(
            connection, name="bench", role="ingest", now=system_clock(), random_bytes=secrets.token_bytes
        )
    port = free_port()
    with running(own_command("web", "--port", str(port)), environ, folder / "web.log") as child:
        wait_for_port(port)
        headers = (f"Authorization: Bearer {key}", "Content-Type: application/json")
        web = Web(f"http://127.0.0.1:{port}/v1/events", headers, child.pid)
        web.post(single_bodies(_WARM_UP, "warm"), 16)
        yield web


def single_bodies(number: int, run: str) -> list[bytes]:
    """One event per body; ids of one run are not those of another."""
    return [orjson.dumps(event) for event in _events(number, run)]


def batch_bodies(number: int, size: int, run: str) -> list[bytes]:
    """``number`` bodies of ``size`` events."""
    raw = _events(number * size, run)
    return [orjson.dumps(raw[start : start + size]) for start in range(0, len(raw), size)]


def _events(number: int, run: str) -> list[dict[str, object]]:
    places = stack.places()
    share = -(-number // len(places))
    of_place = [orjson.loads(body) for body in stack.event_bodies(places, share * len(places), group=share)]
    mixed = [event for together in zip(*of_place, strict=True) for event in together]
    return [{**event, "id": f"{run}-{event['id']}"} for event in mixed[:number]]
