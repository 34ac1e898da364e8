"""``relaypoint keys rotate-master`` and ``new-master``: another master key, while everything runs."""

from __future__ import annotations

import fcntl
import secrets
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import click

from app.core.errors import ConfigurationError
from app.security.master_keys import KeyFile, new_master_key
from app.security.resealing import left_to_reseal, refuse_missing_keys, reseal
from app.security.vault import Vault, open_vault
from app.settings import Settings, load_settings
from app.store.engine import Store, open_store


@click.command("new-master")
def new_master() -> None:
    """Print a fresh item for RELAYPOINT_SECRET_KEYS. Nothing else is changed."""
    click.echo(new_master_key(secrets.token_bytes))


@click.command("rotate-master")
def rotate_master() -> None:
    """Seal every stored secret with a new master key, while the stack runs.

    With the key file, a new key is put first; processes that run read it when they need it. With
    RELAYPOINT_SECRET_KEYS, put the new item first yourself and restart every process, then run this. Killed half way,
    run it again: it goes on where it stopped.
    """
    settings = load_settings()
    with _alone(settings.instance), closing(open_store(settings.database_url, pool_size=2)) as store:
        vault = open_vault(settings.instance, settings.secret_keys)
        left = _left(store, vault)
        if not left:
            vault = _next_vault(settings)
            left = _left(store, vault)
        damaged = _reseal(store, vault, left)
    _report(settings, vault)
    if damaged:
        raise ConfigurationError(f"no key opens {', '.join(damaged)}; set them again")


def _left(store: Store, vault: Vault) -> int:
    """How many values wait for the current key.

    Raises:
        ConfigurationError: one of them needs a key that is not at hand.
    """
    with store.read() as connection:
        refuse_missing_keys(connection, vault)
        return left_to_reseal(connection, vault.current)


def _next_vault(settings: Settings) -> Vault:
    """The vault with a new current key, when everything is sealed with the present one."""
    if settings.secret_keys:
        raise ConfigurationError(
            "everything is sealed with the first key of RELAYPOINT_SECRET_KEYS already. Put a new one before it"
            " (relaypoint keys new-master prints one), restart every process, and run this again"
        )
    KeyFile(settings.instance, secrets.token_bytes).put_first(new_master_key(secrets.token_bytes))
    return open_vault(settings.instance, None)


def _reseal(store: Store, vault: Vault, left: int) -> list[str]:
    click.echo(f"sealing {left} values with master key {vault.current}", err=True)
    with click.progressbar(length=left, label="sealing", file=sys.stderr) as bar:
        return reseal(store, vault, bar.update)


def _report(settings: Settings, vault: Vault) -> None:
    """Say which keys have served."""
    click.echo(vault.current)
    served = [key_id for key_id in vault.key_ids if key_id != vault.current]
    if not served:
        return
    place = "RELAYPOINT_SECRET_KEYS" if settings.secret_keys else str(settings.instance / "secret.key")
    click.echo(
        f"Every stored secret is sealed with {vault.current}. {', '.join(served)} can be removed from {place};"
        " keep it with the backups made until now, which need it.",
        err=True,
    )


@contextmanager
def _alone(instance: Path) -> Iterator[None]:
    instance.mkdir(parents=True, exist_ok=True)
    with (instance / "rotate.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise ConfigurationError(f"another rotation already runs on {instance}") from error
        yield
