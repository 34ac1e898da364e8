"""Every protection is taken away once, in a copy of the project: the tests that stand for it must fail, all of them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.security.mutation import Mutation
from tests.security.mutations import MUTATIONS

pytestmark = [pytest.mark.faults_full, pytest.mark.process]

ROOT = Path(__file__).parents[2]
LEFT_OUT = shutil.ignore_patterns(".*cache*", "__pycache__", ".venv", ".git", ".hypothesis", "instance")
PASSED, FAILED = 0, 1
"""What pytest says at its end; any other number means that it could not run the tests."""


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("mutated") / "project"
    shutil.copytree(ROOT, folder, ignore=LEFT_OUT)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def run(copy: Path, tests: Sequence[str]) -> tuple[int, str]:
    environ = os.environ | {"PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    words = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-k", "not postgres", *tests]
    done = subprocess.run(words, cwd=copy, env=environ, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout[-3000:] + done.stderr[-1000:]


@pytest.mark.timeout(1200)
def test_in_the_copy_everything_passes_as_it_is(copy: Path) -> None:
    code, said = run(copy, sorted({test for mutation in MUTATIONS for test in mutation.tests}))
    assert code == PASSED, said


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda one: f"{one.promise}: {one.name}")
def test_without_its_protection_a_promise_is_seen_to_be_broken(copy: Path, mutation: Mutation) -> None:
    file = copy / mutation.file
    whole = file.read_text(encoding="utf-8")
    assert whole.count(mutation.old) == 1
    file.write_text(whole.replace(mutation.old, mutation.new), encoding="utf-8")
    try:
        for test in mutation.tests:
            code, said = run(copy, [test])
            assert code == FAILED, f"{test}\n{said}"
    finally:
        file.write_text(whole, encoding="utf-8")
