from __future__ import annotations

from collections.abc import Iterator

import pytest

from bench import crowd_figures, ingest_figures, latency_figures
from bench.databases import sqlite_server
from bench.loader import post_all
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
@pytest.mark.parametrize("kind", ["simple", "fork", "dramatiq"])
def test_a_naive_design_delivers_too(bench: Bench, kind: str) -> None:
    assert run_naive(bench, kind, 10).rate > 0


@pytest.mark.process
def test_ingest_and_latency_are_measured_through_the_real_web_process(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest_figures, "_SINGLES", 100)
    monkeypatch.setattr(ingest_figures, "_BATCHES", 4)
    monkeypatch.setattr(latency_figures, "_EVENTS", 20)
    measured = [*ingest_figures.ingest(bench, 1), *latency_figures.latency(bench, 1)]
    assert [figure.name for figure in measured] == [
        "ingest-single",
        "ingest-single-p99",
        "ingest-batch",
        "latency-p50",
        "latency-p99",
    ]
    assert all(figure.value > 0 for figure in measured)


@pytest.mark.process
def test_a_crowd_of_webhooks_with_slow_receivers_is_served(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crowd_figures, "SLOW_RECEIVERS", 30)
    monkeypatch.setattr(crowd_figures, "_SLOW_DELIVERIES", 60)
    slow = crowd_figures.slow_receivers(bench, 1)
    assert slow[0].value > 0


def test_the_loader_posts_every_body_once(bench: Bench) -> None:
    posted = post_all(bench.receiver.url, [b"x" * 100] * 50, headers=["x-a: b"], connections=7)
    assert (dict(posted.statuses), len(posted.waits_s)) == ({200: 50}, 50)
    assert 0 < posted.wait_ms(0.5) <= posted.wait_ms(1)


def test_the_loader_counts_what_was_not_answered() -> None:
    posted = post_all("http://127.0.0.1:9/", [b"x"] * 3, headers=[], connections=2)
    assert dict(posted.statuses) == {0: 3}
