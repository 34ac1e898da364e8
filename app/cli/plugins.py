"""``relaypoint plugins``: what is installed, whether it keeps its promises, and the start of a new one."""

from __future__ import annotations

from dataclasses import asdict

import click
import orjson

from app.cli.plugins_check import check
from app.cli.plugins_new import new
from app.ops.fingerprint import fingerprint
from app.settings import load_settings
from app.sinks.manager import LoadedPlugin, SinkManager


@click.group()
def plugins() -> None:
    """List, check and begin plugins."""


@plugins.command("list")
@click.option("--json", "as_json", is_flag=True, help="JSON on stdout.")
def list_all(*, as_json: bool) -> None:
    """List plugins that work, that failed and that are switched off."""
    settings = load_settings()
    manager = SinkManager.loaded(disabled=settings.disabled_plugins, enabled=settings.enabled_plugins or None)
    if as_json:
        document = {
            "plugins": [asdict(plugin) | fingerprint(plugin.distribution).document for plugin in manager.plugins()],
            "failed": [asdict(plugin) for plugin in manager.failed_plugins],
            "blocked": list(manager.blocked_plugins),
        }
        click.echo(orjson.dumps(document).decode())
        return
    for plugin in manager.plugins():
        brings = plugin.title if plugin.sinks or plugin.sources else ", ".join(plugin.hooks)
        click.echo(f"{plugin.name:<20} ok       {brings}  ({plugin.distribution} {plugin.version}{_installed(plugin)})")
    for failed in manager.failed_plugins:
        click.echo(f"{failed.name:<20} failed   {failed.error}  ({failed.distribution} {failed.version})")
    for name in manager.blocked_plugins:
        click.echo(f"{name:<20} off")


def _installed(plugin: LoadedPlugin) -> str:
    """What tells whether two machines have the same; "" for what comes with Relaypoint."""
    found = fingerprint(plugin.distribution)
    changed = f", {found.changed} files changed" if found.changed else ""
    return f", sha256 {found.short}{changed}" if found.sha256 else ""


plugins.add_command(check)
plugins.add_command(new)
