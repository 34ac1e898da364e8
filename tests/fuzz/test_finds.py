"""What the fuzzers ever found, and what they start from, replayed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz.targets import TARGETS

PLACE = Path(__file__).parent
INPUTS = sorted(path for folder in ("crashes", "seeds") for path in (PLACE / folder).glob("*/*"))


@pytest.mark.parametrize("path", INPUTS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_an_input_that_once_broke_a_parser_and_one_that_never_did_are_both_read(path: Path) -> None:
    TARGETS[path.parent.name](path.read_bytes())


def test_every_target_has_seeds() -> None:
    assert {path.name for path in (PLACE / "seeds").iterdir()} == set(TARGETS)
