"""``relaypoint plugins check``: the contract of sinks, run against one that is installed."""

from __future__ import annotations

from dataclasses import asdict

import click
import orjson

from app.core.errors import NotFoundError
from app.settings import load_settings
from app.sinks.kit import Result, run_checks
from app.sinks.kit.golden import golden_folder, write_golden
from app.sinks.manager import SinkManager
from app.sinks.protocol import Sink


@click.command("check")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="JSON on stdout.")
@click.option("--write-golden", "write", is_flag=True, help="Write the golden requests as they are now, then check.")
def check(name: str, *, as_json: bool, write: bool) -> None:
    """Check what an installed sink promises. Nothing is sent. Exit 1 when a promise is broken."""
    sink = _installed(name)
    if write:
        for path in write_golden(sink, golden_folder(sink)):
            click.echo(f"wrote {path}", err=True)
    results = run_checks(sink)
    if as_json:
        click.echo(orjson.dumps([{**asdict(one), "passed": one.passed} for one in results]).decode())
    else:
        _print_table(name, results)
    if not all(one.passed for one in results):
        raise SystemExit(1)


def _installed(name: str) -> Sink:
    settings = load_settings()
    manager = SinkManager.loaded(disabled=settings.disabled_plugins, enabled=settings.enabled_plugins or None)
    sink = manager.get(name)
    if sink is not None:
        return sink
    for failed in manager.failed_plugins:
        if failed.name == name:
            raise NotFoundError(f"plugin {name} was left out: {failed.error}")
    raise NotFoundError(f"there is no sink {name!r}; there are: {', '.join(manager.names())}")


def _print_table(name: str, results: list[Result]) -> None:
    width = max(len(one.name) for one in results)
    for one in results:
        word = "pass" if one.passed else "FAIL"
        click.echo(f"{word}  {one.name:<{width}}  {one.problem or one.promise}")
    failed = sum(not one.passed for one in results)
    click.echo(f"{name}: {len(results) - failed} of {len(results)} promises kept")
