"""Nobody may reach what nobody may reach: every target on every path, with a watcher on a network of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import orjson
import pytest

from tests.delivery.targets.canary import own_network
from tests.delivery.targets.corpus import FORBIDDEN, SLIPPERY, generated
from tests.delivery.targets.run import SEED, SILENT
from tests.faults.servers import cannot

pytestmark = [pytest.mark.process, pytest.mark.timeout(400)]

ROOT = Path(__file__).parents[3]
GENERATED = 10_000
PATHS = {
    *("save", "test send", "instant and batch", "redelivery", "bulk redelivery", "backfill", "probe", "access token"),
    "acknowledgement",
}
STOPPED_AT_THE_DOOR = {"save"}
"""A path on which some URLs do not even reach the client."""


def walked(*wishes: str) -> dict[str, Any]:
    """The report of one run."""
    folder = Path(mkdtemp(prefix="rp-"))
    try:
        namespace = own_network(folder)
        if os.geteuid() or subprocess.run([*namespace, "true"], capture_output=True, check=False).returncode:
            cannot("a network namespace of one's own needs root, unshare and ip")
        words = [sys.executable, "-m", "tests.delivery.targets.run", str(folder), str(GENERATED), *wishes]
        run = subprocess.run([*namespace, *words], cwd=ROOT, capture_output=True, check=False)
        assert run.returncode == 0, run.stderr[-4000:].decode(errors="replace")
        report: dict[str, Any] = orjson.loads(run.stdout)
        return report
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def report() -> Iterator[dict[str, Any]]:
    return walked()


def test_the_corpus_is_large_and_has_no_target_twice() -> None:
    targets = [*FORBIDDEN, *SLIPPERY]
    assert len(targets) == len(set(targets)) >= 250
    assert len(set(generated(SEED, GENERATED))) > 0.99 * GENERATED


def test_the_watcher_sees_what_an_operator_allows(report: dict[str, Any]) -> None:
    assert report["control"]["dialled"] == 4
    assert len(report["control"]["forbidden"]) == 4
    assert report["connections"] >= 4


def check_walk(walk: dict[str, Any]) -> None:
    assert walk["forbidden"] == []
    assert set(walk["walks"]) == PATHS
    for name, one in walk["walks"].items():
        assert name in STOPPED_AT_THE_DOOR or one["missed"] == [], name
        assert set(one["taken"]) <= (set(SLIPPERY) if name == "save" else set()), name


def check_generated(found: dict[str, Any]) -> None:
    outcomes = found["outcomes"]
    assert found["forbidden"] == []
    assert sum(number for name, number in outcomes.items() if name != "looked") == GENERATED
    assert "answered" not in outcomes


def test_no_hand_made_target_is_dialled_on_any_path_though_it_passed_every_check_of_its_form(
    report: dict[str, Any],
) -> None:
    check_walk(report["unchecked"])
    assert report["unchecked"]["dialled"] > 0


def test_no_generated_target_is_dialled_though_it_passed_every_check_of_its_form(report: dict[str, Any]) -> None:
    check_generated(report["generated"])
    assert report["generated"]["outcomes"]["blocked"] > GENERATED / 2


def test_names_that_fail_are_told_apart_and_silent_ones_do_not_starve_the_others(report: dict[str, Any]) -> None:
    names = report["names"]
    assert names["kinds"] == dict.fromkeys(("nx.test", "fail.test", "silent.test"), "dns")
    assert names["silent"] == SILENT
    assert names["beside_s"] < names["silent_for_s"] / 2


@pytest.mark.faults_full
@pytest.mark.timeout(600)
def test_none_is_dialled_with_the_checks_in_place_either() -> None:
    report = walked("full")
    for name in ("checked", "unchecked"):
        check_walk(report[name])
    for name in ("generated, checked", "generated"):
        check_generated(report[name])
