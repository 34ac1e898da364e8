"""Plugins on the way in: what they mask is never stored, what they rate counts, what they break is theirs alone."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import select

from app.core.errors import NotRememberedError
from app.core.radius import AUTHENTICATION
from app.ingest.accept import IngestService
from app.ingest.shaping import Shaping
from app.routing.hook_faults import HookFaults
from app.routing.hook_guard import GuardedHook
from app.security.permissions import Role
from app.security.principal import Principal
from app.sinks import Classification
from app.sinks.brought import HookCall
from app.store import open_store
from app.store.tables import events
from tests.conftest import MovableClock
from tests.world import World

SENDER = Principal("key_1", Role.INGEST, "acme", None)
EVENT = {
    "id": "e1",
    "type": "entrypoint.configuration.audit",
    "context": {"id": "c1", "name": "Site of Jane"},
    "actor": {"type": "admin", "email": "jane@example.com"},
    "entity": {"type": "group", "id": "g1", "name": "Jane's"},
    "description": "Jane changed it",
    "changes": [{"field": "Owner", "before": ["Ann"], "after": {"name": "Jane", "since": 2020}}],
    "ticket": "asked for by Jane",
    "sensitivity": 2,
}
Hooks = Callable[..., Shaping]


@pytest.fixture
def world(sqlite_url: str, tmp_path: Path, clock: MovableClock) -> Iterator[World]:
    """On SQLite alone: which database stores an event changes nothing here."""
    store = open_store(sqlite_url)
    yield World(store, clock, tmp_path)
    store.close()


@pytest.fixture
def faults(world: World) -> HookFaults:
    return HookFaults(world.clock)


@pytest.fixture
def hooks(world: World, faults: HookFaults) -> Hooks:
    def made(masks: list[Any] | None = None, classifiers: list[Any] | None = None, patience_s: float = 5.0) -> Shaping:
        def guarded(functions: list[Any] | None, hook: str) -> list[GuardedHook]:
            calls = [HookCall(f"acme:{number}", hook, one) for number, one in enumerate(functions or ())]
            return [GuardedHook(call, faults, world.clock, patience_s) for call in calls]

        return Shaping(guarded(masks, "relaypoint_mask"), guarded(classifiers, "relaypoint_classify"))

    return made


def stored(world: World, shaping: Shaping, event: dict[str, Any] | None = None) -> dict[str, Any]:
    """The event as it is in the database after it was accepted."""
    service = IngestService(world.store, world.clock, world.rings, shaping)
    result = service.accept(orjson.dumps(event or EVENT), "application/json", {}, SENDER)
    assert result.accepted == 1
    with world.store.read() as connection:
        row = connection.execute(select(events)).one()
    document: dict[str, Any] = orjson.loads(row.body)
    assert row.actor_email == document["actor"]["email"]
    assert row.sensitivity == document["sensitivity"]
    return document


def hide_jane(_path: str, text: str) -> str:
    return text.replace("Jane", "***").replace("jane", "***")


def test_a_mask_is_asked_about_every_text_and_what_it_hides_is_stored_nowhere(world: World, hooks: Hooks) -> None:
    document = stored(world, hooks([hide_jane]))
    assert "jane" not in orjson.dumps(document).decode().lower()
    assert document["description"] == "*** changed it"
    assert document["actor"]["email"] == "***@example.com"
    (change,) = document["changes"]
    assert (change["before"], change["after"], change["secret"]) == (["Ann"], {"name": "***", "since": 2020}, True)
    assert document["metadata"]["_extra"]["ticket"] == "asked for by ***"


def test_a_mask_is_told_where_a_text_stands_and_never_asked_about_ids_that_scope(world: World, hooks: Hooks) -> None:
    asked: list[str] = []

    def note(path: str, text: str) -> str:
        asked.append(path)
        return text

    document = stored(world, hooks([note]))
    places = {"description", "actor.email", "entity.id", "entity.name", "context.name", "changes[0].field"}
    places |= {"changes[0].before[0]", "changes[0].after.name", "metadata._extra.ticket"}
    assert set(asked) >= places
    assert (document["id"], document["context"]["id"]) == ("e1", "c1")
    assert not {"id", "type", "organization.id", "context.id"} & set(asked)


def raising(*_: Any) -> Any:
    raise ValueError("jane")


@pytest.mark.parametrize(
    "answer", [raising, lambda *_: None, lambda *_: b"x", lambda *_: "x" * 40_000, lambda *_: "\0", lambda *_: "\ud800"]
)
def test_a_mask_that_fails_masks_the_whole_text(world: World, hooks: Hooks, faults: HookFaults, answer: Any) -> None:
    document = stored(world, hooks([lambda path, text: answer() if path == "description" else text]))
    assert document["description"] == "***"
    assert document["entity"]["name"] == "Jane's"
    assert [(kind.plugin, times) for kind, times in faults.counted()] == [("acme:0", 1)]


def test_a_mask_that_hangs_masks_every_text(world: World, hooks: Hooks, faults: HookFaults) -> None:
    over = threading.Event()
    document = stored(world, hooks([lambda _path, text: over.wait(30) and text], patience_s=0.05))
    over.set()
    assert [document["description"], document["actor"]["email"], document["entity"]["name"]] == ["***"] * 3
    assert document["changes"][0]["after"] == {"name": "***", "since": 2020}
    assert document["id"] == "e1"
    assert len(faults.counted()) == 1


def test_masks_are_asked_one_after_the_other(world: World, hooks: Hooks) -> None:
    document = stored(world, hooks([hide_jane, lambda _path, text: text.replace("***", "[hidden]")]))
    assert document["description"] == "[hidden] changed it"


def test_a_classifier_adds_tags_and_raises_the_sensitivity_and_is_named(world: World, hooks: Hooks) -> None:
    document = stored(
        world, hooks(classifiers=[lambda _: Classification(("vip",), 4), lambda _: Classification(("night",))])
    )
    assert {"vip", "night"} <= set(document["tags"])
    assert (document["sensitivity"], document["sensitivity_rule"]) == (4, "plugin acme:0")


def test_a_classifier_never_lowers(world: World, hooks: Hooks) -> None:
    document = stored(world, hooks(classifiers=[lambda _: Classification(sensitivity=1)]))
    assert (document["sensitivity"], document["sensitivity_rule"]) == (2, "given by the source")


def test_a_classifier_is_not_asked_about_radius_records(world: World, hooks: Hooks) -> None:
    shaping = hooks([hide_jane], [lambda _: Classification(("vip",), 5)])
    document = stored(world, shaping, {"id": "e1", "type": AUTHENTICATION, "username": "jane"})
    assert (document["tags"], document["sensitivity"]) == ([], None)
    assert document["description"] == "RADIUS authentication outcome for ***"


def test_a_classifier_sees_the_event_masked_and_rated(world: World, hooks: Hooks) -> None:
    seen: list[Any] = []
    stored(world, hooks([hide_jane], [seen.append]))
    assert (seen[0].id, seen[0].data["description"], seen[0].data["sensitivity"]) == ("e1", "*** changed it", 2)


@pytest.mark.parametrize(
    "answer",
    [
        raising,
        lambda _: "vip",
        lambda _: Classification(sensitivity=6),
        lambda _: Classification(tags=7),  # type: ignore[arg-type]
        lambda _: Classification(sensitivity="5"),  # type: ignore[arg-type]
    ],
)
def test_an_event_is_accepted_without_the_word_of_a_classifier_that_fails(
    world: World, hooks: Hooks, faults: HookFaults, answer: Any
) -> None:
    document = stored(world, hooks(classifiers=[answer, lambda _: Classification(("good",))]))
    assert document["sensitivity"] == 2
    assert "good" in document["tags"]
    assert [(kind.plugin, kind.hook) for kind, _ in faults.counted()] == [("acme:0", "relaypoint_classify")]


def test_tags_are_bounded_in_number_and_length(world: World, hooks: Hooks) -> None:
    many = tuple(f"tag{number:03}" for number in range(100))
    document = stored(world, hooks(classifiers=[lambda _: Classification(("\ud800", "a\0b", "x" * 500, *many))]))
    assert len(document["tags"]) == 32
    assert max(len(tag) for tag in document["tags"]) <= 64


def test_whoever_must_not_wait_is_sent_the_long_way_when_plugins_are_asked(world: World, hooks: Hooks) -> None:
    service = IngestService(world.store, world.clock, world.rings, hooks([hide_jane]))
    with pytest.raises(NotRememberedError):
        service.prepare(b"{}", "application/json", {}, SENDER, may_read=False)


def test_without_plugins_nothing_is_asked(world: World) -> None:
    assert IngestService(world.store, world.clock, world.rings, Shaping())._shaping is None
