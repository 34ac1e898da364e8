from __future__ import annotations

import xml.etree.ElementTree as ET

import orjson
import pytest

from bench.drain_figures import DRAMATIQ_DESIGN, FLOOR, NAIVE, drain_figures
from bench.figures import Figure
from bench.picture import as_svg
from bench.report import OURS, Row, Sample, as_document, as_table


def row(design: str, *rates: int, database: str = "sqlite") -> Row:
    return Row(database, design, tuple(Sample(rate, 1.0, {"workers": 10.0}) for rate in rates))


def rows(*ours: int) -> list[Row]:
    naive = [row(NAIVE["simple"], 300), row(NAIVE["fork"], 40)]
    return [row(OURS, *ours), row(FLOOR, 40_000), *naive]


def figure(*values: float, target: float | None = 10, is_ceiling: bool = False) -> Figure:
    return Figure("x", "sqlite", "a <figure>", "ms", values, target, is_ceiling=is_ceiling)


def test_the_median_of_the_runs_counts() -> None:
    assert row(OURS, 100, 900, 300).rate == 300
    assert figure(1, 9, 3).value == 3


@pytest.mark.parametrize(
    ("value", "target", "is_ceiling", "reached"),
    [(10, 10, False, True), (9, 10, False, False), (10, 10, True, True), (11, 10, True, False), (5, None, False, None)],
)
def test_a_target_is_a_least_or_a_most(value: float, target: float | None, is_ceiling: bool, reached: bool) -> None:  # noqa: FBT001 - a table
    assert figure(value, target=target, is_ceiling=is_ceiling).reached is reached


def test_the_drain_is_compared_with_each_design_of_its_rounds() -> None:
    found = {one.name: one for one in drain_figures(rows(12_000, 13_000, 12_500))}
    assert found["drain"].value == 12_500
    assert found["drain-best-naive"].value == pytest.approx(41.7, abs=0.1)
    assert found["drain-forking"].value == pytest.approx(312.5)
    assert found["drain-floor"].value == pytest.approx(31.25)
    assert [one.reached for one in found.values()] == [True, True, True, False]


def test_dramatiq_is_named_beside_the_designs_on_rq() -> None:
    found = {one.name: one for one in drain_figures([*rows(12_000), row(DRAMATIQ_DESIGN, 400)])}
    assert found["drain-dramatiq"].value == pytest.approx(30.0)
    assert found["drain-dramatiq"].reached
    assert found["drain-best-naive"].value == pytest.approx(40.0), "of RQ's designs, whatever Dramatiq does"


@pytest.mark.parametrize(("value", "verdict"), [(12, "yes"), (8, "NO")])
def test_the_table_says_whether_the_target_was_reached(value: float, verdict: str) -> None:
    table = as_table({"processors": 2}, [figure(value)], rows(12_000), {"sqlite": {"sign": 3.0}})
    assert f" {verdict} " in table
    assert "processors: 2" in table
    assert "sign" in table


def test_the_json_carries_every_run() -> None:
    document = as_document({}, [figure(3, 1, 2)], rows(6000, 6200, 6100), {"sqlite": {"sign": 3.0}})
    read = orjson.loads(orjson.dumps(document))
    assert (read["figures"][0]["value"], read["figures"][0]["runs"], read["figures"][0]["reached"]) == (
        2,
        [3, 1, 2],
        False,
    )
    assert [run["deliveries"] for run in read["drain"][0]["runs"]] == [6000, 6200, 6100]
    assert read["step_us_per_delivery"] == {"sqlite": {"sign": 3.0}}


def test_the_picture_draws_every_target_and_longer_is_better() -> None:
    figures = [figure(20), figure(5), figure(5, is_ceiling=True), figure(0, is_ceiling=True), figure(7, target=None)]
    drawn = ET.fromstring(as_svg({"load before": "<1"}, figures))  # noqa: S314 - our own text
    bars = [one for one in drawn.iter("{http://www.w3.org/2000/svg}rect") if one.get("height") == "16"]
    widths = [int(one.get("width", 0)) for one in bars]
    assert len(widths) == 4
    assert widths[0] == widths[2] > widths[1]
    assert widths[3] == max(widths)
