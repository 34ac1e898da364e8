"""Case 10: random kills by a seed, which stands for its choices; ``python -m tests.faults.rounds`` plays more."""

from __future__ import annotations

import random

import pytest

from tests.faults.conftest import Measure
from tests.faults.rounds import Round, choose, run

pytestmark = [pytest.mark.process, pytest.mark.redis, pytest.mark.timeout(900)]

FULL = pytest.mark.faults_full


@pytest.mark.parametrize(
    ("database", "rounds"),
    [
        pytest.param("sqlite", 10, id="sqlite"),
        pytest.param("sqlite", 100, marks=FULL, id="sqlite-100"),
        pytest.param("postgresql", 100, marks=[FULL, pytest.mark.postgres], id="postgresql-100"),
    ],
)
def test_case_10_random_kills_lose_nothing_and_every_copy_was_announced(
    measure: Measure, database: str, rounds: int
) -> None:
    score = run(7, rounds, database, say=lambda _words: None)
    assert score.rounds == rounds
    assert score.struck > rounds / 2
    assert score.duplicates <= score.possible
    measure(
        f"case 10, {rounds} rounds on {database}",
        struck=score.struck,
        duplicates=score.duplicates,
        possible=score.possible,
        longest_rest_s=score.longest_rest_s,
    )


def test_a_seed_stands_for_its_choices() -> None:
    def choices(seed: int) -> list[Round]:
        rng = random.Random(seed)  # noqa: S311 - a workload, not a secret
        return [choose(rng, number) for number in range(50)]

    assert choices(7) == choices(7) != choices(8)
