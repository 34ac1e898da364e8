"""The master keys of the vault: how they are written down, where they come from, how a new installation gets one.

Written form: ``id:base64`` items, separated by commas or line ends. The first seals, the others only open.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from app.core.errors import ConfigurationError
from app.core.ids import RandomBytes

KEY_BYTES = 32
"""AES-256."""
KEY_FILE = "secret.key"
_KEY_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")


@dataclass(frozen=True, slots=True)
class MasterKeys:
    """Master keys by id, and the id of the one that seals."""

    current: str
    keys: Mapping[str, bytes] = field(repr=False)


def parse_master_keys(text: str) -> MasterKeys:
    """Read ``id:base64,id:base64``.

    Raises:
        ConfigurationError: an item has the wrong form; the message never holds key material.
    """
    items = [item.strip() for item in re.split(r"[,\n]", text) if item.strip()]
    if not items:
        raise ConfigurationError("no master key: write at least one id:base64 item")
    keys: dict[str, bytes] = {}
    for position, item in enumerate(items, start=1):
        key_id, separator, encoded = item.partition(":")
        if not separator or not _KEY_ID.fullmatch(key_id):
            raise ConfigurationError(f"master key number {position} is not of the form id:base64 (id: a-z 0-9 _ -)")
        if key_id in keys:
            raise ConfigurationError(f"master key id {key_id!r} appears twice")
        keys[key_id] = _decode(key_id, encoded)
    return MasterKeys(current=next(iter(keys)), keys=MappingProxyType(keys))


def _decode(key_id: str, encoded: str) -> bytes:
    try:
        key = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise ConfigurationError(f"master key {key_id!r} is not valid base64") from None
    if len(key) != KEY_BYTES:
        raise ConfigurationError(f"master key {key_id!r} has {len(key)} bytes; it must have {KEY_BYTES}")
    return key


def read_or_create_master_keys(instance: Path, random_bytes: RandomBytes) -> MasterKeys:
    """The keys in ``<instance>/secret.key``; a new installation gets one key, readable by its owner only.

    Safe when several processes start at the same moment: the file appears whole or not at all, and the first wins.

    Raises:
        ConfigurationError: the file is unreadable, or other users may read it.
    """
    path = instance / KEY_FILE
    if not path.exists():
        _create(path, random_bytes)
    try:
        mode = path.stat().st_mode
        text = path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} cannot be read ({type(error).__name__})") from error
    if os.name == "posix" and mode & 0o077:
        raise ConfigurationError(f"{path} can be read by other users; run: chmod 600 {path}")
    return parse_master_keys(text)


def _create(path: Path, random_bytes: RandomBytes) -> None:
    key_id = f"k{random_bytes(4).hex()}"
    line = f"{key_id}:{base64.b64encode(random_bytes(KEY_BYTES)).decode()}\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".secret-")  # mkstemp is O_EXCL and 0600
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
        Path(path).hardlink_to(temporary)
    except FileExistsError:
        return  # another process was first; its key counts
    finally:
        Path(temporary).unlink(missing_ok=True)
