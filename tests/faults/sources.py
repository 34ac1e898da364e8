"""A source of events that does not give up, and the events it sends."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from typing import Any

import orjson
import requests

from tests.faults.installation import ORGANIZATION, SENT_TYPE, Installation

_BUSY = {429, 503}
_OK = 200


class PatientPoster:
    """Posts batches on a thread of its own and repeats each until it is acknowledged, as a good source does."""

    def __init__(self, place: Installation, batches: Iterable[list[dict[str, Any]]], pause_s: float) -> None:
        self.acknowledged: list[str] = []
        self.repeats = 0
        self.longest_wait_s = 0.0
        """From the first try of a batch to its acknowledgement."""
        self.problem = ""
        self._place = place
        self._batches = batches
        self._pause_s = pause_s
        self._given_up = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        with self._place.session() as session:
            for batch in self._batches:
                began = time.monotonic()
                while not self._given_up.is_set() and not self._once(session, batch):
                    self.repeats += 1
                    time.sleep(0.1)
                self.longest_wait_s = max(self.longest_wait_s, time.monotonic() - began)
                time.sleep(self._pause_s)

    def _once(self, session: requests.Session, batch: list[dict[str, Any]]) -> bool:
        try:
            answer = session.post(
                f"{self._place.url}/v1/events",
                data=orjson.dumps(batch),
                headers={"content-type": "application/json"},
                timeout=30,
            )
        except (requests.RequestException, OSError):
            return False
        if answer.status_code in _BUSY:
            return False
        if answer.status_code != _OK or orjson.loads(answer.content)["rejected"]:
            self.problem = answer.text[:500]
        self.acknowledged += [event["id"] for event in batch]
        return True

    def join(self, within_s: float) -> None:
        """Wait until everything was acknowledged."""
        self._thread.join(within_s)
        done = not self._thread.is_alive()
        self._given_up.set()
        assert done, "the source could not get rid of its events"
        assert not self.problem, self.problem


def sample_events(first: int, number: int, context_id: str = "ctx_1") -> list[dict[str, Any]]:
    """Small flat audit events with ids of their own."""
    return [
        {
            "id": f"evt-{place}",
            "eventId": SENT_TYPE,
            "scope": "ORGANIZATION_CTX_ENTRYPOINT",
            "contextId": context_id,
            "organizationId": ORGANIZATION,
            "timestamp": "2026-04-19T12:34:56Z",
            "userEmail": "admin@example.com",
            "action": "UPDATE",
            "module": "ENTRYPOINT",
            "changes": [{"field": "VLAN", "before": str(place), "after": str(place + 1)}],
        }
        for place in range(first, first + number)
    ]
