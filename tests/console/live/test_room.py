"""What a web process does when its live pages cannot be served: the database is away, a request is lost."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

import pytest

from app.console.live import room as subject
from app.console.live import stream as streams
from app.console.live.room import PLACES, LiveRoom
from app.console.live.stream import Listener
from app.core.errors import OverloadedError, StoreUnavailableError
from app.security.permissions import Permission
from app.security.tokens import token_digest
from app.store.pulse import Pulse
from tests.console.live.server import await_that
from tests.console.site import Site


@pytest.fixture
def room(site: Site) -> Iterator[LiveRoom]:
    with patch.object(subject, "LOOK_S", 0.02):
        made = LiveRoom(site.services.store, site.services.clock)
        yield made
        for stream in list(made._streams.values()):
            stream.close()
        await_that(lambda: made._watcher is None)


def listener_of(site: Site) -> Listener:
    return Listener(token_digest(site.session), "acme", None, Permission.EVENTS_READ)


async def all_of(stream: streams.LiveStream) -> bytes:
    return b"".join([chunk async for chunk in stream.chunks()])


def test_nothing_runs_while_nobody_is_live(site: Site, room: LiveRoom) -> None:
    assert room._watcher is None
    stream = room.enter(listener_of(site), "")
    assert room._watcher is not None
    stream.close()
    await_that(lambda: room._watcher is None)


def test_when_the_database_is_away_every_page_is_told_to_come_back(site: Site, room: LiveRoom) -> None:
    @contextmanager
    def away() -> Iterator[None]:
        raise StoreUnavailableError("away")
        yield

    stream = room.enter(listener_of(site), "")
    with patch.object(site.services.store, "read", away):
        said = asyncio.run(asyncio.wait_for(all_of(stream), 5))
    assert b"event: end" not in said
    await_that(lambda: room._watcher is None)


def test_a_stream_that_was_never_sent_gives_its_place_back(site: Site, room: LiveRoom) -> None:
    listeners = []
    for _ in range(PLACES + 1):
        site.sign_in("viewer", "acme")
        listeners.append(listener_of(site))
    with patch.object(streams, "LONGEST_S", 1.0), patch.object(streams, "HEARTBEAT_S", 0.1):
        for listener in listeners[1:]:
            room.enter(listener, "")
        with pytest.raises(OverloadedError, match="too many pages are live"):
            room.enter(listeners[0], "")
        await_that(lambda: room._watcher is None)
    room.enter(listeners[0], "")


def test_a_mark_tells_neither_how_much_there_is_nor_the_same_to_two_sessions() -> None:
    pulse = Pulse(123_456, (7 << 32,))
    mine, yours = (Listener(token, "acme", None, Permission.EVENTS_READ) for token in (b"a" * 32, b"b" * 32))
    assert mine.mark(pulse) == mine.mark(pulse) != yours.mark(pulse)
    assert mine.mark(pulse) != mine.mark(Pulse(123_457, (7 << 32,)))
    assert "123456" not in mine.mark(pulse)
    assert b"a" * 32 not in repr(mine).encode()


def test_what_is_told_many_times_between_two_words_is_said_once(site: Site, room: LiveRoom) -> None:
    stream = room.enter(listener_of(site), "")
    began = time.monotonic()
    for number in range(5):
        stream.tell(Pulse(number, ()))
    stream.end()
    said = asyncio.run(all_of(stream))
    assert said.count(b"data: changed") == 0, "it is over; the browser comes back and is told then"
    assert time.monotonic() - began < 5


def test_what_happened_before_a_stream_began_is_not_told_again(site: Site) -> None:
    listener, before = listener_of(site), Pulse(5, ())
    stream = streams.LiveStream(listener, before, listener.mark(before), lambda _stream: None)
    stream.tell(before)
    assert stream._due() == (b"", False)
    stream.tell(Pulse(6, ()))
    assert stream._due()[0].endswith(b"data: changed\n\n")
