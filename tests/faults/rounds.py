"""Seeded rounds of random kills at labelled points, under a random workload.

``python -m tests.faults.rounds --seed 7 --rounds 100 --database sqlite`` plays a run, and plays the same choices again
when it is given the same seed. Every round ends with a balanced ledger; every group of rounds ends at rest, with every
invariant asked. A violation writes an artefact and ends with exit code 1.
"""

from __future__ import annotations

import random
import shutil
import signal
import socket
import tempfile
import time
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import click
import orjson
import requests

from tests.faults.crash_points import LABELS, OF_BATCH, OF_TICK, OF_WEB, OF_WORKER
from tests.faults.invariants import Account, check
from tests.faults.receivers import BROKEN, OK, Receiver
from tests.faults.servers import fresh_database
from tests.faults.sources import sample_events
from tests.faults.troupe import LEASE_S, Troupe

GROUP = 10
"""Rounds between two rests."""
CHAPTER = 100
"""Rounds on one installation, so that the questions to the database stay quick."""
STRIKE_WITHIN_S = 1.2
"""How long a round waits for its point to be passed: a tick and a little."""
REST_WITHIN_S = 60.0
RETRIES = {"schedule_s": [1] * 20}
OTHER_FAULTS = ("flushall", "redis", "everything", "freeze")


@dataclass(frozen=True, slots=True)
class Round:
    """The choices of one round, all made before it begins."""

    number: int
    fault: str
    passage: int
    posts: tuple[int, ...]
    """Events per post."""


def choose(rng: random.Random, number: int) -> Round:
    """What happens in a round: a point most of the time, now and then a cruder fault."""
    kinds = (OF_WORKER, OF_WEB, OF_TICK, OF_BATCH, OTHER_FAULTS)
    fault = rng.choice(rng.choices(kinds, weights=(60, 17, 5, 5, 13))[0])
    posts = tuple(rng.randint(1, 25) for _ in range(rng.randint(1, 3)))
    passages = len(posts) if fault in OF_WEB else 1 if fault in OF_TICK else 4
    return Round(number, fault, rng.randint(1, passages), posts)


@dataclass
class Score:
    """What a run found."""

    rounds: int = 0
    struck: int = 0
    """Rounds whose fault came to pass; the others never reached their point in time."""
    accepted: int = 0
    deliveries: int = 0
    duplicates: int = 0
    possible: int = 0
    longest_rest_s: float = 0.0
    by_fault: dict[str, int] = field(default_factory=dict)

    def add(self, account: Account) -> None:
        """The account of a chapter."""
        self.accepted += account.accepted
        self.deliveries += account.deliveries
        self.duplicates += account.duplicates
        self.possible += account.possible


class Chapter:
    """An installation, its webhooks and its source, for some rounds."""

    def __init__(self, folder: Path, database_url: str, seed: int) -> None:
        self.troupe = Troupe(folder, database_url=database_url)
        self._answers = random.Random(seed)  # noqa: S311 - a workload, not a secret
        self.receiver = Receiver(self._answer)
        self.acknowledged: list[str] = []
        self.next = 0
        self.troupe.create_organization(("ctx_1", "entrypoint"))
        url = f"{self.receiver.url}/{{id}}"
        batch = {"max_events": 10, "max_age_s": 1}
        hooks = [
            self.troupe.create_webhook(url, concurrency=1, retry=RETRIES),
            self.troupe.create_webhook(url, concurrency=20, retry=RETRIES),
            self.troupe.create_webhook(url, type="batch", batch=batch, retry=RETRIES),
        ]
        self._in_order = [hooks[0].id]
        self._secrets = [hook.secret for hook in hooks]

    def _answer(self, connection: socket.socket, _number: int) -> None:
        draw = self._answers.random()
        time.sleep(0.02 * draw)
        connection.sendall(BROKEN if draw > 0.97 else OK)

    def play(self, chosen: Round) -> bool:
        """One round; answers whether its fault came to pass."""
        points = self.troupe.points
        before = points.struck(chosen.fault) if chosen.fault in LABELS else 0
        if chosen.fault in LABELS:
            points.arm(chosen.fault, chosen.passage)
        for place, number in enumerate(chosen.posts):
            self.post_until_acknowledged(number)
            if place == 0 and chosen.fault not in LABELS:
                self.hurt(chosen.fault)
        if chosen.fault not in LABELS:
            return True
        end = time.monotonic() + STRIKE_WITHIN_S
        while points.armed(chosen.fault) and time.monotonic() < end:
            time.sleep(0.01)
        points.disarm()
        return points.struck(chosen.fault) > before

    def hurt(self, fault: str) -> None:
        """One of the cruder faults."""
        troupe = self.troupe
        if fault in {"flushall", "everything"}:
            with troupe.redis.client() as client:
                client.flushall()
        if fault == "redis":
            troupe.redis.kill()
            troupe.redis.start()
        if fault == "everything":
            troupe.kill("web", "tick", *troupe.workers)
        if fault == "freeze":
            troupe.points.arm("answer.before_record", number=signal.SIGSTOP)
            time.sleep(LEASE_S + 0.3)
            for worker in troupe.workers:
                if troupe.state(worker).startswith("T"):
                    troupe.kill(worker, number=signal.SIGCONT)
            troupe.points.disarm()

    def post_until_acknowledged(self, number: int) -> None:
        """New events in one post, repeated until it succeeds."""
        batch = sample_events(self.next, number)
        self.next += number
        end = time.monotonic() + REST_WITHIN_S
        while time.monotonic() < end:
            try:
                answer = self.troupe.post(orjson.dumps(batch))
            except requests.ConnectionError:
                time.sleep(0.02)
                continue
            if answer.status_code == requests.codes.ok:
                self.acknowledged += orjson.loads(answer.content)["ids"]
                return
            time.sleep(0.05)
        raise AssertionError("the source could not get rid of its events")

    def rest(self, within_s: float = REST_WITHIN_S) -> tuple[Account, float]:
        """Heal, wait until nothing is pending, ask every invariant; answers the account and the seconds of waiting."""
        began = time.monotonic()
        while self.troupe.ledger()["pending"]:
            assert time.monotonic() - began < within_s, f"still pending: {self.troupe.ledger()}"
            time.sleep(0.05)
        took_s = time.monotonic() - began
        received = [one for receiver in self.received() for one in receiver.requests]
        account = check(self.troupe, received, self.acknowledged, in_order=self._in_order, secrets=self._secrets)
        return account, took_s

    def received(self) -> list[Receiver]:
        """Every receiver."""
        return [self.receiver]

    def close(self) -> None:
        """End the processes, then the receiver."""
        self.troupe.close()
        self.receiver.close()


def run(seed: int, rounds: int, database: str, say: Any = click.echo) -> Score:
    """Play rounds; raises AssertionError, with the choices noted in ``last_words``, when something does not hold."""
    rng = random.Random(seed)  # noqa: S311 - a workload, not a secret
    score = Score()
    chosen = [choose(rng, number) for number in range(1, rounds + 1)]
    for start in range(0, rounds, CHAPTER):
        folder = Path(tempfile.mkdtemp(prefix="rp-"))
        with fresh_database(database) as url, closing(Chapter(folder, url, seed + start)) as chapter:
            _play_chapter(chapter, chosen[start : start + CHAPTER], score, say, seed, database)
        shutil.rmtree(folder, ignore_errors=True)
    return score


def _play_chapter(chapter: Chapter, chosen: list[Round], score: Score, say: Any, seed: int, database: str) -> None:
    history: list[dict[str, Any]] = []
    account: Account | None = None
    try:
        for one in chosen:
            struck = chapter.play(one)
            history.append({**asdict(one), "struck": struck})
            score.rounds += 1
            score.struck += struck
            score.by_fault[one.fault] = score.by_fault.get(one.fault, 0) + struck
            assert chapter.troupe.ledger()["balanced"]
            if one.number % GROUP == 0 or one is chosen[-1]:
                account, took_s = chapter.rest()
                score.longest_rest_s = max(score.longest_rest_s, took_s)
                say(f"round {one.number}: {account}, at rest after {took_s:.1f} s")
    except (AssertionError, requests.RequestException) as error:
        path = Path(f"rounds-{database}-{seed}.json")
        path.write_bytes(
            orjson.dumps(
                {
                    "seed": seed,
                    "database": database,
                    "error": str(error),
                    "history": history,
                    "ledger": chapter.troupe.ledger(),
                    "acknowledged": chapter.acknowledged,
                    "received": [[one.at, one.line, one.headers["webhook-id"]] for one in chapter.receiver.requests],
                    "deaths": chapter.troupe.deaths,
                    "log": chapter.troupe.whole_log().splitlines()[-400:],
                },
                option=orjson.OPT_INDENT_2,
            )
        )
        say(f"seed {seed}, after round {len(history)}: written to {path}")
        raise
    if account is not None:
        score.add(account)


@click.command()
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--rounds", type=click.IntRange(1, 100_000), default=100, show_default=True)
@click.option("--database", type=click.Choice(["sqlite", "postgresql"]), default="sqlite", show_default=True)
def main(seed: int, rounds: int, database: str) -> None:
    """Kill at random, seeded points and ask what must hold."""
    began = time.monotonic()
    score = run(seed, rounds, database)
    click.echo(orjson.dumps(asdict(score), option=orjson.OPT_INDENT_2).decode())
    click.echo(f"{score.rounds} rounds in {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
