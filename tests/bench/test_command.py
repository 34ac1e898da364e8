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
