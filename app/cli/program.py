"""How this program starts itself again as a child."""

from __future__ import annotations

import sys


def own_command(*words: str) -> list[str]:
    """The command line of ``relaypoint <words>`` with the interpreter that runs now.

    ``-P`` keeps the current folder off the import path: a file there must not become one of our modules.
    """
    return [sys.executable, "-P", "-m", "app.cli", *words]


def own_module(module: str, *words: str) -> list[str]:
    """The command line of one of our modules that is no command."""
    return [sys.executable, "-P", "-m", module, *words]
