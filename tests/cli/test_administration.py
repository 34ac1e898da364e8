from __future__ import annotations

from contextlib import closing
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select

from app.cli import main
from app.settings import load_settings
from app.store.engine import open_store
from app.store.tables import events, organizations


@pytest.fixture(autouse=True)
def _instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RELAYPOINT_INSTANCE", str(tmp_path / "instance"))
    monkeypatch.delenv("RELAYPOINT_DATABASE_URL", raising=False)


def run(*words: str) -> Result:
    return CliRunner().invoke(main, words)


def test_a_first_key_needs_no_other_step_and_stands_alone_on_stdout() -> None:
    made = run("keys", "create", "--name", "first", "--role", "admin")
    assert made.exit_code == 0
    assert made.stdout.startswith("rp_")
    assert made.stdout.count("\n") == 1
    listed = run("keys", "list", "--json")
    [record] = orjson.loads(listed.stdout)
    assert made.stdout.strip() not in listed.stdout
    assert run("keys", "revoke", record["id"]).exit_code == 0
    assert "revoked" in run("keys", "list").stdout


def test_a_key_that_an_organization_gets_or_loses_is_an_event_of_its_own_audit() -> None:
    run("db", "upgrade")
    with closing(open_store(load_settings().database_url)) as store:
        with store.write() as connection:
            connection.execute(organizations.insert().values(id="acme", name="Acme", created_at=1))
        assert run("keys", "create", "--name", "terraform", "--role", "write", "--organization", "acme").exit_code == 0
        (record,) = orjson.loads(run("keys", "list", "--json").stdout)
        for _ in range(2):
            assert run("keys", "revoke", record["id"]).exit_code == 0
        with store.read() as connection:
            told = [orjson.loads(body) for body in connection.execute(select(events.c.body)).scalars()]
    assert [(one["action"], one["sensitivity"], one["tags"]) for one in told] == [
        ("create", 5, ["api_tokens"]),
        ("delete", 2, ["api_tokens"]),
    ]
    assert told[0]["changes"][0]["after"] == {
        "name": "terraform",
        "role": "write",
        "context_id": None,
        "expires_at": None,
    }
    assert told[0]["entity"]["id"] == record["id"]


def test_a_key_for_nothing_ends_with_1_and_a_wrong_call_with_2() -> None:
    assert run("keys", "create", "--name", "n", "--role", "king").exit_code == 1
    assert run("keys", "create", "--name", "n", "--role", "read", "--organization", "gone").exit_code == 1
    assert run("keys", "create").exit_code == 2


def test_the_schema_is_brought_up_to_date_and_told_so() -> None:
    assert run("db", "upgrade").exit_code == 0
    status = run("db", "status", "--json")
    assert orjson.loads(status.stdout)["current"] is True
    assert run("db", "status").exit_code == 0


def test_an_empty_ledger_balances() -> None:
    run("db", "upgrade")
    document = orjson.loads(run("ledger", "--json").stdout)
    assert (document["accepted"], document["balanced"]) == (0, True)
    assert "balanced" in run("ledger").stdout


def test_the_built_in_sinks_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    found = orjson.loads(run("plugins", "list", "--json").stdout)
    assert {one["name"] for one in found["plugins"]} >= {"webhook", "splunk_hec"}
    monkeypatch.setenv("RELAYPOINT_DISABLED_PLUGINS", "splunk_hec")
    assert "off" in run("plugins", "list").stdout


def test_the_doctor_names_each_part_and_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    run("keys", "create", "--name", "n", "--role", "read")
    findings = orjson.loads(run("doctor", "--json").stdout)
    parts = ["configuration", "database", "secrets", "redis", "workers", "plugins", "plugin-calls", "egress"]
    assert [one["part"] for one in findings] == parts
    assert {one["state"] for one in findings} == {"ok"}
    monkeypatch.setenv("RELAYPOINT_REDIS_URL", "redis://127.0.0.1:1/0")
    sick = run("doctor")
    assert sick.exit_code == 1
    assert "->" in sick.stdout


def test_the_doctor_lists_every_wrong_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RELAYPOINT_PORT", "eighty")
    monkeypatch.setenv("RELAYPOINT_TYPO", "1")
    findings = orjson.loads(run("doctor", "--json").stdout)
    assert [one["state"] for one in findings] == ["failed", "failed"]
