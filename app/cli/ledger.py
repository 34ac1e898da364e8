"""``relaypoint ledger``: owed = delivered + pending + confirming + failed + skipped + parked, to zero."""

from __future__ import annotations

import sys
from contextlib import closing
from typing import Any

import click
import orjson

from app.routing.ledger import ledger_document
from app.settings import load_settings
from app.store.engine import open_store

_COLUMNS = (
    *("owed", "matched", "delivered", "pending", "confirming"),
    *("failed", "skipped", "parked", "duplicates_possible"),
)


@click.command()
@click.option("--organization", help="Only this organization.")
@click.option("--json", "as_json", is_flag=True, help="JSON on stdout.")
def ledger(organization: str | None, *, as_json: bool) -> None:
    """Reconcile what was accepted with what was delivered; exit code 1 when the ledger does not balance."""
    with closing(open_store(load_settings().database_url)) as store:
        document = ledger_document(store, organization)
    if as_json:
        click.echo(orjson.dumps(document).decode())
    else:
        _print(document)
    if not document["balanced"]:
        click.echo("the ledger does NOT balance", err=True)
        sys.exit(1)


def _print(document: dict[str, Any]) -> None:
    click.echo(f"accepted {document['accepted']}, owed {document['owed']}")
    click.echo(_row("webhook", {name: name.removesuffix("_possible") for name in _COLUMNS}))
    for webhook in document["webhooks"]:
        click.echo(_row(webhook["name"], webhook))
    click.echo(_row("total", document))
    for cause, number in sorted(document["duplicate_causes"].items()):
        click.echo(f"duplicates possible, {cause}: {number}")
    click.echo("balanced" if document["balanced"] else "not balanced")


def _row(name: str, values: dict[str, Any]) -> str:
    return f"{name[:30]:<30}" + "".join(f"{values[column]!s:>12}" for column in _COLUMNS)
