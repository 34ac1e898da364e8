from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import orjson
import pytest

from app.core.errors import StoreUnavailableError
from app.routing.event_catalogue import EventCatalogue
from app.security.scope import Scope
from app.services import Services
from app.sinks import PluginEventType
from app.store.engine import Store
from tests.api.conftest import Caller

JSON = {"Content-Type": "application/json"}


def event(number: int = 1, **more: Any) -> dict[str, Any]:
    return {
        "id": f"e{number}",
        "type": "entrypoint.configuration.audit",
        "organization_id": "acme",
        "context": {"id": "c1"},
        "action": "update",
        "actor": {"email": "Admin@Example.com"},
        **more,
    }


def test_events_are_accepted_and_a_repetition_is_a_duplicate(platform: Caller) -> None:
    first = platform("POST", "/v1/events", json=[event(1), event(2)])
    assert (first.status_code, first.json) == (
        200,
        {"accepted": 2, "duplicates": 0, "rejected": [], "ids": ["e1", "e2"]},
    )
    again = platform("POST", "/v1/events", json=[event(2), event(3)]).json
    assert (again["accepted"], again["duplicates"]) == (1, 1)


def test_one_bad_element_does_not_fail_its_batch(platform: Caller) -> None:
    answer = platform("POST", "/v1/events", data=orjson.dumps([event(1), 7, event(2)]), headers=JSON)
    assert answer.status_code == 200
    assert [one["index"] for one in answer.json["rejected"]] == [1]


def test_gzip_is_welcome_in_one_member_or_several(platform: Caller) -> None:
    lines = [orjson.dumps(event(number)) + b"\n" for number in range(4)]
    body = gzip.compress(lines[0] + lines[1]) + gzip.compress(lines[2] + lines[3])
    headers = {"Content-Type": "application/x-ndjson", "Content-Encoding": "gzip"}
    assert platform("POST", "/v1/events", data=body, headers=headers).json["accepted"] == 4


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"", JSON, 400),
        (b"{", JSON, 400),
        (b"[1, 2]", JSON, 400),
        (b"<a/>", {"Content-Type": "application/xml"}, 415),
        (b"{}", {**JSON, "Content-Encoding": "br"}, 415),
        (b"not gzip", {**JSON, "Content-Encoding": "gzip"}, 400),
        (gzip.compress(b"{}" * 99)[:-9], {**JSON, "Content-Encoding": "gzip"}, 400),
        (b" " * 200_001, JSON, 413),
        (gzip.compress(b" " * 200_001), {**JSON, "Content-Encoding": "gzip"}, 413),
        (zlib.compress(b"{}"), {**JSON, "Content-Encoding": "deflate"}, 415),
    ],
)
def test_bodies_that_cannot_be_taken(platform: Caller, body: bytes, headers: dict[str, str], status: int) -> None:
    answer = platform("POST", "/v1/events", data=body, headers=headers)
    assert answer.status_code == status
    assert answer.content_type == "application/problem+json"


def test_a_small_bomb_never_becomes_a_large_allocation(platform: Caller) -> None:
    bomb = gzip.compress(bytes(300_000_000), compresslevel=1)[:190_000]
    answer = platform("POST", "/v1/events", data=bomb, headers={**JSON, "Content-Encoding": "gzip"})
    assert answer.status_code == 413


def test_an_event_of_another_organization_is_refused(platform: Caller, caller: Callable[..., Caller]) -> None:
    stranger = caller("ingest", "other")
    assert stranger("POST", "/v1/events", json=event(1)).status_code == 403
    own = {**event(2), "organization_id": "other", "context": None}
    mixed = stranger("POST", "/v1/events", json=[event(1), own])
    assert (mixed.status_code, mixed.json["accepted"]) == (200, 1)
    assert mixed.json["rejected"][0]["type"] == "foreign_organization"


def test_a_database_that_cannot_commit_is_a_503_and_says_when(
    platform: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def failing(_self: Store) -> Iterator[None]:
        raise StoreUnavailableError("the disk is full")
        yield

    monkeypatch.setattr(Store, "write", failing)
    answer = platform("POST", "/v1/events", json=event(9))
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) >= 1


def test_events_are_found_by_every_filter(platform: Caller) -> None:
    platform(
        "POST", "/v1/events", json=[event(1), event(2, context={"id": "c2"}, action="delete"), event(3, type="x.y")]
    )
    for query, ids in {
        "": ["e3", "e2", "e1"],
        "context=c2": ["e2"],
        "event_type=x.y": ["e3"],
        "action=delete": ["e2"],
        "actor=admin@": ["e3", "e2", "e1"],
        "actor=%25": [],
        "organization=other": [],
        "q=E2": ["e2"],
        "tag=nothing": [],
        "sensitivity_min=5": [],
        "since=2099-01-01T00:00:00Z": [],
        "until=2099-01-01T00:00:00Z": ["e3", "e2", "e1"],
    }.items():
        found = platform("GET", f"/v1/events?{query}")
        assert [one["id"] for one in found.json["items"]] == ids, query


def test_pages_of_events_follow_each_other(platform: Caller) -> None:
    platform("POST", "/v1/events", json=[event(number) for number in range(5)])
    seen, cursor = [], ""
    while cursor is not None:
        found = platform("GET", f"/v1/events?limit=2&cursor={cursor}").json
        seen += [one["id"] for one in found["items"]]
        cursor = found["next"]
    assert seen == ["e4", "e3", "e2", "e1", "e0"]


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=201", "cursor=%21", "cursor=YWJj", "since=yesterday", "colour=red"]
)
def test_a_wrong_query_is_named(platform: Caller, query: str) -> None:
    answer = platform("GET", f"/v1/events?{query}")
    assert answer.status_code == 422
    assert answer.json["errors"][0]["field"] == query.partition("=")[0]


def test_explain_says_who_got_it_and_why_not(platform: Caller) -> None:
    made = {}
    for name, context in (("Everywhere", None), ("Only c2", "c2"), ("No endpoint", None), ("No sink", None)):
        body = {"type": "instant", "name": name, "organization_id": "acme", "context_id": context}
        made[name] = platform("POST", "/v1/webhooks", json=body).json["id"]
        change = {"sink": "webhook", "endpoint_url": "http://127.0.0.1:9/"}
        change.pop({"No endpoint": "endpoint_url", "No sink": "sink"}.get(name, ""), None)
        platform("PATCH", f"/v1/webhooks/{made[name]}", json=change)
    platform("POST", "/v1/events", json=event(1))
    found = {one["webhook_name"]: one for one in platform("GET", "/v1/events/e1/explain").json["webhooks"]}
    assert [found[name]["matched"] for name in made] == [True, False, False, False]
    assert "c2" in found["Only c2"]["reason"]
    assert found["No endpoint"]["reason"] == "the webhook has no endpoint yet"
    assert found["No sink"]["reason"] == "the webhook has no sink yet"
    refused = platform("POST", f"/v1/webhooks/{made['No sink']}/test")
    assert (refused.status_code, "no sink yet" in refused.json["detail"]) == (409, True)
    delivery = platform("GET", f"/v1/deliveries/{found['Everywhere']['delivery_id']}").json
    assert (delivery["state"], delivery["event_id"], delivery["attempts"]) == ("pending", "e1", [])


def test_what_was_counted_is_on_the_metrics_page(platform: Caller, services: Services) -> None:
    platform("POST", "/v1/events", json=[event(1), event(1)])
    text = platform("GET", "/metrics").text
    assert "relaypoint_events_accepted_total 1\n" in text
    assert "relaypoint_events_duplicate_total 1\n" in text
    assert "acme" not in text


def test_a_type_is_known_by_its_first_sight_in_its_own_organization(
    platform: Caller, caller: Callable[..., Caller]
) -> None:
    platform("POST", "/v1/events", json=[event(1, type="wifi.radio.audit"), event(2, type="wifi.radio.audit")])
    platform("POST", "/v1/events", json=event(3, type="wifi.radio.audit"))

    def unlisted(who: Caller) -> list[str]:
        found = who("GET", "/v1/event-types").json["items"]
        return [one["id"] for service in found for one in service["event_types"] if not one["listed"]]

    assert unlisted(platform) == ["wifi.radio.audit"]
    assert unlisted(caller("read", "acme")) == ["wifi.radio.audit"]
    assert unlisted(caller("read", "other")) == []


def test_types_that_plugins_list_are_in_the_catalogue_before_their_first_event(services: Services) -> None:
    catalogue = EventCatalogue(services.store, [PluginEventType("wifi.radio.audit", "Radio changed")])
    (wifi,) = [one for one in catalogue.by_service(Scope()) if one["service"] == "wifi"]
    assert [(one["title"], one["listed"]) for one in wifi["event_types"]] == [("Radio changed", True)]
