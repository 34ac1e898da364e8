"""The cost of formatting: every sink is measured, and none is dearer than it may be."""

from __future__ import annotations

import orjson
import pytest
from click.testing import CliRunner

from app.cli import main
from app.sinks.manager import SinkManager
from bench import formats
from bench.formats import TARGET_US, FormatCost, as_lines, measure_formats


@pytest.fixture(scope="module")
def costs() -> list[FormatCost]:
    return measure_formats()


def test_every_sink_is_measured_alone_and_in_a_batch(costs: list[FormatCost]) -> None:
    assert {one.sink for one in costs} == set(SinkManager.loaded().names())
    assert all(one.alone_us > 0 and one.in_batch_us > 0 for one in costs)


def test_no_sink_takes_many_times_what_it_may(costs: list[FormatCost]) -> None:
    """The target itself is a matter of a quiet machine; here it is missed only by a sink that got much slower."""
    assert [one for one in costs if one.worst_us > 4 * TARGET_US] == []


def test_the_table_names_the_dearest() -> None:
    lines = as_lines([FormatCost("cheap", 1, 5.0, 4.0), FormatCost("dear", 2, 30.0, 151.0)])
    assert lines[-1] == "dearest: dear, 151 µs (target 150 µs: MISSED)"


def test_the_command_measures_formats_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats, "measure_formats", lambda: [FormatCost("one", 1, 5.0, 4.0)])
    result = CliRunner().invoke(main, ["bench", "--formats", "--json"])
    assert result.exit_code == 0
    assert orjson.loads(result.stdout) == [{"sink": "one", "example": 1, "alone_us": 5.0, "in_batch_us": 4.0}]
