"""``relaypoint events``: posts events to a running instance."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import click
import orjson
import requests

from app.core.errors import PermanentError, RelaypointError, TemporaryError

_MOST_TRIES = 8
_LONGEST_WAIT_S = 300.0
"""An instance that asks for more than this is given up on: a person is waiting at the other end."""

_FIRST_WAIT_S = 0.5
_CONNECT_TIMEOUT_S = 5.0
_ANSWER_TIMEOUT_S = 120.0
_BUSY = frozenset({429, 503})
_OK = 200
_TOTALS = frozenset({"accepted", "duplicates", "rejected"})
_SHOWN_REJECTIONS = 10


@dataclass(slots=True)
class Totals:
    """What the instance answered, summed up."""

    accepted: int = 0
    duplicates: int = 0
    rejected: int = 0
    ids: list[str] = field(default_factory=list)

    def add(self, answer: dict[str, Any], offset: int) -> None:
        """Adds one answer and tells on stderr why elements were rejected; ``offset`` is where its batch began."""
        self.accepted += answer["accepted"]
        self.duplicates += answer["duplicates"]
        self.ids += answer.get("ids", ())
        for rejection in answer["rejected"]:
            self.rejected += 1
            if self.rejected <= _SHOWN_REJECTIONS:
                where = offset + int(rejection.get("index", 0))
                click.echo(f"event {where} rejected: {rejection.get('detail', rejection.get('type', ''))}", err=True)


@dataclass(frozen=True, slots=True)
class Client:
    """Posts batches of events to one instance.

    Args:
        session: carries the API key.
        endpoint: the full address of the events call.
        patient: also wait, within the same bounds, for an instance that does not answer yet.
    """

    session: requests.Session
    endpoint: str
    patient: bool = False

    def post(self, lines: list[bytes]) -> dict[str, Any]:
        """Posts one batch of JSON lines; waits and tries again when asked to. Repeating is safe: ids tell duplicates.

        Raises:
            TemporaryError: the instance stayed busy or unreachable.
            PermanentError: the instance refused the batch as a whole.
        """
        problem = ""
        for number in range(_MOST_TRIES):
            wait_s = _FIRST_WAIT_S * 2**number
            try:
                answer = self._once(b"\n".join(lines))
            except requests.ConnectionError as error:
                if not self.patient:
                    raise TemporaryError(f"cannot reach {self.endpoint}: {_reason(error)}") from error
                problem = "it cannot be reached"
            except requests.Timeout:
                problem = "it took too long to answer"
            else:
                if answer.status_code not in _BUSY:
                    return _accepted(answer)
                problem = f"it answers {answer.status_code}"
                wait_s = max(wait_s if number else 0.0, _asked_wait_s(answer))
            if wait_s > _LONGEST_WAIT_S:
                raise TemporaryError(f"gave up on {self.endpoint}: {problem} and asks to wait {wait_s:.0f} s")
            if number + 1 < _MOST_TRIES:
                time.sleep(wait_s)
        raise TemporaryError(f"gave up on {self.endpoint} after {_MOST_TRIES} tries: {problem}")

    def _once(self, body: bytes) -> requests.Response:
        return self.session.post(
            self.endpoint,
            data=body,
            headers={"content-type": "application/x-ndjson"},
            timeout=(_CONNECT_TIMEOUT_S, _ANSWER_TIMEOUT_S),
            allow_redirects=False,
        )


def _accepted(answer: requests.Response) -> dict[str, Any]:
    try:
        document = orjson.loads(answer.content)
    except orjson.JSONDecodeError:
        document = None
    if (
        answer.status_code == _OK
        and isinstance(document, dict)
        and {"accepted", "duplicates", "rejected"} <= set(document)
    ):
        return document
    detail = document.get("detail") or document.get("title") if isinstance(document, dict) else None
    raise PermanentError(f"{answer.url} answered {answer.status_code}: {detail or answer.reason or 'no reason given'}")


def _asked_wait_s(answer: requests.Response) -> float:
    asked = answer.headers.get("retry-after", "")
    return float(asked) if asked.isascii() and asked.isdigit() else _FIRST_WAIT_S


def _reason(error: requests.ConnectionError) -> str:
    return "connection refused" if "refused" in str(error).lower() else type(error).__name__


def read_events(text: bytes) -> list[bytes]:
    """Events of a file, one JSON text each: JSON lines, one object, an array, or ``{"events": […]}``.

    A line that is not JSON is kept: it is for the instance to reject it, and only it.
    """
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError:
        return [line for line in map(bytes.strip, text.splitlines()) if line]
    if isinstance(document, dict) and isinstance(document.get("events"), list):
        document = document["events"]
    return [orjson.dumps(event) for event in (document if isinstance(document, list) else [document])]


def batches(events: list[bytes], size: int) -> Iterator[tuple[int, list[bytes]]]:
    """Slices of at most ``size`` events, each with the index of its first."""
    for offset in range(0, len(events), size):
        yield offset, events[offset : offset + size]


@click.group()
def events() -> None:
    """Events of a running instance."""


@events.command()
@click.argument("file", type=click.File("rb"))
@click.option("--url", default="http://127.0.0.1:8080", show_default=True, help="Address of the instance.")
@click.option("--key", envvar="RELAYPOINT_KEY", required=True, help="API key; better given as RELAYPOINT_KEY.")
@click.option(
    "--batch", "size", type=click.IntRange(1, 20_000), default=1000, show_default=True, help="Events per POST."
)
@click.option("--wait", "patient", is_flag=True, help="Wait for an instance that is still starting.")
@click.option("--ids", "with_ids", is_flag=True, help="Include the ids of the events in the output.")
def send(file: BinaryIO, url: str, key: str, size: int, *, patient: bool, with_ids: bool) -> None:
    """Post the events of FILE (- for stdin): JSON lines, a JSON array or one object.

    Prints the totals as JSON. The exit code is 1 if an event was rejected.
    """
    found = read_events(file.read())
    totals = Totals()
    on_terminal = sys.stderr.isatty()
    with requests.Session() as session:
        session.trust_env = False
        session.headers["authorization"] = f"Bearer {key}"
        client = Client(session, f"{url.rstrip('/')}/v1/events", patient)
        bar = click.progressbar(length=len(found), label="Sending", file=sys.stderr) if on_terminal else nullcontext()
        try:
            with bar as progress:
                for offset, lines in batches(found, size):
                    totals.add(client.post(lines), offset)
                    if progress is not None:
                        progress.update(len(lines))
        except RelaypointError:
            _print(totals, with_ids=with_ids)
            raise
    _print(totals, with_ids=with_ids)
    if totals.rejected:
        sys.exit(1)


def _print(totals: Totals, *, with_ids: bool) -> None:
    document: dict[str, Any] = {
        "accepted": totals.accepted,
        "duplicates": totals.duplicates,
        "rejected": totals.rejected,
    }
    click.echo(orjson.dumps(document | ({"ids": totals.ids} if with_ids else {})).decode())
