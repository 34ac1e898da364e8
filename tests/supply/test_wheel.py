"""The wheel: the same bytes from the same files, wherever and whenever it is built."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
PARTS = ("app", "plugins", "bench", "pyproject.toml", "README.md", "LICENSE")
RELEASED = "1776566096"
"""``SOURCE_DATE_EPOCH``: the moment that files in archives get."""


def built(folder: Path, umask: int, modified_s: int) -> Path:
    """The wheel of a fresh copy of what goes into it, by an account with this umask."""
    source = folder / "source"
    source.mkdir(parents=True)
    for part in PARTS:
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, source / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / part, source / part)
    for path in source.rglob("*"):
        os.utime(path, (modified_s, modified_s))
    words = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    environ = os.environ | {"SOURCE_DATE_EPOCH": RELEASED}
    subprocess.run(words, cwd=source, env=environ, capture_output=True, check=True, umask=umask)
    (wheel,) = folder.glob("*.whl")
    return wheel


def test_two_builds_of_the_same_files_are_the_same_bytes(tmp_path: Path) -> None:
    wheels = [built(tmp_path / "one", 0o022, 1_600_000_000), built(tmp_path / "two", 0o077, 1_700_000_000)]
    assert len({hashlib.sha256(wheel.read_bytes()).hexdigest() for wheel in wheels}) == 1
    with zipfile.ZipFile(wheels[0]) as archive:
        names = archive.namelist()
    assert "app/console/static/vendor/htmx.min.js" in names
    assert not [name for name in names if name.startswith(("tests/", "instance/", ".")) or ".pyc" in name]
