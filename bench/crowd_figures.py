"""Many receivers, many webhooks, long backlogs: what they cost the rate."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from sqlalchemy import func, select

from app.store.tables import attempts
from bench import stack
from bench.crowd import crowd
from bench.figures import Figure
from bench.processes import running
from bench.receiver import ADDRESSES, NGINX, address, free_port, wait_for_port
from bench.run import Bench, wait, working

SLOW_RECEIVERS = 1_000
SLOW_MS = 100
_SLOW_ADDRESSES = 250
_SLOW_DELIVERIES = 25_000
WEBHOOKS_PER_HOST = 50
_DELIVERIES = 40_000
BACKLOGS = (1_000, 100_000, 1_000_000)
BACKLOG_WEBHOOKS = 16
_SEEN_OF_BACKLOG = 60_000
CROWDS = (16, 1_000, 10_000)
_LEAST_SHARE = 80
"""Percent: the rate may fall by a fifth."""


def slow_receivers(bench: Bench, runs: int) -> list[Figure]:
    """A thousand receivers that take 100 ms each, one worker."""
    rates: list[float] = []
    for _ in range(runs):
        port = free_port()
        argv = [sys.executable, "-m", "bench.slow_receiver", str(port), str(SLOW_MS), str(_SLOW_ADDRESSES)]
        with running(argv, os.environ, Path(os.devnull)):
            wait_for_port(port, address(_SLOW_ADDRESSES - 1))
            places = [address(number % _SLOW_ADDRESSES) for number in range(SLOW_RECEIVERS)]
            urls = [f"http://{place}:{port}/{number}" for number, place in enumerate(places)]
            rates.append(_rate(bench, urls, _SLOW_DELIVERIES, workers=1))
    title = f"{SLOW_RECEIVERS:,} receivers that take {SLOW_MS} ms, 1 worker"
    return [Figure("slow-receivers", bench.server.name, title, "/s", tuple(rates), 5_000)]


def many_hosts(bench: Bench, runs: int) -> list[Figure]:
    """200 hosts with 50 webhooks each, beside as many webhooks on one host."""
    if bench.receiver.name != NGINX:
        return []
    shares: list[float] = []
    told = ""
    for _ in range(runs):
        one, many = (
            _rate(bench, [bench.receiver.at(number % hosts) for number in range(ADDRESSES * WEBHOOKS_PER_HOST)])
            for hosts in (1, ADDRESSES)
        )
        shares.append(100 * many / one)
        told = f"last run: {many:,.0f}/s to {ADDRESSES} hosts, {one:,.0f}/s to one"
    title = f"{ADDRESSES} hosts x {WEBHOOKS_PER_HOST} webhooks, share of one host's rate"
    return [Figure("many-hosts", bench.server.name, title, "%", tuple(shares), 60, remark=told)]


def webhook_scale(bench: Bench, runs: int) -> list[Figure]:
    """The same backlog for few and for many webhooks."""
    return [
        _scale(
            bench, runs, ("webhook-scale", "webhooks"), CROWDS, lambda size: _rate(bench, [bench.receiver.url] * size)
        )
    ]


def _scale(
    bench: Bench, runs: int, name: tuple[str, str], sizes: Sequence[int], rate: Callable[[int], float]
) -> Figure:
    """The rate at the largest size as a share of the best rate at a smaller one."""
    shares: list[float] = []
    told = ""
    for _ in range(runs):
        rates = [rate(size) for size in sizes]
        shares.append(100 * rates[-1] / max(rates[:-1]))
        told = "last run: " + ", ".join(f"{size:,}: {found:,.0f}/s" for size, found in zip(sizes, rates, strict=True))
    title = f"{name[1]} {sizes[0]:,} to {sizes[-1]:,}: last rate, share of the best before"
    return Figure(name[0], bench.server.name, title, "%", tuple(shares), _LEAST_SHARE, remark=told)


def _rate(bench: Bench, urls: Sequence[str], number: int = _DELIVERIES, workers: int = 2) -> float:
    with working(bench, lambda settings: crowd(settings, urls, number, everybody=False), workers) as ours:
        ours.ring()
        ended = wait(lambda: stack.nothing_is_open(ours.store))
        stack.check_ledger(ours.store, number)
        return number / (ended - stack.first_start(ours.store) / 1e6)


def backlog_scale(bench: Bench, runs: int) -> list[Figure]:
    """Short and long backlogs, and the memory that a worker needs for the longest."""
    peaks: list[float] = []
    scale = _scale(bench, runs, ("backlog-scale", "backlog"), BACKLOGS, lambda size: _backlog_rate(bench, size, peaks))
    title = f"memory of a worker with a backlog of {BACKLOGS[-1]:,}"
    memory = Figure("worker-rss", bench.server.name, title, "MB", (max(peaks),), 150, is_ceiling=True)
    return [scale, memory]


def _backlog_rate(bench: Bench, size: int, peaks: list[float]) -> float:
    """The rate over the first deliveries of a backlog; notes the workers' largest resident size."""
    events = size // BACKLOG_WEBHOOKS
    enough = min(_SEEN_OF_BACKLOG, events * BACKLOG_WEBHOOKS)
    made: list[int] = [0]

    def enough_made() -> bool:
        with ours.store.read() as connection:
            made.append(connection.execute(select(func.count()).select_from(attempts)).scalar_one())
        return made[-1] >= enough

    urls = [bench.receiver.url] * BACKLOG_WEBHOOKS
    with working(bench, lambda settings: crowd(settings, urls, events, everybody=True)) as ours:
        ours.ring()
        ended = wait(enough_made)
        peaks.append(max(_peak_mb(pid) for pid in ours.pids))
        return made[-1] / (ended - stack.first_start(ours.store) / 1e6)


def _peak_mb(pid: int) -> float:
    """The largest resident size that a process ever had; 0 where the kernel does not tell."""
    status = Path(f"/proc/{pid}/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:")), 0.0)
