"""Each promise has its proofs, each proof exists, and each protection can still be taken away to see it fail."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

from tests.security.mutation import Mutation
from tests.security.mutations import MUTATIONS
from tests.security.promises import PROMISES

ROOT = Path(__file__).parents[2]


@cache
def names_in(file: str) -> frozenset[str]:
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def exists(test: str) -> bool:
    file, _, name = test.partition("::")
    return (ROOT / file).is_file() and (not name or name in names_in(file))


def test_the_promises_are_s1_to_s30() -> None:
    assert list(PROMISES) == [f"S{number}" for number in range(1, 31)]


@pytest.mark.parametrize("name", PROMISES)
def test_a_promise_has_proofs_that_exist(name: str) -> None:
    promise = PROMISES[name]
    assert promise.says
    assert promise.proofs
    assert [proof for proof in promise.proofs if not exists(proof)] == []


@pytest.mark.parametrize("name", PROMISES)
def test_security_md_links_each_promise_to_its_proofs(name: str) -> None:
    lines = (ROOT / "SECURITY.md").read_text(encoding="utf-8").splitlines()
    (line,) = [line for line in lines if line.startswith(f"| {name} |")]
    assert PROMISES[name].says in line
    files = dict.fromkeys(proof.partition("::")[0] for proof in PROMISES[name].proofs)
    assert [file for file in files if f"]({file})" not in line] == []


@pytest.mark.parametrize("name", PROMISES)
def test_every_promise_has_a_protection_that_can_be_taken_away(name: str) -> None:
    assert any(mutation.promise == name for mutation in MUTATIONS)


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda one: f"{one.promise}: {one.name}")
def test_what_takes_a_protection_away_still_fits(mutation: Mutation) -> None:
    assert (ROOT / mutation.file).read_text(encoding="utf-8").count(mutation.old) == 1
    assert [test for test in mutation.tests if not exists(test)] == []
