"""Concurrent requests share commits; what one of them does wrong is nobody else's problem."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

import pytest

from app.core.errors import StoreUnavailableError
from app.ingest import group_commit
from app.ingest.group_commit import GroupCommit, Ticket


class Slow:
    """A commit that waits until it is let go, and remembers its groups."""

    def __init__(self, *, open_gate: bool = False) -> None:
        self.gate = threading.Event()
        if open_gate:
            self.gate.set()
        self.groups: list[list[int]] = []
        self.poison: set[int] = set()
        self.away = False

    def __call__(self, works: Sequence[int]) -> list[int]:
        self.groups.append(list(works))
        self.gate.wait(10)
        if self.away:
            raise StoreUnavailableError("away")
        if self.poison & set(works):
            raise ValueError("poison")
        return [work * 10 for work in works]


def run(commits: GroupCommit[int, int], works: Sequence[int]) -> tuple[dict[int, object], list[threading.Thread]]:
    """One thread per work, started in order; the results, by work, fill in as threads end."""
    results: dict[int, object] = {}

    def submit(work: int) -> None:
        try:
            results[work] = commits.submit(work)
        except Exception as error:  # noqa: BLE001 - the result of this thread
            results[work] = error

    threads = []
    for position, work in enumerate(works):
        threads.append(threading.Thread(target=submit, args=(work,)))
        threads[-1].start()
        # The first is being committed; the others are in line before anybody lets it go.
        wait_until(lambda position=position: len(commits._waiting) == position)
    return results, threads


def wait_until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 5
    while not true():
        assert time.monotonic() < end
        time.sleep(0.002)


def finish(threads: Sequence[threading.Thread]) -> None:
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()


def test_whoever_comes_during_a_commit_shares_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    commit = Slow()
    results, threads = run(GroupCommit(commit), range(6))
    commit.gate.set()
    finish(threads)
    assert commit.groups == [[0], [1, 2, 3, 4, 5]]
    assert results == {work: work * 10 for work in range(6)}


def test_a_group_has_a_limit_and_everybody_is_served(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group_commit, "GROUP_LIMIT", 2)
    commit = Slow()
    results, threads = run(GroupCommit(commit), range(8))
    commit.gate.set()
    finish(threads)
    assert commit.groups == [[0], [1, 2], [3, 4], [5, 6], [7]]
    assert results == {work: work * 10 for work in range(8)}


def test_a_poisoned_request_fails_alone() -> None:
    commit = Slow()
    commit.poison = {3}
    results, threads = run(GroupCommit(commit), range(6))
    commit.gate.set()
    finish(threads)
    assert isinstance(results.pop(3), ValueError)
    assert results == {work: work * 10 for work in (0, 1, 2, 4, 5)}


def test_a_database_that_is_away_fails_everybody_once() -> None:
    commit = Slow()
    commit.away = True
    results, threads = run(GroupCommit(commit), range(4))
    commit.gate.set()
    finish(threads)
    assert all(isinstance(result, StoreUnavailableError) for result in results.values())
    assert len(commit.groups) == 2, "nobody tries alone against a database that is away"


def test_after_a_failure_the_next_request_is_served() -> None:
    commit = Slow(open_gate=True)
    commits = GroupCommit(commit)
    commit.away = True
    with pytest.raises(StoreUnavailableError):
        commits.submit(1)
    commit.away = False
    assert commits.submit(2) == 20


def test_patience_ends_with_an_error_and_the_work_is_not_done_later() -> None:
    commit = Slow()
    commits = GroupCommit(commit, patience_s=0.2)
    results, threads = run(commits, [1, 2])
    wait_until(lambda: 2 in results)
    assert isinstance(results[2], StoreUnavailableError)
    commit.gate.set()
    finish(threads)
    assert results[1] == 10
    assert commit.groups == [[1]]
    assert commits.submit(3) == 30


def test_heavy_requests_share_less(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group_commit, "GROUP_WEIGHT", 10)
    commit = Slow()
    commits = GroupCommit[int, int](commit)
    first = threading.Thread(target=commits.submit, args=(0,))
    first.start()
    wait_until(lambda: commit.groups == [[0]])
    tickets = [Ticket[int, int](number, weight, lambda: None) for number, weight in enumerate((4, 6, 99, 1, 9), 1)]
    for ticket in tickets:
        commits.enqueue(ticket)
    commit.gate.set()
    first.join(10)
    wait_until(lambda: sum(map(len, commit.groups)) == 6)
    assert commit.groups == [[0], [1, 2], [3], [4, 5]]


def test_an_idle_thread_ends_and_the_next_request_starts_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group_commit, "_IDLE_S", 0.01)
    commits = GroupCommit[int, int](Slow(open_gate=True))
    assert commits.submit(1) == 10
    wait_until(lambda: commits._thread is None)
    assert commits.submit(2) == 20
