from __future__ import annotations

import importlib
from types import ModuleType

import pytest
from click.testing import CliRunner

from app.cli import main


def test_outside_a_checkout_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.import_module

    def without_bench(name: str, package: str | None = None) -> ModuleType:
        if name.startswith("bench"):
            raise ModuleNotFoundError(f"No module named {name!r}", name="bench")
        return real(name, package)

    monkeypatch.setattr(importlib, "import_module", without_bench)
    result = CliRunner().invoke(main, ["bench"])
    assert result.exit_code == 1
    assert "source checkout" in result.stderr


def test_an_unknown_figure_is_refused_and_the_known_ones_are_named() -> None:
    result = CliRunner().invoke(main, ["bench", "--only", "nothing"])
    assert result.exit_code == 2
    assert "many-hosts" in result.stderr
