"""``relaypoint db``: the schema."""

from __future__ import annotations

import sys
from contextlib import closing

import click
import orjson

from app.settings import load_settings
from app.store.engine import open_store
from app.store.migrate import migrate
from app.store.schema_revision import schema_status


@click.group()
def db() -> None:
    """Migrate the database or show its state."""


@db.command()
def upgrade() -> None:
    """Bring the schema up to date; safe to run from several machines at once."""
    settings = load_settings()
    settings.instance.mkdir(parents=True, exist_ok=True)
    migrate(settings.database_url)
    click.echo("the schema is up to date", err=True)


@db.command()
@click.option("--json", "as_json", is_flag=True, help="JSON on stdout.")
def status(*, as_json: bool) -> None:
    """Show the schema's revision; exit code 1 when it is not the newest."""
    with closing(open_store(load_settings().database_url)) as store:
        revision, head = schema_status(store)
    if as_json:
        click.echo(orjson.dumps({"revision": revision, "newest": head, "current": revision == head}).decode())
    else:
        click.echo(f"revision {revision or 'none'}, newest {head}")
    if revision != head:
        click.echo("run: relaypoint db upgrade", err=True)
        sys.exit(1)
