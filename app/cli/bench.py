"""``relaypoint bench``: what this machine reaches."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import click
import orjson

from app.core.errors import ConfigurationError


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
@click.option(
    "--deliveries",
    type=click.IntRange(1_000, 10_000_000),
    default=40_000,
    show_default=True,
    help="Backlog of one run; the naive designs get a fraction.",
)
@click.option(
    "--database",
    type=click.Choice(["sqlite", "postgres", "both"]),
    default="both",
    show_default=True,
    help="PostgreSQL: RELAYPOINT_BENCH_POSTGRES, else the development wheel.",
)
@click.option("--runs", type=click.IntRange(1, 99), default=3, show_default=True, help="Runs; the median counts.")
@click.option("--only", "only", multiple=True, metavar="NAME", help="Measure this only; may be repeated.")
@click.option("--picture", type=click.Path(path_type=Path), help="Also draw the figures into this SVG file.")
@click.option("--profile", is_flag=True, help="Also show where a delivery's time goes, step by step.")
@click.option("--formats", is_flag=True, help="Only measure what each sink takes to format an event.")
def bench(
    *,
    as_json: bool,
    deliveries: int,
    database: str,
    runs: int,
    only: tuple[str, ...],
    picture: Path | None,
    profile: bool,
    formats: bool,
) -> None:
    """Measure what this machine delivers and takes in, beside naive designs and the floor.

    Needs the source checkout. Starts servers and workers of its own on this machine, and removes what it made. All of
    it takes about half an hour; --only takes drain, ingest, end-to-end, latency, fairness, matching,
    slow-receivers, many-hosts, webhook-scale, backlog-scale or console.
    """
    if formats:
        _formats(as_json=as_json)
        return
    measurement = _module("bench.measure")
    report = _module("bench.report")
    unknown = sorted(set(only) - set(measurement.NAMES))
    if unknown:
        raise click.UsageError(f"--only {unknown[0]}: choose from {', '.join(measurement.NAMES)}")
    measured = measurement.measure(
        database,
        deliveries,
        runs,
        lambda line: click.echo(line, err=True),
        only=only or measurement.NAMES,
        profile=profile,
    )
    parts = (measured.machine, measured.figures, measured.rows, measured.steps)
    if picture:
        picture.write_text(_module("bench.picture").as_svg(measured.machine, measured.figures), "utf-8")
    if as_json:
        click.echo(orjson.dumps(report.as_document(*parts), option=orjson.OPT_INDENT_2).decode())
    else:
        click.echo(report.as_table(*parts))


def _formats(*, as_json: bool) -> None:
    measurement = _module("bench.formats")
    costs = measurement.measure_formats()
    if as_json:
        click.echo(orjson.dumps(measurement.as_documents(costs), option=orjson.OPT_INDENT_2).decode())
    else:
        click.echo("\n".join(measurement.as_lines(costs)))


def _module(name: str) -> ModuleType:
    """A module of the benchmark.

    Raises:
        ConfigurationError: this is not a checkout.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name not in {"bench", name}:
            raise
        raise ConfigurationError("the benchmark is part of the source checkout, not of the installed package") from None
