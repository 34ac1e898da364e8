"""Programs that only Debian packages bring, for tests: unpacked into a folder, never installed.

A program that is on the machine already is used as it is. Else its packages and what they need are downloaded by apt
and unpacked side by side, so that two programs which Debian lets nobody install together can both run, and no service
is started. Without apt the tests that need them fail under CI, and are skipped with the reason elsewhere.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

_PATIENCE_S = 240
_BINARIES = ("usr/sbin", "usr/bin")


@dataclass(frozen=True)
class Unpacked:
    """A folder with unpacked packages; ``root`` is ``/`` for what is installed."""

    root: Path

    def program(self, name: str) -> Path:
        return next(found for place in _BINARIES if (found := self.root / place / name).exists())

    def folder(self, pattern: str) -> Path:
        """The only folder that a pattern such as ``usr/lib/*/rsyslog`` finds."""
        return next(self.root.glob(pattern))

    @property
    def environment(self) -> dict[str, str]:
        libraries = {str(found.parent) for found in self.root.glob("usr/lib/**/*.so*")} if self.root.name else set()
        libraries |= {str(found.parent) for found in self.root.glob("lib/**/*.so*")} if self.root.name else set()
        return {**os.environ, "LD_LIBRARY_PATH": ":".join(sorted(libraries))}


def unpacked(cache: Path, program: str, *packages: str) -> Unpacked:
    """The packages that bring a program, from the machine or from apt.

    Args:
        cache: a folder that outlives the test run.
        program: its file name.
        packages: what to unpack when it is missing.
    """
    if shutil.which(program, path="/usr/sbin:/usr/bin:/sbin:/bin"):
        return Unpacked(Path("/"))
    root = cache / "-".join(packages)
    if not (root / "complete").exists():
        try:
            _fetch(root, packages)
        except (OSError, subprocess.SubprocessError) as error:
            reason = f"{program} is missing and its Debian packages {' '.join(packages)} cannot be fetched: {error}"
            if os.environ.get("CI"):
                pytest.fail(reason)
            pytest.skip(reason)
    return Unpacked(root)


def _fetch(root: Path, packages: tuple[str, ...]) -> None:
    shutil.rmtree(root, ignore_errors=True)
    archives = root / "archives"
    (archives / "partial").mkdir(parents=True)
    download = (
        *("apt-get", "install", "--yes", "--quiet", "--no-install-recommends", "--download-only"),
        *("-o", f"Dir::Cache::archives={archives}", "-o", "Debug::NoLocking=1", "-o", "APT::Sandbox::User=root"),
        *packages,
    )
    if _run(*download, check=False):
        _run("apt-get", "update", "--quiet")
        _run(*download)
    for archive in sorted(archives.glob("*.deb")):
        _run("dpkg", "-x", str(archive), str(root))
    (root / "complete").touch()


def _run(*command: str, check: bool = True) -> int:
    finished = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE_S, check=False)
    if check and finished.returncode:
        words = (finished.stderr or finished.stdout).strip().splitlines()[-1:]
        raise subprocess.SubprocessError(f"{' '.join(command[:2])}: {' '.join(words)}")
    return finished.returncode
