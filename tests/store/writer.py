"""A process that writes again and again for a while: ``writer.py URL HOLD_S SECONDS turns|free``. Prints JSON."""

from __future__ import annotations

import json
import sys
import time
from contextlib import nullcontext
from typing import Any

from sqlalchemy import event

from app.core.errors import StoreUnavailableError
from app.store import open_store
from app.store.partitions import next_counter
from app.store.turns import WriteTurn


def _never_wait(connection: Any, _record: Any) -> None:
    """Whoever meets SQLite's own lock fails at once instead of sleeping in the busy handler."""
    connection.execute("PRAGMA busy_timeout=0")


def main(url: str, hold_s: float, seconds: float, *, in_turns: bool) -> dict[str, float]:
    if not in_turns:
        WriteTurn.taken = lambda _self: nullcontext(0.0)
    store = open_store(url)
    event.listen(store.engine, "connect", _never_wait)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    commits = locked = 0
    longest_wait = 0.0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        asked = time.monotonic()
        try:
            with store.write() as connection:
                longest_wait = max(longest_wait, time.monotonic() - asked)
                next_counter(connection, "lease_token")
                time.sleep(hold_s)
            commits += 1
        except StoreUnavailableError:
            locked += 1
    return {"commits": commits, "locked": locked, "longest_wait": longest_wait}


if __name__ == "__main__":
    _, address, hold, how_long, how = sys.argv
    sys.stdout.write(json.dumps(main(address, float(hold), float(how_long), in_turns=how == "turns")))
