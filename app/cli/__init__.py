"""Doors: the ``relaypoint`` command.

Data goes to stdout, talk to stderr. Exit codes: 0 done, 1 it failed, 2 it was called wrongly.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

import click

from app.core.errors import RelaypointError

COMMANDS = {
    "up": "app.cli.up:up",
    "web": "app.cli.web:web",
    "worker": "app.cli.worker:worker",
    "tick": "app.cli.tick:tick",
    "db": "app.cli.db:db",
    "keys": "app.cli.keys:keys",
    "users": "app.cli.users:users",
    "plugins": "app.cli.plugins:plugins",
    "events": "app.cli.send:events",
    "demo": "app.cli.generate:demo",
    "receive": "app.cli.receive:receive",
    "ledger": "app.cli.ledger:ledger",
    "audit": "app.cli.audit:audit",
    "doctor": "app.cli.doctor:doctor",
    "sbom": "app.cli.sbom:sbom",
    "bench": "app.cli.bench:bench",
}
"""Command name to ``module:attribute``. A module is imported only when its command runs."""

SUMMARIES = {
    "up": "Run the whole stack on this machine.",
    "web": "Run the web process.",
    "worker": "Run workers that deliver.",
    "tick": "Ring what is due, free what was left behind.",
    "db": "Migrate the database or show its state.",
    "keys": "API keys, and the master key.",
    "users": "Create, list and disable people; new passwords.",
    "plugins": "List and check sinks.",
    "events": "Send events to a running instance.",
    "demo": "Generate sample events.",
    "receive": "Run a receiver that verifies and counts.",
    "ledger": "Reconcile what was accepted with what was delivered.",
    "audit": "Prove that the record of our own changes is whole.",
    "doctor": "Check this installation, one line per part.",
    "sbom": "List what this installation is made of.",
    "bench": "Measure deliveries per second.",
}
"""One line per command for ``relaypoint --help``, so that help imports nothing."""


_TAKEN = "Not offered: a built-in command has this name."


class LazyGroup(click.Group):
    """A command group that imports a command when it is called, and turns our errors into exit code 1."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The command names, in the order of the table, and those of plugins."""
        del ctx
        return [*COMMANDS, *(name for name in _of_plugins() if name not in COMMANDS)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Imports and answers one command, None if there is no such command. Plugins are asked last."""
        del ctx
        target = COMMANDS.get(cmd_name)
        if target is None:
            return _of_plugins().get(cmd_name)
        module, _, attribute = target.partition(":")
        command = getattr(import_module(module), attribute)
        if not isinstance(command, click.Command):
            raise TypeError(f"{target} is not a command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the command list from the table of summaries."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(SUMMARIES.items()))
        brought = [
            (name, _TAKEN if name in COMMANDS else command.get_short_help_str())
            for name, command in _of_plugins().items()
        ]
        if brought:
            with formatter.section("Commands of plugins"):
                formatter.write_dl(brought)

    def invoke(self, ctx: click.Context) -> Any:
        """Runs the command; an error of ours becomes a message on stderr and exit code 1."""
        try:
            return super().invoke(ctx)
        except RelaypointError as error:
            click.echo(f"Error: {error}", err=True)
            sys.exit(1)


def _of_plugins() -> dict[str, click.Command]:
    """The commands that plugins bring; none while the settings that choose the plugins are wrong."""
    if not _others_are_installed():
        return {}
    from app.settings import SettingsError, load_settings  # noqa: PLC0415 - only where there is a plugin to ask
    from app.sinks.manager import SinkManager  # noqa: PLC0415 - as above

    try:
        settings = load_settings()
    except SettingsError:
        return {}
    manager = SinkManager.loaded(
        disabled=settings.disabled_plugins, enabled=settings.enabled_plugins or None, built_in=False
    )
    return manager.commands()


def _others_are_installed() -> bool:
    """Whether there is a plugin that somebody else made; without one, help imports nothing."""
    try:
        return any(entry.dist is None or entry.dist.name != "relaypoint" for entry in entry_points(group="relaypoint"))
    except ValueError:  # some distribution's file is damaged; the loader finds out which
        return True


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="relaypoint", prog_name="relaypoint")
def main() -> None:
    """Relaypoint delivers configuration-audit events and proves what happened to every one."""
