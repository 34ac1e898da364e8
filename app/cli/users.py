"""``relaypoint users``: people who sign in."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict

import click
import orjson

from app.cli.keys import OPERATOR, tell
from app.cli.people import link_to, people_of
from app.core.clock import system_clock, to_rfc3339
from app.routing.member_audit import member_added
from app.security.members import add_member
from app.security.person import parse_member_role
from app.security.users import UserRecord, create_user, find_user, folded_email, list_users, set_disabled
from app.settings import load_settings
from app.store.engine import Store, open_store
from app.store.migrate import migrate


@click.group()
def users() -> None:
    """Create people, list them, give them new passwords."""


@contextmanager
def _store() -> Iterator[Store]:
    with closing(open_store(load_settings().database_url)) as store:
        yield store


@users.command()
@click.option("--email", required=True, help="E-mail address, which is the name to sign in with.")
@click.option("--name", required=True, help="What the person is called.")
@click.option("--role", required=True, help="owner, editor or viewer.")
@click.option("--organization", help="Organization where the role counts.  [default: the whole platform]")
@click.option("--context", help="Context of that organization where the role counts.")
@click.option(
    "--password-stdin", is_flag=True, help="Read the password from stdin.  [default: print a link to set one]"
)
def create(
    email: str, name: str, role: str, organization: str | None, context: str | None, *, password_stdin: bool
) -> None:
    """Create a person with a role, and print a one-time link to set a password, alone, on stdout."""
    settings = load_settings()
    settings.instance.mkdir(parents=True, exist_ok=True)
    migrate(settings.database_url)  # the first person may be wanted before anything else has run
    known, now = parse_member_role(role), system_clock()
    with _store() as store:
        people = people_of(store)
        hashed = people.new_hash(email, _password_from_stdin()) if password_stdin else None
        with store.write() as connection:
            user = create_user(
                connection, email=email, name=name, password_hash=hashed, now=now, random_bytes=secrets.token_bytes
            )
            member = add_member(
                connection,
                email=user.email,
                role=known,
                organization_id=organization,
                context_id=context,
                user_id=user.id,
                now=now,
                random_bytes=secrets.token_bytes,
            )
            tell(connection, member_added(OPERATOR, member))
        click.echo(f"{user.id}, {known.value}", err=True)
        if hashed is None:
            click.echo(link_to(settings, "/password", people.password_link(user.email)))


@users.command("list")
@click.option("--json", "as_json", is_flag=True, help="JSON on stdout.")
def list_all(*, as_json: bool) -> None:
    """List people."""
    with _store() as store, store.read() as connection:
        found = list_users(connection)
    if as_json:
        click.echo(orjson.dumps([asdict(record) for record in found]).decode())
        return
    for record in found:
        click.echo(_line(record))


def _line(record: UserRecord) -> str:
    state = "never signed in" if record.signed_in_at is None else f"signed in {to_rfc3339(record.signed_in_at)}"
    if record.disabled_at is not None:
        state = f"disabled {to_rfc3339(record.disabled_at)}"
    return f"{record.id}  {record.email}  {state}  {record.name}"


@users.command()
@click.argument("email")
@click.option("--stdin", "from_stdin", is_flag=True, help="Read the password from stdin.  [default: print a link]")
def password(email: str, *, from_stdin: bool) -> None:
    """Give a person a new password: print a one-time link to set one. It ends every session of the person."""
    with _store() as store:
        people = people_of(store)
        if from_stdin:
            people.set_password(email, _password_from_stdin())
            click.echo(f"{email} has a new password", err=True)
        else:
            click.echo(link_to(load_settings(), "/password", people.password_link(email)))


@users.command()
@click.argument("email")
def disable(email: str) -> None:
    """Let a person in no longer, and end every session at once."""
    _set_disabled(email, system_clock())


@users.command()
@click.argument("email")
def enable(email: str) -> None:
    """Let a disabled person in again."""
    _set_disabled(email, None)


def _set_disabled(email: str, disabled_at: int | None) -> None:
    with _store() as store, store.write() as connection:
        user = find_user(connection, folded_email(email))
        if user is None:
            raise click.ClickException(f"there is no person with the e-mail address {email!r}")
        set_disabled(connection, user["id"], disabled_at)
    click.echo(f"{user['email']} is {'enabled' if disabled_at is None else 'disabled'}", err=True)


def _password_from_stdin() -> str:
    return sys.stdin.readline().rstrip("\r\n")
