"""``relaypoint demo``: sample events on stdout."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

import click
import orjson

from app.core.clock import to_rfc3339
from app.demo import DEFAULT_UNTIL, DEMO_ORGANIZATION, Shape, generate
from app.demo.times import to_micros

_LINES_PER_WRITE = 500


class Instant(click.ParamType[int]):
    """An RFC 3339 time such as ``2026-11-23T00:00:00Z``; without an offset it is UTC."""

    name = "time"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Microseconds since the epoch."""
        if isinstance(value, int):
            return value
        try:
            moment = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value!r} is not a time such as 2026-11-23T00:00:00Z", param, ctx)
        return to_micros(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


@click.group()
def demo() -> None:
    """Sample data."""


@demo.command("generate")
@click.option("--events", "count", type=click.IntRange(min=0), required=True, help="How many events.")
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed gives the same events.")
@click.option(
    "--shape",
    type=click.Choice([shape.value for shape in Shape]),
    default=Shape.MIXED.value,
    show_default=True,
    help="The envelope: with an instance id (flat), without (nested), or both.",
)
@click.option("--organization", default=DEMO_ORGANIZATION, show_default=True, help="Organization id of the events.")
@click.option(
    "--until", type=Instant(), default=DEFAULT_UNTIL, show_default=to_rfc3339(DEFAULT_UNTIL), help="When they end."
)
def generate_command(count: int, seed: int, shape: str, organization: str, until: int) -> None:
    """Write sample events as JSON lines, oldest first."""
    out = sys.stdout.buffer
    lines: list[bytes] = []
    for event in generate(seed, count, shape, organization_id=organization, until=until):
        lines.append(orjson.dumps(event, option=orjson.OPT_APPEND_NEWLINE))
        if len(lines) == _LINES_PER_WRITE:
            out.write(b"".join(lines))
            lines.clear()
    out.write(b"".join(lines))
