"""``relaypoint plugins``: what is installed, whether it keeps its promises, and the start of a new one."""

from __future__ import annotations

from dataclasses import asdict

import click
import orjson

from app.cli.plugins_check import check
from app.cli.plugins_new import new
from app.settings import load_settings
from app.sinks.manager import SinkManager


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
            "plugins": [asdict(plugin) for plugin in manager.plugins()],
            "failed": [asdict(plugin) for plugin in manager.failed_plugins],
            "blocked": list(manager.blocked_plugins),
        }
        click.echo(orjson.dumps(document).decode())
        return
    for plugin in manager.plugins():
        brings = plugin.title if plugin.sinks or plugin.sources else ", ".join(plugin.hooks)
        click.echo(f"{plugin.name:<20} ok       {brings}  ({plugin.distribution} {plugin.version})")
    for failed in manager.failed_plugins:
        click.echo(f"{failed.name:<20} failed   {failed.error}  ({failed.distribution} {failed.version})")
    for name in manager.blocked_plugins:
        click.echo(f"{name:<20} off")


plugins.add_command(check)
plugins.add_command(new)
