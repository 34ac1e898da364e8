"""The doctor names hooks that failed, whichever process met it."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from app.cli.doctor import examine
from app.core.clock import system_clock
from app.routing.hook_faults import HookFaults
from app.settings import load_settings
from app.store import open_store
from app.store.migrate import migrate


def test_the_doctor_names_a_hook_that_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RELAYPOINT_INSTANCE", str(tmp_path))
    settings = load_settings()
    migrate(settings.database_url)
    with closing(open_store(settings.database_url)) as store:
        faults = HookFaults(system_clock, store)
        faults.note("acme-rules:mask", "relaypoint_mask", "ValueError")
        faults.write()
    (told,) = [one for one in examine() if one.part == "plugin-calls"]
    assert told.state == "warning"
    assert "plugin acme-rules:mask failed in relaypoint_mask: ValueError (1 times, last " in told.text
