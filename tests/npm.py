"""Packages of npm, for tests: installed into a folder that outlives the run, and asked through node."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import orjson
import pytest

_PATIENCE_S = 240


class Node:
    """Scripts that may ``require`` the installed packages."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def file(self, name: str) -> Path:
        """A file of an installed package, such as ``axe-core/axe.min.js``."""
        return self._folder / "node_modules" / name

    def ask(self, script: str, question: Any = None) -> Any:
        """Runs a script that finds the question as ``input`` and writes JSON to its output."""
        whole = f'const input = JSON.parse(require("fs").readFileSync(0, "utf8"));\n{script}'
        finished = subprocess.run(
            ("node", "-e", whole),
            cwd=self._folder,
            input=orjson.dumps(question),
            capture_output=True,
            timeout=60,
            check=False,
        )
        assert not finished.returncode, finished.stderr.decode()
        return orjson.loads(finished.stdout)

    def type_errors(self, source: str, folder: Path) -> list[str]:
        """What ``tsc`` finds wrong with some TypeScript that may import the installed packages' types."""
        (folder / "node_modules").symlink_to(self._folder / "node_modules")
        (folder / "checked.ts").write_text(source, encoding="utf-8")
        compiler = str(self._folder / "node_modules" / ".bin" / "tsc")
        finished = subprocess.run(
            (compiler, "--noEmit", "--strict", "--module", "nodenext", "--pretty", "false", "checked.ts"),
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        errors = [line for line in finished.stdout.splitlines() if line.startswith("checked.ts(")]
        assert bool(errors) == bool(finished.returncode), finished.stdout + finished.stderr
        return errors


def npm_cache(config: pytest.Config) -> Path:
    """Where installed packages outlive the run."""
    assert config.cache is not None
    return Path(config.cache.mkdir("npm"))


def node_with(cache: Path, *packages: str) -> Node:
    """Node with packages such as ``name@1.2.3``; without npm the tests fail under CI and are skipped elsewhere."""
    folder = cache / "-".join(name.replace("/", "_") for name in packages)
    if not (folder / "complete").exists():
        try:
            _install(folder, packages)
        except (OSError, subprocess.SubprocessError) as error:
            reason = f"npm cannot bring {' '.join(packages)}: {error}"
            if os.environ.get("CI"):
                pytest.fail(reason)
            pytest.skip(reason)
    return Node(folder)


def _install(folder: Path, packages: tuple[str, ...]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    command = ("npm", "install", "--prefix", str(folder), "--ignore-scripts", "--no-audit", "--no-fund", *packages)
    finished = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE_S, check=False)
    if finished.returncode:
        raise subprocess.SubprocessError(" ".join(finished.stderr.strip().splitlines()[-1:]))
    (folder / "complete").touch()
