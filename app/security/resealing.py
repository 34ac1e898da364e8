"""Which master keys the database needs, and sealing everything again with the current one while the stack runs.

Nothing remembers how far it came: what is not sealed with the current key is what is left. So it may be killed at any
moment and started again, and several may run. A value that somebody changes meanwhile is left as they wrote it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence

from sqlalchemy import ColumnElement, Connection, LargeBinary, RowMapping, and_, bindparam, func, select, update

from app.core.errors import ConfigurationError, SecretUnreadableError
from app.security.sealed_fields import SEALED, SealedColumn
from app.security.vault import Vault, envelope_head, sealed_with
from app.store.engine import Store

STEP = 100
"""Values in one transaction: some ten milliseconds of everybody's turn to write."""

Progress = Callable[[int], None]
"""Told how many more values are done."""


def refuse_missing_keys(connection: Connection, vault: Vault) -> None:
    """Refuse to work with a database whose secrets cannot all be read.

    Raises:
        ConfigurationError: naming the id of a key that is needed and not at hand.
    """
    for sealed in SEALED:
        unknown = and_(*(_not_sealed_with(sealed, key_id) for key_id in vault.key_ids))
        for envelope in connection.execute(select(sealed.column).where(unknown).limit(STEP)).scalars():
            # What is no envelope at all is one webhook's trouble, and is told when that is used.
            with contextlib.suppress(SecretUnreadableError):
                raise ConfigurationError(
                    f"the database has secrets sealed with master key {sealed_with(envelope)!r}, which is not"
                    " configured: put it back into RELAYPOINT_SECRET_KEYS or the file secret.key, behind the others"
                )


def left_to_reseal(connection: Connection, key_id: str) -> int:
    """How many values are sealed with another key than this one."""
    return sum(
        connection.execute(
            select(func.count()).select_from(sealed.table).where(_not_sealed_with(sealed, key_id))
        ).scalar_one()
        for sealed in SEALED
    )


def reseal(store: Store, vault: Vault, progress: Progress) -> list[str]:
    """Seal every value with the current key that is sealed with another one.

    Returns:
        The values that no key opens, such as ``webhooks[wh_1].headers``; they are left as they are.

    Raises:
        StoreUnavailableError: the database does not answer; what is done stays done.
    """
    damaged: list[str] = []
    for sealed in SEALED:
        # A value that somebody changed meanwhile is found by the next walk.
        while True:
            resealed, unreadable = _walk(store, vault, sealed, progress)
            if not resealed:
                damaged += unreadable
                break
    return damaged


def _walk(store: Store, vault: Vault, sealed: SealedColumn, progress: Progress) -> tuple[int, list[str]]:
    """Once over a table: how many values were sealed again, and which could not be opened."""
    done = 0
    damaged: list[str] = []
    after: object = None
    while rows := _next_rows(store, vault, sealed, after):
        after = rows[-1]["key"]
        fresh = []
        for row in rows:
            try:
                fresh.append({"at": row["key"], "was": row["envelope"], "becomes": _resealed(vault, sealed, row)})
            except SecretUnreadableError:
                damaged.append(f"{sealed.table.name}[{row['owner']}].{sealed.field}")
        _rewrite(store, sealed, fresh)
        done += len(fresh)
        progress(len(fresh))
    return done, damaged


def _next_rows(store: Store, vault: Vault, sealed: SealedColumn, after: object) -> Sequence[RowMapping]:
    table = sealed.table
    key = table.c[sealed.key]
    wanted = [_not_sealed_with(sealed, vault.current), *([] if after is None else [key > after])]
    owner = table.c[sealed.owner].label("owner")
    columns = (key.label("key"), owner, table.c.organization_id, sealed.column.label("envelope"))
    with store.read() as connection:
        return connection.execute(select(*columns).where(*wanted).order_by(key).limit(STEP)).mappings().all()


def _rewrite(store: Store, sealed: SealedColumn, fresh: Sequence[dict[str, object]]) -> None:
    """Replace envelopes that are still the ones that were read."""
    unchanged = and_(sealed.table.c[sealed.key] == bindparam("at"), sealed.column == bindparam("was"))
    statement = update(sealed.table).where(unchanged).values({sealed.name: bindparam("becomes")})
    if fresh:
        with store.write() as connection:
            connection.execute(statement, list(fresh))


def _resealed(vault: Vault, sealed: SealedColumn, row: RowMapping) -> bytes:
    # A key of the whole platform belongs to no organization.
    organization, webhook = row["organization_id"] or "", row["owner"]
    plain = vault.open(row["envelope"], organization=organization, webhook=webhook, field=sealed.field)
    return vault.seal(plain, organization=organization, webhook=webhook, field=sealed.field)


def _not_sealed_with(sealed: SealedColumn, key_id: str) -> ColumnElement[bool]:
    head = envelope_head(key_id)
    return and_(sealed.column.is_not(None), func.substr(sealed.column, 1, len(head), type_=LargeBinary()) != head)
