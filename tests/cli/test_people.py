"""``relaypoint users``, the link of the first start, and starts that are refused."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select

from app.cli import main
from app.cli.people import announce_setup
from app.cli.public_bind import is_loopback, refuse_open_bind
from app.core.clock import system_clock
from app.core.errors import ConfigurationError
from app.security.front_door import FrontDoor, WrongCredentialsError
from app.settings import Settings, load_settings
from app.store.engine import Store, open_store
from app.store.tables import events, organizations
from tests.people import PASSWORD, SOMEWHERE, front_door

ADA = ("users", "create", "--email", "Ada@Example.com", "--name", "Ada")
EMAIL = "ada@example.com"
KEY = "k1:" + "A" * 43 + "="


@pytest.fixture(autouse=True)
def _instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RELAYPOINT_INSTANCE", str(tmp_path / "instance"))
    monkeypatch.delenv("RELAYPOINT_DATABASE_URL", raising=False)


def run(*words: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(main, words, input=stdin)


@contextmanager
def installation() -> Iterator[tuple[Store, FrontDoor]]:
    with closing(open_store(load_settings().database_url)) as store:
        yield store, front_door(store, system_clock)


def token_of(link: str) -> str:
    return parse_qs(urlsplit(link.strip()).query)["link"][0]


def test_a_person_is_made_with_a_link_that_stands_alone_on_stdout() -> None:
    made = run(*ADA, "--role", "owner")
    assert made.exit_code == 0, made.output
    assert made.stdout.startswith("http://127.0.0.1:8080/password?link=")
    assert made.stdout.count("\n") == 1
    with installation() as (_, people):
        person = people.person(people.renew_password(token_of(made.stdout), PASSWORD, SOMEWHERE))
    assert person is not None
    assert person.principal_at(None) is not None
    assert orjson.loads(run("users", "list", "--json").stdout)[0]["email"] == EMAIL
    assert EMAIL in run("users", "list").stdout


def test_a_role_in_an_organization_is_an_event_of_its_audit() -> None:
    run("db", "upgrade")
    with installation() as (store, _):
        with store.write() as connection:
            connection.execute(organizations.insert().values(id="acme", name="Acme", created_at=1))
        assert run(*ADA, "--role", "viewer", "--organization", "acme").exit_code == 0
        with store.read() as connection:
            (told,) = [orjson.loads(body) for body in connection.execute(select(events.c.body)).scalars()]
    assert (told["action"], told["entity"]["type"], told["tags"]) == ("create", "member", ["administrators"])
    after = {"email": EMAIL, "role": "viewer", "context_id": None, "state": "active"}
    assert told["changes"][0]["after"] == after


def test_a_password_may_come_from_stdin_and_is_nowhere_shown() -> None:
    made = run(*ADA, "--role", "owner", "--password-stdin", stdin=f"{PASSWORD}\n")
    assert (made.exit_code, made.stdout) == (0, "")
    assert PASSWORD not in made.output
    with installation() as (_, people):
        session = people.sign_in(EMAIL, PASSWORD, SOMEWHERE)
        assert run("users", "password", EMAIL, "--stdin", stdin="another good password\n").exit_code == 0
        assert people.person(session) is None
        assert people.sign_in(EMAIL, "another good password", SOMEWHERE)
    assert run("users", "password", EMAIL, "--stdin", stdin="short\n").exit_code == 1
    link = run("users", "password", EMAIL).stdout
    with installation() as (_, people):
        assert people.renew_password(token_of(link), PASSWORD, SOMEWHERE)


def test_a_disabled_person_stays_outside_until_enabled_again() -> None:
    run(*ADA, "--role", "owner", "--password-stdin", stdin=f"{PASSWORD}\n")
    assert run("users", "disable", EMAIL).exit_code == 0
    assert "disabled" in run("users", "list").stdout
    with installation() as (_, people):
        with pytest.raises(WrongCredentialsError):
            people.sign_in(EMAIL, PASSWORD, SOMEWHERE)
        assert run("users", "enable", EMAIL).exit_code == 0
        assert people.sign_in(EMAIL, PASSWORD, SOMEWHERE)


def test_wrong_calls_make_nobody() -> None:
    assert run(*ADA, "--role", "king").exit_code == 1
    assert run(*ADA, "--role", "owner", "--organization", "gone").exit_code == 1
    assert run(*ADA, "--role", "owner", "--context", "c1").exit_code == 1
    assert run(*ADA, "--role", "owner", "--password-stdin", stdin="short\n").exit_code == 1
    assert run("users", "list").stdout == ""
    assert run(*ADA, "--role", "owner").exit_code == 0
    assert run(*ADA, "--role", "owner").exit_code == 1
    for words in (("password", "no@example.com"), ("disable", "no@example.com")):
        assert run("users", *words).exit_code == 1


def test_the_first_start_prints_a_link_until_somebody_used_one(capfd: pytest.CaptureFixture[str]) -> None:
    announce_setup(load_settings())
    assert capfd.readouterr().err == ""
    run("db", "upgrade")
    announce_setup(load_settings())
    link = capfd.readouterr().err.splitlines()[-1]
    assert link.startswith("  http://127.0.0.1:8080/setup?link=")
    with installation() as (_, people):
        people.set_up(token_of(link), email=EMAIL, name="Ada", password=PASSWORD, caller=SOMEWHERE)
    announce_setup(load_settings())
    assert capfd.readouterr().err == ""


def test_the_link_names_the_public_address(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RELAYPOINT_PUBLIC_URL", "https://relay.example")
    run("db", "upgrade")
    announce_setup(load_settings())
    assert "https://relay.example/setup?link=" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("localhost", True),
        ("LOCALHOST", True),
        ("0.0.0.0", False),  # noqa: S104 - judged, not bound to
        ("::", False),
        ("10.0.0.1", False),
        ("relay.example", False),
        ("", False),
    ],
)
def test_only_loopback_addresses_are_out_of_others_reach(host: str, local: bool) -> None:  # noqa: FBT001 - a table column
    assert is_loopback(host) is local


def test_others_are_let_in_only_over_https_and_with_a_chosen_key(tmp_path: Path) -> None:
    public = {"instance": tmp_path, "host": "0.0.0.0"}  # noqa: S104 - judged, not bound to
    with pytest.raises(ConfigurationError, match=r"PUBLIC_URL.* and RELAYPOINT_SECRET_KEYS"):
        refuse_open_bind(Settings(**public))  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="PUBLIC_URL"):
        refuse_open_bind(Settings(**public, public_url="http://relay.example", secret_keys=KEY))  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="SECRET_KEYS"):
        refuse_open_bind(Settings(**public, public_url="https://relay.example"))  # type: ignore[arg-type]
    refuse_open_bind(Settings(**public, public_url="https://relay.example", secret_keys=KEY))  # type: ignore[arg-type]
    (tmp_path / "secret.key").write_text(KEY)
    refuse_open_bind(Settings(**public, public_url="https://relay.example"))  # type: ignore[arg-type]
    refuse_open_bind(Settings(instance=tmp_path))


@pytest.mark.parametrize("command", ["up", "web"])
def test_a_start_that_is_open_to_others_is_refused_before_anything_else(command: str, tmp_path: Path) -> None:
    ended = run(command, "--host", "0.0.0.0")  # noqa: S104 - refused
    assert ended.exit_code == 1
    assert "RELAYPOINT_PUBLIC_URL" in ended.output
    assert not (tmp_path / "instance").exists()
