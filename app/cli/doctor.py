"""``relaypoint doctor``: one line per part of the installation, and what to do about it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import asdict

import click
import orjson

from app import checkup
from app.checkup import FAILED, Finding
from app.settings import SettingsError, load_settings


@click.command()
@click.option("--json", "as_json", is_flag=True, help="JSON on stdout.")
def doctor(*, as_json: bool) -> None:
    """Check this installation; exit code 1 when a part has failed."""
    findings = list(examine())
    if as_json:
        click.echo(orjson.dumps([asdict(finding) for finding in findings]).decode())
    else:
        for finding in findings:
            advice = f" -> {finding.advice}" if finding.advice else ""
            click.echo(f"{finding.part:<14} {finding.state:<8} {finding.text}{advice}")
    if any(finding.state == FAILED for finding in findings):
        sys.exit(1)


def examine() -> Iterator[Finding]:
    """The findings of this installation, wrong settings included."""
    try:
        settings = load_settings()
    except SettingsError as error:
        for problem in error.problems:
            yield Finding("configuration", FAILED, problem, "see docs/settings.md")
        return
    yield from checkup.examine(settings)
