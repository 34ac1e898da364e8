"""``relaypoint keys``: API keys, and the master key."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict

import click
import orjson
from sqlalchemy import Connection

from app.cli.rotate_master import new_master, rotate_master
from app.core.clock import DAY, system_clock, to_rfc3339
from app.routing.key_audit import key_created, key_revoked
from app.routing.own_audit import Author, OwnAudit, OwnChange
from app.security.api_keys import KeyRecord, create_key, list_keys, revoke_key
from app.security.vault import open_vault
from app.settings import load_settings
from app.store.engine import Store, open_store
from app.store.migrate import migrate
from app.store.schema_revision import schema_status

OPERATOR = Author("admin", "command line")
"""Whoever may run this command on the machine; nobody knows more of them."""


@click.group()
def keys() -> None:
    """API keys, and the master key that seals stored secrets."""


keys.add_command(rotate_master)
keys.add_command(new_master)


@contextmanager
def _store() -> Iterator[Store]:
    with closing(open_store(load_settings().database_url)) as store:
        yield store


@keys.command()
@click.option("--name", required=True, help="What the key is for.")
@click.option("--role", required=True, help="ingest, read, write or admin.")
@click.option("--organization", help="Organization the key is bound to.  [default: the whole platform]")
@click.option("--context", help="Context of that organization the key is bound to.")
@click.option("--days", type=click.IntRange(1, 3650), help="Days until the key expires.  [default: never]")
def create(name: str, role: str, organization: str | None, context: str | None, days: int | None) -> None:
    """Create a key and print it, once, alone, on stdout."""
    now = system_clock()
    settings = load_settings()
    settings.instance.mkdir(parents=True, exist_ok=True)
    with _store() as store:
        if schema_status(store)[0] is None:
            migrate(settings.database_url)  # a first key is wanted before anything else has run
    with _store() as store, store.write() as connection:
        record, key = create_key(
            connection,
            name=name,
            role=role,
            organization_id=organization,
            context_id=context,
            expires_at=None if days is None else now + days * DAY,
            now=now,
            random_bytes=secrets.token_bytes,
        )
        tell(connection, key_created(OPERATOR, record))
    click.echo(f"{record.id}, role {record.role}; the key is shown this once", err=True)
    click.echo(key)


@keys.command("list")
@click.option("--organization", help="Only keys bound to this organization.")
@click.option("--json", "as_json", is_flag=True, help="JSON on stdout.")
def list_all(organization: str | None, *, as_json: bool) -> None:
    """List keys, without their secrets."""
    with _store() as store, store.read() as connection:
        found = list_keys(connection, organization)
    if as_json:
        click.echo(orjson.dumps([asdict(record) for record in found]).decode())
        return
    for record in found:
        click.echo(_line(record))


def _line(record: KeyRecord) -> str:
    place = record.organization_id or "platform"
    if record.context_id:
        place += f"/{record.context_id}"
    state = "active"
    if record.revoked_at is not None:
        state = f"revoked {to_rfc3339(record.revoked_at)}"
    elif record.expires_at is not None:
        state = f"expires {to_rfc3339(record.expires_at)}"
    return f"{record.id}  rp_{record.prefix}_…  {record.role:<6}  {place}  {state}  {record.name}"


@keys.command()
@click.argument("key_id")
def revoke(key_id: str) -> None:
    """End a key at once. KEY_ID is the one that `keys list` shows."""
    with _store() as store, store.write() as connection:
        revoked = revoke_key(connection, key_id, system_clock())
        if revoked is not None:
            tell(connection, key_revoked(OPERATOR, revoked))
    click.echo(f"{key_id} is revoked", err=True)


def tell(connection: Connection, change: OwnChange | None) -> None:
    """Write the event of a change made on this machine; the tick rings for whom it is owed to."""
    if change is not None:
        settings = load_settings()
        vault = open_vault(settings.instance, settings.secret_keys)
        OwnAudit(vault, clock=system_clock, random_bytes=secrets.token_bytes).record(connection, change)
