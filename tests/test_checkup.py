"""The check-up: each part is opened once, what is open already is used, and a broken part hides no other."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import certifi
import pytest
from sqlalchemy import text

from app import checkup
from app.checkup import FAILED, OK, examine
from app.delivery.engine import load_sinks
from app.settings import Settings
from app.store import open_store

PARTS = ["configuration", "database", "secrets", "redis", "workers", "plugins", "plugin-calls", "egress"]


@pytest.fixture
def settings(tmp_path: Path, database_url: str) -> Settings:
    return Settings(instance=tmp_path, database_url=database_url)


def test_the_database_and_the_plugins_are_opened_once(settings: Settings) -> None:
    with (
        patch.object(checkup, "open_store", side_effect=open_store) as opened,
        patch.object(checkup, "load_sinks", side_effect=load_sinks) as loaded,
    ):
        found = list(examine(settings))
    assert [one.part for one in found] == PARTS
    assert (opened.call_count, loaded.call_count) == (1, 1)


def test_what_is_open_already_is_used_and_stays_open(settings: Settings) -> None:
    store, sinks = open_store(settings.database_url), load_sinks(settings)
    with patch.object(checkup, "open_store") as opened, patch.object(checkup, "load_sinks") as loaded:
        told = list(examine(settings, store=store, sinks=sinks))
    assert (opened.call_count, loaded.call_count) == (0, 0)
    assert store.engine.pool.checkedin() == 1, "a connection waits for its next use"  # type: ignore[attr-defined]
    store.close()
    assert told == list(examine(settings))


def test_a_schema_of_the_right_number_that_lacks_a_part_is_noticed(settings: Settings) -> None:
    with closing(open_store(settings.database_url)) as store, store.write() as connection:
        connection.execute(text("ALTER TABLE webhooks DROP COLUMN muted_contexts"))
        connection.execute(text("DROP TABLE counters"))
    found = {one.part: one for one in examine(settings)}["database"]
    assert (found.state, "lacks counters.name, counters.value, webhooks.muted_contexts" in found.text) == (FAILED, True)
    assert "db upgrade" not in found.advice, "it would change nothing"


def test_a_broken_part_hides_no_other(settings: Settings) -> None:
    found = {one.part: one for one in examine(replace(settings, database_url="sqlite:////nowhere/at/all.db"))}
    assert list(found) == PARTS
    assert {part for part, one in found.items() if one.state == FAILED} == {
        "database",
        "secrets",
        "workers",
        "plugin-calls",
    }
    assert found["plugins"].state == OK


def test_whom_requests_trust_is_said_by_name_or_by_file(settings: Settings, tmp_path: Path) -> None:
    found = {one.part: one for one in examine(settings)}["egress"]
    assert found.text.endswith(f"trusts certifi {certifi.__version__}")
    own = tmp_path / "authorities.pem"
    own.write_bytes(Path(certifi.where()).read_bytes())
    found = {one.part: one for one in examine(replace(settings, egress_ca_file=own))}["egress"]
    assert found.text.endswith(f"trusts {own}")
