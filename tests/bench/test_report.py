from __future__ import annotations

import orjson
import pytest

from bench.report import OURS, Row, Sample, as_document, as_table, ratio_to_best_naive


def row(design: str, *rates: int, database: str = "sqlite") -> Row:
    return Row(database, design, tuple(Sample(rate, 1.0, {"workers": 10.0}) for rate in rates))


def test_the_median_of_the_runs_counts() -> None:
    assert row(OURS, 100, 900, 300).rate == 300


def test_the_ratio_is_to_the_better_naive_design() -> None:
    rows = [row(OURS, 6000), row("naive, slow", 40), row("naive, quick", 300)]
    assert ratio_to_best_naive(rows, "sqlite") == 20


def test_a_ratio_is_never_taken_across_databases() -> None:
    rows = [row(OURS, 6000), row("naive, quick", 300, database="postgres")]
    assert ratio_to_best_naive(rows, "sqlite") is None


@pytest.mark.parametrize(("rate", "verdict"), [(6000, "reached"), (5000, "MISSED")])
def test_the_table_says_whether_the_target_was_reached(rate: int, verdict: str) -> None:
    table = as_table({"processors": 2}, [row(OURS, rate), row("naive", 300)], {})
    assert verdict in table
    assert "processors: 2" in table


def test_the_json_carries_every_run() -> None:
    document = as_document({}, [row(OURS, 6000, 6200, 6100), row("naive", 300)], {"sqlite": {"sign": 3.0}})
    read = orjson.loads(orjson.dumps(document))
    assert read["ratios"]["sqlite"] == {"to_best_naive": 20.3, "target": 20.0}
    assert [run["deliveries"] for run in read["rows"][0]["runs"]] == [6000, 6200, 6100]
    assert read["step_us_per_delivery"] == {"sqlite": {"sign": 3.0}}
