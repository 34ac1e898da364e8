"""``relaypoint audit``: proves that the record of our own changes is whole."""

from __future__ import annotations

import sys
from collections import defaultdict
from contextlib import closing
from pathlib import Path

import click
import orjson
from sqlalchemy import Connection

from app.core.audit_chain import DIGEST_BYTES
from app.core.clock import DAY, system_clock
from app.core.errors import ConfigurationError, NotFoundError
from app.routing.audit_chain import Break, ChainCheck, read_head
from app.security.vault import Vault, open_vault
from app.settings import load_settings
from app.store.audit_records import audited_organizations, record_count
from app.store.engine import open_store

Anchors = dict[str, dict[int, bytes]]
"""Digests by organization and number of the record."""


@click.group()
def audit() -> None:
    """The chain of our own configuration changes."""


@audit.command()
def heads() -> None:
    """Print where each chain ends: organization, number of records, digest.

    Keep the lines where nobody who can write to the database can: `audit verify --anchors` compares with them.
    """
    settings = load_settings()
    vault = open_vault(settings.instance, settings.secret_keys)
    with closing(open_store(settings.database_url, pool_size=1)) as store, store.snapshot() as connection:
        for organization in audited_organizations(connection):
            head = read_head(connection, vault, organization)
            if head is not None:
                click.echo(f"{organization} {head.number} {head.digest.hex()}")


@audit.command()
@click.option("--organization", help="Only this one.  [default: all]")
@click.option("--anchors", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Lines of `audit heads`.")
@click.option(
    "--kept-days",
    type=click.IntRange(1, 3650),
    help="Events younger than this must be there.  [default: RELAYPOINT_RECEIPT_RETENTION_DAYS]",
)
@click.option("--json", "as_json", is_flag=True, help="JSON on stdout.")
def verify(organization: str | None, anchors: Path | None, kept_days: int | None, *, as_json: bool) -> None:
    """Check every record against the one before it, its event and the end of the chain; exit code 1 on a break."""
    settings = load_settings()
    vault = open_vault(settings.instance, settings.secret_keys)
    kept_since = system_clock() - (kept_days or settings.receipt_retention_days) * DAY
    written_down = _read_anchors(anchors)
    with closing(open_store(settings.database_url, pool_size=1)) as store, store.snapshot() as connection:
        chosen = _chosen(audited_organizations(connection), organization)
        number = record_count(connection, chosen)
        broken = _check(connection, vault, chosen, number, kept_since, written_down)
    _report(chosen, number, broken, as_json=as_json)
    if broken:
        sys.exit(1)


def _chosen(known: list[str], organization: str | None) -> list[str]:
    if organization is not None and organization not in known:
        raise NotFoundError(f"there is no organization {organization!r}")
    return known if organization is None else [organization]


def _check(
    connection: Connection, vault: Vault, chosen: list[str], number: int, kept_since: int, anchors: Anchors
) -> list[Break]:
    """The first break of each chain that has one."""
    broken = []
    with click.progressbar(length=number, label="verifying", file=sys.stderr) as bar:
        for organization in chosen:
            check = ChainCheck(
                connection, vault, organization, kept_since=kept_since, anchors=anchors.get(organization)
            )
            for step in check:
                bar.update(step)
            if check.broken:
                broken.append(check.broken)
    return broken


def _report(chosen: list[str], number: int, broken: list[Break], *, as_json: bool) -> None:
    if as_json:
        found = [{"organization": one.organization_id, "record": one.number, "problem": one.what} for one in broken]
        click.echo(orjson.dumps({"organizations": len(chosen), "records": number, "broken": found}).decode())
        return
    for one in broken:
        click.echo(f"{one.organization_id}: record {one.number} {one.what}")
    if not broken:
        click.echo(f"{number} records of {len(chosen)} organizations: every one is as it was written")


def _read_anchors(path: Path | None) -> Anchors:
    """The lines of `audit heads`.

    Raises:
        ConfigurationError: a line has another form.
    """
    found: Anchors = defaultdict(dict)
    for place, line in enumerate(path.read_text(encoding="utf-8").splitlines() if path else (), start=1):
        try:
            organization, number, digest = line.split()
            found[organization][int(number)] = bytes.fromhex(digest)
        except ValueError:
            raise ConfigurationError(f"{path}, line {place}: must be ORGANIZATION NUMBER DIGEST") from None
        if len(found[organization][int(number)]) != DIGEST_BYTES:
            raise ConfigurationError(f"{path}, line {place}: a digest has {2 * DIGEST_BYTES} digits")
    return found
