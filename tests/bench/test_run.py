from __future__ import annotations

from collections.abc import Iterator

import pytest

from bench.databases import sqlite_server
from bench.receiver import receiving
from bench.run import Bench, run_naive, run_ours


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with receiving(tmp_path_factory.mktemp("receiver")) as receiver, sqlite_server() as server:
        yield Bench(server, receiver)


@pytest.mark.process
def test_a_backlog_goes_through_the_real_workers_and_the_ledger_agrees(bench: Bench) -> None:
    sample = run_ours(bench, 200)
    assert sample.deliveries == 200
    assert sample.rate > 0


@pytest.mark.process
@pytest.mark.parametrize("kind", ["simple", "fork"])
def test_a_naive_design_delivers_too(bench: Bench, kind: str) -> None:
    assert run_naive(bench, kind, 10).rate > 0
