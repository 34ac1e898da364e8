"""`relaypoint audit` as an operator runs it."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner, Result
from sqlalchemy import delete, insert, update

from app.cli import main
from app.settings import load_settings
from app.store.engine import open_store
from app.store.tables import events, organizations
from app.store.tables_audit import audit_records


def run(*words: str) -> Result:
    return CliRunner().invoke(main, words)


def change(*statements: object) -> None:
    with closing(open_store(load_settings().database_url)) as store, store.write() as connection:
        for statement in statements:
            connection.execute(statement)  # type: ignore[call-overload]


@pytest.fixture(autouse=True)
def _chains(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two organizations with two keys each, and one without."""
    monkeypatch.setenv("RELAYPOINT_INSTANCE", str(tmp_path))
    monkeypatch.delenv("RELAYPOINT_DATABASE_URL", raising=False)
    run("db", "upgrade")
    change(*(insert(organizations).values(id=one, name=one, created_at=1) for one in ("acme", "beta", "quiet")))
    for place in ("acme", "beta"):
        for name in ("one", "two"):
            assert run("keys", "create", "--name", name, "--role", "read", "--organization", place).exit_code == 0


def test_a_whole_chain_is_said_to_be_whole() -> None:
    done = run("audit", "verify")
    assert done.exit_code == 0
    assert done.stdout == "4 records of 3 organizations: every one is as it was written\n"


def test_the_first_broken_record_of_each_organization_is_named() -> None:
    change(
        update(events).where(events.c.organization_id == "acme").values(body=b"{}"),
        delete(audit_records).where(audit_records.c.organization_id == "beta", audit_records.c.number == 2),
    )
    done = run("audit", "verify")
    assert done.exit_code == 1
    first, second = done.stdout.splitlines()
    assert first.startswith("acme: record 1 has another event")
    assert second == "beta: record 2 is missing, and all behind it"
    told = orjson.loads(run("audit", "verify", "--organization", "beta", "--json").stdout)
    assert told["broken"] == [{"organization": "beta", "record": 2, "problem": "is missing, and all behind it"}]


def test_heads_that_were_written_down_are_compared_with(tmp_path: Path) -> None:
    heads = tmp_path / "heads"
    heads.write_text(run("audit", "heads").stdout)
    assert [line.split()[:2] for line in heads.read_text().splitlines()] == [["acme", "2"], ["beta", "2"]]
    assert run("audit", "verify", "--anchors", str(heads)).exit_code == 0
    heads.write_text("acme 9 " + "0" * 64)
    done = run("audit", "verify", "--anchors", str(heads))
    assert done.exit_code == 1
    assert done.stdout == "acme: record 9 was written down and is missing\n"


@pytest.mark.parametrize("line", ["acme", "acme x " + "0" * 64, "acme 1 zz", "acme 1 00"])
def test_a_line_that_is_no_head_is_named(tmp_path: Path, line: str) -> None:
    heads = tmp_path / "heads"
    heads.write_text(line)
    done = run("audit", "verify", "--anchors", str(heads))
    assert done.exit_code == 1
    assert "line 1" in done.stderr


def test_an_organization_that_does_not_exist_is_not_called_whole() -> None:
    done = run("audit", "verify", "--organization", "gone")
    assert done.exit_code == 1
    assert "gone" in done.stderr
