"""The master keys of the vault: how they are written down, where they come from, how a new installation gets one.

Written form: ``id:base64`` items, separated by commas or line ends. The first seals, the others only open.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import logging
import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from app.core.errors import ConfigurationError
from app.core.ids import RandomBytes

log = logging.getLogger(__name__)

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


def new_master_key(random_bytes: RandomBytes) -> str:
    """A fresh ``id:base64`` item."""
    return f"k{random_bytes(4).hex()}:{base64.b64encode(random_bytes(KEY_BYTES)).decode()}"


class KeyFile:
    """``<instance>/secret.key``: read at the start, and again when it was changed.

    Args:
        instance: the folder it lies in.
        random_bytes: for the first key of a new installation.
    """

    def __init__(self, instance: Path, random_bytes: RandomBytes) -> None:
        self.path = instance / KEY_FILE
        self._random_bytes = random_bytes
        self._seen: _Version | None = None

    def read(self) -> MasterKeys:
        """The keys; a new installation gets one key, readable by its owner only.

        Safe when several processes start at the same moment: the file appears whole or not at all, and the first wins.

        Raises:
            ConfigurationError: the file is unreadable, or other users may read it.
        """
        if not self.path.exists():
            _create(self.path, new_master_key(self._random_bytes))
        self._seen = _version_of(self.path)
        return self._parsed()

    def newer(self) -> MasterKeys | None:
        """The keys, if the file is another than when it was read last. One that is damaged changes nothing."""
        version = _version_of(self.path)
        if version is None or version == self._seen:
            return None
        self._seen = version
        try:
            return self._parsed()
        except ConfigurationError as error:
            log.warning("the changed key file is not used, the keys read before stay", extra={"why": str(error)})
            return None

    def put_first(self, item: str) -> None:
        """Put a key before the others: it seals from now on, also in processes that run.

        The file is replaced whole: whoever reads it meanwhile sees the old one or the new one.

        Raises:
            ConfigurationError: the file as it is cannot be read.
        """
        self._parsed()
        with _private_file(self.path, f"{item}\n{self.path.read_text(encoding='ascii')}") as temporary:
            temporary.replace(self.path)

    def _parsed(self) -> MasterKeys:
        path = self.path
        try:
            mode = path.stat().st_mode
            text = path.read_text(encoding="ascii")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"{path} cannot be read ({type(error).__name__})") from error
        if os.name == "posix" and mode & 0o077:
            raise ConfigurationError(f"{path} can be read by other users; run: chmod 600 {path}")
        return parse_master_keys(text)


_Version = tuple[int, int, int]
"""Inode, size and time of change of a file."""


def _version_of(path: Path) -> _Version | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def _create(path: Path, item: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # Another process may be first; its key counts.
    with _private_file(path, f"{item}\n") as temporary, contextlib.suppress(FileExistsError):
        path.hardlink_to(temporary)


@contextmanager
def _private_file(beside: Path, text: str) -> Iterator[Path]:
    """A file of this user's, complete and on the disk, in the same folder; gone afterwards unless it was renamed."""
    descriptor, name = tempfile.mkstemp(dir=beside.parent, prefix=".secret-")  # mkstemp is O_EXCL and 0600
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)
