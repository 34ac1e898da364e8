"""``relaypoint plugins check``: a table for people, JSON for scripts, and an exit code."""

from __future__ import annotations

import orjson
import pytest
from click.testing import CliRunner

from app.cli import main
from app.sinks.kit import CHECKS
from plugins.webhook import WebhookSink
from plugins.webhook.settings import WebhookBinding


def run(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["plugins", "check", *words])
    return result.exit_code, result.output


def test_a_sound_sink_passes_every_check() -> None:
    code, output = run("webhook")
    assert code == 0
    assert output.splitlines()[-1] == f"webhook: {len(CHECKS)} of {len(CHECKS)} promises kept"
    assert all(line.startswith("pass") for line in output.splitlines()[:-1])


def test_a_broken_promise_fails_and_says_which(monkeypatch: pytest.MonkeyPatch) -> None:
    def leak(self: WebhookSink, binding: WebhookBinding) -> dict[str, str]:
        secret = binding.secrets.oauth_client_secret
        return {"shown": secret.get_secret_value() if secret else ""}

    monkeypatch.setattr(WebhookSink, "describe", leak)
    code, output = run("webhook")
    assert code == 1
    assert "FAIL  masking" in output
    assert "repr or describe shows a secret" in output


def test_json_has_a_row_per_check() -> None:
    code, output = run("splunk_hec", "--json")
    rows = orjson.loads(output)
    assert code == 0
    assert [row["name"] for row in rows] == [check.name for check in CHECKS]
    assert all(row["passed"] and row["problem"] == "" and row["promise"] for row in rows)


def test_a_sink_that_is_not_there_is_named_beside_those_that_are() -> None:
    code, output = run("pigeon")
    assert code != 0
    assert "no sink 'pigeon'" in output
    assert "webhook" in output
