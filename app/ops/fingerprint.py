"""Whether two machines have the same package installed: one SHA-256 over its files as they are.

What only tells how, where and by whom it was installed is left out, so the same wheel has the same number everywhere.
"""

from __future__ import annotations

import base64
import csv
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path, PurePosixPath

import orjson

_OF_THE_INSTALLER = {"RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json", "uv_build.json"}
"""Files of ``*.dist-info`` that the installer writes; the others come with the wheel."""
READ_AT_MOST = 64 * 1024 * 1024
"""Bytes of one package that are read. What is beyond counts as the installer recorded it."""
_SHORT = 12
_CHUNK = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What is installed of a package.

    Args:
        sha256: hexadecimal; "" where none can be told.
        changed: files that are not what the installer wrote, or not there.
        missing: why there is no number; "" where there is one.
    """

    sha256: str = ""
    changed: int = 0
    missing: str = ""

    @property
    def short(self) -> str:
        """As much of the number as fits where there is little room."""
        return self.sha256[:_SHORT]

    @property
    def document(self) -> dict[str, str | int | None]:
        """As the API and the command line tell it."""
        return {"sha256": self.sha256 or None, "changed_files": self.changed}


OWN = "relaypoint"
"""Our own distribution, whose version says all."""


@cache
def fingerprint(name: str) -> Fingerprint:
    """The fingerprint of the installed distribution of this name; made once in a process, when first asked for."""
    if name == OWN:
        return Fingerprint(missing="built in")
    try:
        found = distribution(name)
        if _is_editable(found):
            return Fingerprint(missing="installed for editing")
        recorded = _recorded(found)
        return _of_files(found, recorded) if recorded else Fingerprint(missing="its files are not recorded")
    except (PackageNotFoundError, ValueError, OSError, csv.Error):
        return Fingerprint(missing="its files cannot be read")


def _is_editable(found: Distribution) -> bool:
    """Whether it is a folder that somebody works on, of which nothing is recorded (PEP 610)."""
    text = found.read_text("direct_url.json")
    told = orjson.loads(text) if text else None
    folder = told.get("dir_info") if isinstance(told, dict) else None
    return isinstance(folder, dict) and bool(folder.get("editable"))


def _recorded(found: Distribution) -> dict[PurePosixPath, str]:
    """The files that come with the wheel, each with its digest; scripts stand elsewhere, and name their own folder."""
    told: dict[PurePosixPath, str] = {}
    for line in csv.reader((found.read_text("RECORD") or "").splitlines()):
        name, told_of_it, *_ = [*line, "", ""]
        path, (kind, _, digest) = PurePosixPath(name), told_of_it.partition("=")
        of_installer = path.parent.suffix == ".dist-info" and path.name in _OF_THE_INSTALLER
        is_inside = ".." not in path.parts and not path.is_absolute()
        if kind == "sha256" and is_inside and not of_installer and path.suffix != ".pyc":
            told[path] = base64.urlsafe_b64decode(digest + "=" * (-len(digest) % 4)).hex()
    return told


def _of_files(found: Distribution, recorded: Mapping[PurePosixPath, str]) -> Fingerprint:
    whole, changed, left = hashlib.sha256(), 0, READ_AT_MOST
    for path, digest in sorted(recorded.items()):
        present = digest
        if left > 0:
            present, size = _read(Path(str(found.locate_file(path))))
            left -= size
        changed += present != digest
        whole.update(f"{path}\n{present}\n".encode())
    return Fingerprint(whole.hexdigest(), changed)


def _read(path: Path) -> tuple[str, int]:
    """The digest and the size of what is there now; "" where there is nothing."""
    found, size = hashlib.sha256(), 0
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                found.update(chunk)
                size += len(chunk)
    except FileNotFoundError:
        return "", 0
    return found.hexdigest(), size
