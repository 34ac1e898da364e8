"""Slots are shared fairly: a crowd of dead receivers leaves room for those that work, and lanes take turns."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace
from typing import Any, cast

import pytest

from app.core.clock import AT_ONCE
from app.delivery import launching as launching_module
from app.delivery.egress import EgressClient
from app.delivery.harm import Harm
from app.delivery.lanes import FIRST_WINDOW, Lane, Load
from app.delivery.launching import RESERVED_SHARE, Launching
from app.delivery.runtime import WebhookRuntime
from app.store.claim import Claimed

NOW = 1_800_000_000_000_000
SLOTS = 1_024


class _Client:
    """Counts what was started; nothing ever comes back."""

    def __init__(self) -> None:
        self.started: list[Lane] = []

    @property
    def capacity(self) -> int:
        return SLOTS - len(self.started)

    def has_room(self, _url: str) -> bool:
        return True


class _Tokens:
    def admits(self, _lane: Lane, _now: int) -> bool:
        return True


class _Binding:
    endpoint_url = "https://example.com/"


class _Runtime:
    binding = _Binding()
    concurrency = 64
    rate_per_s = None


def lanes(count: int, *, proven: bool = False, loads: int = 100) -> list[Lane]:
    made = []
    for number in range(count):
        one = Lane(cast("WebhookRuntime", _Runtime()), 1, proven=proven, window=64 if proven else FIRST_WINDOW)
        for seq in range(loads):
            member = Claimed(number, seq, 1, 1, orphan=False, due_at=AT_ONCE, event_id="e", event_type="t", body=b"")
            one.add(Load((member,), NOW))
        made.append(one)
    return made


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> _Client:
    made = _Client()

    def start(_self: Launching, lane: Lane, load: Load) -> None:
        lane.spend(load)
        made.started.append(lane)

    monkeypatch.setattr(launching_module.Launching, "_start", start)
    return made


def launching(client: _Client) -> Launching:
    nobody, landing = cast("Any", None), cast("Any", SimpleNamespace(harm=Harm()))
    return Launching(cast("EgressClient", client), cast("Any", _Tokens()), nobody, landing, lambda: NOW)


def test_a_crowd_of_silent_receivers_leaves_a_quarter_of_the_slots_to_one_that_works(client: _Client) -> None:
    silent, (working,) = lanes(500), lanes(1, proven=True)
    launcher = launching(client)
    launcher.launch(silent)
    assert client.capacity == SLOTS // RESERVED_SHARE
    launcher.launch([*silent, working])
    assert client.started[-1] is working
    assert working.in_flight == 64


def test_one_dead_receiver_among_fifty_holds_sixteen_of_a_thousand_slots(client: _Client) -> None:
    (dead,), others = lanes(1), lanes(49, proven=True, loads=20)
    launching(client).launch([dead, *others])
    assert dead.in_flight == FIRST_WINDOW
    assert all(one.in_flight == 20 for one in others), "nobody waits for the dead one"


def test_when_slots_are_short_everybody_gets_the_same_share(client: _Client) -> None:
    everybody = lanes(100, proven=True)
    launcher = launching(client)
    launcher.launch(everybody)
    shares = Counter(id(one) for one in client.started)
    assert set(shares.values()) == {10, 11}


def test_the_next_launch_begins_with_another_lane(client: _Client) -> None:
    everybody = lanes(3, proven=True)
    launcher = launching(client)
    first = []
    for _ in range(3):
        client.started[:] = [everybody[0]] * (SLOTS - 1)
        launcher.launch(everybody)
        first.append(everybody.index(client.started[-1]))
    assert sorted(first) == [0, 1, 2]
