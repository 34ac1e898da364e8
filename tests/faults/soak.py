"""A soak: a mixed load for minutes, random faults all the while, and an account at the end.

``make soak MINUTES=30``. Six webhooks: one in strict order, one in parallel and a batch as in the seeded rounds; a
healthy one; one whose receiver fails every fifth request; and one whose receiver takes a second for each. Ends with the
ledger and a picture of the latencies, and with exit code 1 when an event is lost, unaccounted for, or came again
unannounced.
"""

from __future__ import annotations

import random
import shutil
import socket
import statistics
import tempfile
import threading
import time
from bisect import bisect_right
from contextlib import closing
from pathlib import Path

import click
import orjson

from tests.faults.crash_points import LABELS, OF_TICK, OF_WEB, OF_WORKER
from tests.faults.receivers import BROKEN, OK, Receiver
from tests.faults.rounds import OTHER_FAULTS, RETRIES, Chapter
from tests.faults.servers import fresh_database

FAULT_EVERY_S = (4.0, 12.0)
POST_EVERY_S = 0.1
EVENTS_PER_POST = 2
REST_WITHIN_S = 300.0
"""A webhook in strict order may have a backlog."""
REPORT_EVERY_S = 60.0
AFTER_FAULT_S = 5.0
"""What was posted this soon after a fault is drawn apart."""
BOUNDS_MS = (5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 30_000)
BAR = 50


class Soak(Chapter):
    """A chapter with more webhooks, a source of its own thread, and the time of every post."""

    def __init__(self, folder: Path, database_url: str, seed: int) -> None:
        super().__init__(folder, database_url, seed)
        self.posted_at: dict[str, float] = {}
        self.faults_at: list[float] = []
        self._over = threading.Event()
        self._problem = ""
        self.healthy = Receiver()
        self._slow = Receiver(self._slowly)
        self._failing = Receiver(lambda connection, number: connection.sendall(OK if number % 5 else BROKEN))
        for receiver, concurrency in ((self.healthy, 50), (self._slow, 64), (self._failing, 20)):
            self.troupe.create_webhook(f"{receiver.url}/{{id}}", concurrency=concurrency, retry=RETRIES)
        self._source = threading.Thread(target=self._post, daemon=True)
        self._source.start()

    @staticmethod
    def _slowly(connection: socket.socket, _number: int) -> None:
        time.sleep(1.0)
        connection.sendall(OK)

    def _post(self) -> None:
        try:
            while not self._over.wait(POST_EVERY_S):
                now = time.time()
                self.posted_at |= {f"evt-{self.next + place}": now for place in range(EVENTS_PER_POST)}
                self.post_until_acknowledged(EVENTS_PER_POST)
        except AssertionError as error:
            self._problem = str(error)

    def fault(self, rng: random.Random) -> str:
        """One fault; answers which."""
        kinds = (OF_WORKER, OF_WEB, OF_TICK, LABELS[-1:], OTHER_FAULTS)
        chosen = rng.choice(rng.choices(kinds, weights=(55, 15, 5, 5, 20))[0])
        self.faults_at.append(time.time())
        if chosen in LABELS:
            self.troupe.points.arm(chosen, rng.randint(1, 4))
        else:
            self.hurt(chosen)
        return chosen

    def end_source(self) -> None:
        """No more events; says so when the source could not get rid of one."""
        self._over.set()
        self._source.join(90)
        self.troupe.points.disarm()
        assert not self._problem, self._problem

    def received(self) -> list[Receiver]:
        """Every receiver."""
        return [self.receiver, self.healthy, self._slow, self._failing]

    def latencies_ms(self) -> tuple[list[float], list[float]]:
        """Of the healthy webhook, from the first try of the post: in calm times, and soon after a fault."""
        first: dict[str, float] = {}
        for one in self.healthy.requests:
            first.setdefault(orjson.loads(one.body)["id"], one.at)
        calm: list[float] = []
        hurt: list[float] = []
        for event_id, arrived in first.items():
            posted = self.posted_at.get(event_id)
            if posted is None:
                continue  # our own: a webhook was created or changed
            place = bisect_right(self.faults_at, posted)
            soon = place > 0 and posted - self.faults_at[place - 1] < AFTER_FAULT_S
            (hurt if soon else calm).append(max(0.0, arrived - posted) * 1_000)
        return calm, hurt

    def close(self) -> None:
        """End everything."""
        super().close()
        for receiver in self.received()[1:]:
            receiver.close()


def picture(title: str, values_ms: list[float]) -> str:
    """A histogram in text, with the usual quantiles."""
    if len(values_ms) < 2:
        return f"{title}: nothing to show"
    counts = [0] * (len(BOUNDS_MS) + 1)
    for value in values_ms:
        counts[bisect_right(BOUNDS_MS, value)] += 1
    cuts = statistics.quantiles(values_ms, n=100)
    quantiles = ", ".join(f"p{part} {cuts[part - 1]:.0f} ms" for part in (50, 95, 99))
    lines = [f"{title}: {len(values_ms)} events, {quantiles}, longest {max(values_ms):.0f} ms"]
    names = [f"< {bound:,} ms" for bound in BOUNDS_MS] + [f">= {BOUNDS_MS[-1]:,} ms"]
    for name, number in zip(names, counts, strict=True):
        if number:
            lines.append(f"{name:>12} {number:>7} {'#' * max(1, round(BAR * number / len(values_ms)))}")
    return "\n".join(lines)


@click.command()
@click.option("--minutes", type=click.FloatRange(0.1, 24 * 60), default=30.0, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--database", type=click.Choice(["sqlite", "postgresql"]), default="sqlite", show_default=True)
def main(minutes: float, seed: int, database: str) -> None:
    """Mixed load and random faults; prints the ledger and the latencies."""
    rng = random.Random(seed)  # noqa: S311 - a workload, not a secret
    folder = Path(tempfile.mkdtemp(prefix="rp-"))
    with fresh_database(database) as url, closing(Soak(folder, url, seed)) as soak:
        end = time.monotonic() + 60 * minutes
        report_at = time.monotonic() + REPORT_EVERY_S
        while time.monotonic() < end:
            time.sleep(rng.uniform(*FAULT_EVERY_S))
            soak.fault(rng)
            if time.monotonic() >= report_at:
                report_at += REPORT_EVERY_S
                ledger = soak.troupe.ledger()
                assert ledger["balanced"], ledger
                click.echo(f"{len(soak.faults_at)} faults, {ledger['accepted']} events, {ledger['pending']} pending")
        soak.end_source()
        account, took_s = soak.rest(REST_WITHIN_S)
        click.echo(soak.troupe.run("ledger"))
        click.echo(f"{len(soak.faults_at)} faults, {len(soak.troupe.deaths)} deaths; at rest after {took_s:.1f} s")
        click.echo(f"{account}")
        calm, hurt = soak.latencies_ms()
        click.echo(picture("calm", calm))
        click.echo(picture(f"posted within {AFTER_FAULT_S:.0f} s after a fault", hurt))
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
