"""`relaypoint keys rotate-master` as an operator runs it."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from app.cli import main
from app.core.clock import system_clock
from app.security.master_keys import parse_master_keys
from app.security.resealing import left_to_reseal
from app.settings import load_settings
from app.store.engine import Store, open_store
from tests.world import World

OLD, NEW = ("old:" + base64.b64encode(b"o" * 32).decode(), "new:" + base64.b64encode(b"n" * 32).decode())


def run(*words: str) -> Result:
    return CliRunner().invoke(main, words)


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RELAYPOINT_INSTANCE", str(tmp_path))
    for name in ("RELAYPOINT_DATABASE_URL", "RELAYPOINT_SECRET_KEYS"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def filled(instance: Path) -> Iterator[Store]:
    """Three webhooks, sealed with the key of the file."""
    assert run("db", "upgrade").exit_code == 0
    with closing(open_store(load_settings().database_url)) as store:
        world = World(store, system_clock, instance)
        for number in range(3):
            world.add_webhook(f"https://{number}.example/", headers={"x-key": "value"})
        yield store


def ids_in_file(instance: Path) -> list[str]:
    return list(parse_master_keys((instance / "secret.key").read_text()).keys)


def test_a_new_key_goes_first_and_seals_everything_and_the_old_one_is_named(instance: Path, filled: Store) -> None:
    (old,) = ids_in_file(instance)
    done = run("keys", "rotate-master")
    assert done.exit_code == 0, done.output
    new, kept = ids_in_file(instance)
    assert done.stdout == f"{new}\n"
    assert kept == old
    assert "sealing 9 values" in done.stderr
    assert f"{old} can be removed from" in done.stderr
    assert (instance / "secret.key").stat().st_mode & 0o777 == 0o600
    with filled.read() as connection:
        assert left_to_reseal(connection, new) == 0


def test_one_that_was_killed_goes_on_with_the_same_key(instance: Path, filled: Store) -> None:
    file = instance / "secret.key"
    file.write_text(f"{NEW}\n{file.read_text()}")
    assert run("keys", "rotate-master").stdout == "new\n"
    assert ids_in_file(instance)[0] == "new"


def test_with_the_setting_nothing_is_made_up_and_the_operator_is_told_what_to_do(
    instance: Path, filled: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    item = (instance / "secret.key").read_text().strip()
    monkeypatch.setenv("RELAYPOINT_SECRET_KEYS", item)
    refused = run("keys", "rotate-master")
    assert refused.exit_code == 1
    assert "keys new-master" in refused.stderr
    monkeypatch.setenv("RELAYPOINT_SECRET_KEYS", f"{run('keys', 'new-master').stdout.strip()},{item}")
    done = run("keys", "rotate-master")
    assert done.exit_code == 0
    assert "can be removed from RELAYPOINT_SECRET_KEYS" in done.stderr
    assert (instance / "secret.key").read_text().strip() == item


def test_without_a_needed_key_nothing_begins(instance: Path, filled: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    (needed,) = ids_in_file(instance)
    monkeypatch.setenv("RELAYPOINT_SECRET_KEYS", f"{NEW},{OLD}")
    refused = run("keys", "rotate-master")
    assert refused.exit_code == 1
    assert needed in refused.stderr
    assert NEW.partition(":")[2] not in refused.output


def test_two_at_once_are_one_too_many(instance: Path, filled: Store) -> None:
    import fcntl  # noqa: PLC0415 - only here

    with (instance / "rotate.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert "already runs" in run("keys", "rotate-master").stderr
