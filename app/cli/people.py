"""What the commands that deal with people share: the use cases, and how a one-time link is written."""

from __future__ import annotations

import logging
import secrets
from contextlib import closing

import click

from app.core.clock import system_clock
from app.core.errors import StoreUnavailableError
from app.security.front_door import FrontDoor
from app.security.passwords import Passwords
from app.settings import Settings
from app.store.engine import Store, open_store
from app.store.schema_revision import schema_status

log = logging.getLogger(__name__)


def people_of(store: Store) -> FrontDoor:
    """The use cases of people over a store."""
    return FrontDoor(store, Passwords(), clock=system_clock, random_bytes=secrets.token_bytes)


def link_to(settings: Settings, page: str, token: str) -> str:
    """The address of a one-time link.

    Args:
        settings: under which address people come here.
        page: path of the page that takes it.
        token: of the link.
    """
    host = settings.local_host
    shown = f"[{host}]" if ":" in host else host
    return f"{settings.public_url or f'http://{shown}:{settings.port}'}{page}?link={token}"


def announce_setup(settings: Settings) -> None:
    """Print the link that makes the first person, when there is nobody yet. It is no log line: a log is kept."""
    with closing(open_store(settings.database_url, pool_size=1)) as store:
        try:
            if schema_status(store)[0] is None:
                return
            token = people_of(store).setup_link()
        except StoreUnavailableError:
            log.warning("the database is away; whether somebody can sign in will show at the next start")
            return
    if token is not None:
        click.echo("Nobody can sign in yet. Open this once, within a day, to become the owner:", err=True)
        click.echo(f"  {link_to(settings, '/setup', token)}", err=True)
