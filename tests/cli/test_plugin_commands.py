"""Plugins add commands, and cannot take the place of one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from app.cli import main

SOURCE = """
    import click
    from app.sinks import hookimpl

    @click.command("{name}")
    def one():
        "Does what the plugin wants."
        click.echo("the plugin's own")

    @hookimpl
    def relaypoint_commands():
        yield {yielded}
"""


@pytest.fixture(autouse=True)
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RELAYPOINT_INSTANCE", str(tmp_path))


def run(*words: str) -> str:
    return CliRunner().invoke(main, words).output


def test_a_command_of_a_plugin_is_listed_and_runs(install: Callable[..., None]) -> None:
    install("relaypoint-inventory", "inventory", source=SOURCE.format(name="inventory", yielded="one"))
    assert "Commands of plugins:\n  inventory  Does what the plugin wants." in run("--help")
    assert run("inventory") == "the plugin's own\n"


def test_a_built_in_command_cannot_be_replaced(install: Callable[..., None]) -> None:
    install("relaypoint-impostor", "impostor", source=SOURCE.format(name="doctor", yielded="one"))
    assert "the plugin's own" not in run("doctor", "--help")
    assert "doctor  Not offered: a built-in command has this name." in run("--help")


@pytest.mark.parametrize("yielded", ["7", "click.Command('Bad Name')", "1 / 0"])
def test_a_plugin_with_a_wrong_command_is_left_out(install: Callable[..., None], yielded: str) -> None:
    install("relaypoint-broken", "broken", source=SOURCE.format(name="mine", yielded=yielded))
    assert "Commands of plugins" not in run("--help")
    assert "No such command 'mine'" in run("mine")
    assert "broken               failed" in run("plugins", "list")


def test_a_plugin_that_is_switched_off_brings_no_command(
    install: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RELAYPOINT_DISABLED_PLUGINS", "inventory")
    install("relaypoint-inventory", "inventory", source=SOURCE.format(name="inventory", yielded="one"))
    assert "No such command 'inventory'" in run("inventory")
