"""A short run of each fuzzer. Ten minutes of each: ``make test-faults``."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.targets import TARGETS

ROOT = Path(__file__).parents[2]
SMOKE_S = 24
"""All run at once on two cores: about ten seconds of processor time for each."""
FULL_S = 600


def fuzz(target: str, seconds: int, corpus: Path) -> subprocess.Popen[str]:
    words = [
        sys.executable,
        "-m",
        "tests.fuzz.run",
        target,
        f"--seconds={seconds}",
        f"--corpus={corpus / target}",
        "--seed=1",
    ]
    return subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def test_no_parser_breaks_in_a_short_run_of_each_fuzzer(tmp_path: Path) -> None:
    running = {target: fuzz(target, SMOKE_S, tmp_path) for target in TARGETS}
    said = {target: process.communicate()[0] for target, process in running.items()}
    assert {target: process.returncode for target, process in running.items()} == dict.fromkeys(TARGETS, 0), said


@pytest.mark.faults_full
@pytest.mark.timeout(FULL_S + 120)
@pytest.mark.parametrize("target", TARGETS)
def test_no_parser_breaks_in_ten_minutes(target: str, tmp_path: Path) -> None:
    process = fuzz(target, FULL_S, tmp_path)
    said, _ = process.communicate()
    assert process.returncode == 0, said
