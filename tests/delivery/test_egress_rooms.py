"""One receiver gets only so much at once, however many webhooks lead there; nobody else waits for it."""

from __future__ import annotations

import threading

import pytest

from app.core.states import DeliveryState
from app.delivery import egress_rooms
from app.delivery.drain import Drain
from app.delivery.egress_rooms import MOST_AT_ONCE, Rooms
from app.delivery.exchange import Outgoing, Returned, Timings
from app.store.due import due_partitions
from tests.delivery.receiver import Received, Receiver, Reply, receiving
from tests.world import World, settle

URL = "https://example.com/a"


def outgoing(key: object, url: str = URL) -> Outgoing:
    return Outgoing(key, "POST", url, (), b"")


def returned(key: object) -> Returned:
    return Returned(key, 200, b"", b"", truncated=False, peer="", timings=Timings())


def test_the_origin_counts_and_not_the_path_or_the_spelling() -> None:
    rooms = Rooms(2)
    for key in ("a", "b"):
        rooms.begun(outgoing(key, f"https://EXAMPLE.com:443/{key}"))
    assert not rooms.has_room("https://example.com/other")
    assert rooms.has_room("https://example.com:444/")
    assert rooms.has_room("http://example.com/")
    rooms.ended([returned("a")])
    assert rooms.has_room(URL)


def test_one_key_may_stand_for_many_and_a_stranger_for_none() -> None:
    rooms = Rooms(2)
    for _ in range(2):
        rooms.begun(outgoing("k"))
    rooms.ended([returned("x"), returned("k")])
    assert rooms.has_room(URL)
    rooms.begun(outgoing("k"))
    assert not rooms.has_room(URL)
    rooms.ended([returned("k"), returned("k"), returned("k")])
    assert rooms.has_room(URL)


def test_what_is_no_url_has_room_for_the_client_to_refuse_it() -> None:
    rooms = Rooms(1)
    assert rooms.has_room("no url")


def test_nobody_gets_more_than_one_webhook_could_ask_for() -> None:
    assert MOST_AT_ONCE == 256


def test_a_receiver_of_many_webhooks_is_not_flooded_and_its_neighbour_does_not_wait(
    world: World, target: Receiver, drain: Drain, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert drain._client._rooms._most == egress_rooms.MOST_AT_ONCE
    monkeypatch.setattr(drain._client._rooms, "_most", 3)
    busy = threading.Semaphore(0)
    at_once: list[int] = []
    lock = threading.Lock()
    now = 0

    def slow(_request: Received) -> Reply:
        nonlocal now
        with lock:
            now += 1
            at_once.append(now)
        busy.acquire(timeout=0.05)
        with lock:
            now -= 1
        return Reply()

    with receiving(slow) as shared:
        hooks = [world.add_webhook(f"{shared.url}/{number}") for number in range(12)]
        neighbour = world.add_webhook(target.url)
        world.send_numbers(1, 2)
        with world.store.read() as connection:
            due = due_partitions(connection, world.clock())
        settle(drain, due)
        assert len(shared.requests) == 24
    assert max(at_once) == 3
    assert len(target.requests) == 2
    assert {state for hook in (*hooks, neighbour) for state in world.states(hook)} == {DeliveryState.DELIVERED}
