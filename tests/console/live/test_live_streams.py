"""Live pages of a real web process: their places, what they are told, and when they end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import delete

from app.api.server import THREADS
from app.console.live.room import PLACES, REPLACED, SIGNED_OUT
from app.store.tables_people import members
from tests.console.live.server import await_that
from tests.console.live.stage import Stage, staged


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with staged(tmp_path_factory.mktemp("live")) as made:
        yield made


@pytest.fixture
def stage(running: Stage) -> Iterator[Stage]:
    yield running
    running.leave()


def test_a_live_page_is_told_within_two_seconds_that_something_happened_in_its_organization_and_nothing_else(
    stage: Stage,
) -> None:
    stage.site.sign_in("viewer", "acme")
    stream = stage.listen().begun()
    assert stream.answer.status == 200
    headers = {name: stream.answer.headers[name] for name in ("content-type", "cache-control", "x-accel-buffering")}
    assert headers == {
        "content-type": "text/event-stream; charset=utf-8",
        "cache-control": "no-store",
        "x-accel-buffering": "no",
    }
    assert stream.answer.headers["content-encoding"] is None
    stage.send(1, "other")
    assert stream.silent(1.5)
    stage.send(2)
    block = stream.next(within_s=2.0)
    assert [line.partition(":")[0] for line in block.splitlines()] == ["id", "data"]
    assert block.endswith("data: changed")


def test_a_browser_that_comes_back_is_told_only_what_it_missed(stage: Stage) -> None:
    stage.site.sign_in("viewer", "acme")
    stream = stage.listen()
    mark = stream.next().partition("id: ")[2].partition("\n")[0]
    stream.leave()
    again = stage.listen(known=mark)
    assert again.next() == f"retry: 1000\nid: {mark}\nevent: here\ndata:"
    assert again.silent(0.5)
    again.leave()
    stage.send(10)
    stage.listen(known=mark).begun()


def test_pages_and_events_are_answered_while_every_place_is_taken_and_the_next_page_is_refused(stage: Stage) -> None:
    streams = []
    for _ in range(PLACES):
        stage.site.sign_in("viewer", "acme")
        streams.append(stage.listen().begun())
    stage.site.sign_in("owner")
    refused = stage.listen()
    assert (refused.answer.status, refused.answer.headers["retry-after"]) == (503, "60")
    assert refused.next().startswith("too many pages are live on this server")
    slowest = max(max(stage.page("/o/acme/audit"), stage.send(number)) for number in range(20, 30))
    assert slowest < 2.0
    assert PLACES <= THREADS // 2
    streams.pop().leave()
    await_that(lambda: stage.listen().answer.status == 200)


def test_a_newer_page_of_a_session_takes_the_place_of_the_older_one(stage: Stage) -> None:
    stage.site.sign_in("viewer", "acme")
    older = stage.listen().begun()
    newer = stage.listen().begun()
    assert older.next() == f"event: end\ndata: {REPLACED}"
    assert older.ended.wait(2)
    assert newer.silent(0.3)


def test_signing_out_and_losing_the_role_end_a_stream_at_once(stage: Stage) -> None:
    stage.site.sign_in("viewer", "acme", "c1")
    signed_out = stage.listen(place="/o/acme/c/c1").begun()
    stage.site.services.people.sign_out(stage.site.session)
    stage.site.sign_in("viewer", "acme")
    expelled = stage.listen().begun()
    with stage.site.services.store.write() as connection:
        connection.execute(delete(members).where(members.c.organization_id == "acme", members.c.context_id.is_(None)))
    for stream in (signed_out, expelled):
        assert stream.next(within_s=2.5) == f"event: end\ndata: {SIGNED_OUT}"
        assert stream.ended.wait(1)


def test_whoever_has_no_role_at_a_place_gets_no_stream(stage: Stage) -> None:
    stage.site.sign_in("viewer", "other")
    assert stage.listen().answer.status == 404
    stage.site.session = "nobody"
    assert stage.listen().answer.status == 303


def test_a_silent_stream_beats_and_ends_and_all_end_with_the_server(tmp_path: Path) -> None:
    with staged(tmp_path, heartbeat_s=0.3, longest_s=1.0) as stage:
        stream = stage.listen().begun()
        assert [stream.next(), stream.next()] == [":", ":"]
        assert stream.ended.wait(2)
        for _ in range(3):
            stage.site.sign_in("viewer", "acme")
            stage.listen().begun()
        last = stage.listen().begun()
        assert stage.server.stop() < 3.0
        assert last.ended.wait(1)
