"""``/v1/organizations/{organization}/keys``."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from sqlalchemy import select

from app.core.clock import DAY, system_clock
from app.services import Services
from app.store.tables import api_keys, events
from tests.api.conftest import Caller

KEYS = "/v1/organizations/acme/keys"


def later(days: float) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).isoformat()


def told(services: Services) -> list[dict[str, Any]]:
    with services.store.read() as connection:
        found = [orjson.loads(body) for body in connection.execute(select(events.c.body)).scalars()]
    return [one for one in found if one["entity"]["type"] == "api_token"]


def test_a_key_is_made_shown_once_listed_used_and_revoked(platform: Caller, services: Services) -> None:
    made = platform("POST", KEYS, json={"name": "terraform", "role": "write", "expires_at": later(30)})
    assert made.status_code == 201
    key = made.json["key"]
    assert key.startswith(made.json["prefix"])
    place = f"{KEYS}/{made.json['id']}"
    shown = platform("GET", place).json
    assert shown == {name: value for name, value in made.json.items() if name != "key"}
    assert (shown["last_used_at"], shown["revoked_at"]) == (None, None)
    theirs = Caller(platform.client, key)
    assert theirs("GET", "/v1/webhooks").status_code == 200
    assert platform("GET", place).json["last_used_at"] is not None
    listed = platform("GET", KEYS)
    assert [one["id"] for one in listed.json["items"]] == [shown["id"]]
    assert key not in listed.text
    for _ in range(2):
        assert platform("DELETE", place).status_code == 204
    assert theirs("GET", "/v1/webhooks").status_code == 401
    assert platform("GET", place).json["revoked_at"] is not None
    assert [one["action"] for one in told(services)] == ["create", "delete"]
    assert key not in str(told(services))
    with services.store.read() as connection:
        assert key not in str(connection.execute(select(api_keys)).all())


def test_a_key_gets_another_name_or_end(platform: Caller, services: Services) -> None:
    made = platform("POST", KEYS, json={"name": "old", "role": "read", "expires_at": later(1)}).json
    place = f"{KEYS}/{made['id']}"
    assert platform("PATCH", place, json={"name": "new"}).json == {
        **{name: value for name, value in made.items() if name != "key"},
        "name": "new",
    }
    assert platform("PATCH", place, json={"expires_at": None}).json["expires_at"] is None
    assert platform("PATCH", place, json={"expires_at": None}).status_code == 200
    for wrong in (
        {"expires_at": later(-1)},
        {"expires_at": "0001-01-01T00:00:00+14:00"},
        {"name": ""},
        {"role": "admin"},
    ):
        assert platform("PATCH", place, json=wrong).status_code == 422, wrong
    assert [one["action"] for one in told(services)] == ["create", "update", "update"]
    assert told(services)[1]["changes"][0]["after"]["name"] == "new"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"role": "read"}, "name"),
        ({"name": "", "role": "read"}, "name"),
        ({"name": "n", "role": "king"}, "role"),
        ({"name": "n", "role": "read", "expires_at": "soon"}, "expires_at"),
        ({"name": "n", "role": "read", "expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ({"name": "n", "role": "read", "organization_id": "other"}, "organization_id"),
    ],
)
def test_a_wrong_key_is_refused_by_field(platform: Caller, body: dict[str, str], field: str) -> None:
    answer = platform("POST", KEYS, json=body)
    assert answer.status_code == 422
    assert [one["field"] for one in answer.json["errors"]] == [field]


def test_no_key_makes_one_that_is_wider(platform: Caller, caller: Callable[..., Caller]) -> None:
    new = {"name": "n", "role": "admin"}
    narrow, whole = caller("admin", "acme", "c1"), caller("admin", "acme")
    assert narrow("POST", KEYS, json=new).status_code == 403
    assert narrow("POST", KEYS, json=new | {"context_id": "c2"}).status_code == 404
    made = narrow("POST", KEYS, json=new | {"context_id": "c1"})
    assert (made.status_code, made.json["context_id"]) == (201, "c1")
    assert whole("POST", KEYS, json=new | {"context_id": "gone"}).status_code == 404
    assert whole("POST", "/v1/organizations/other/keys", json=new).status_code == 404
    assert platform("POST", "/v1/organizations/gone/keys", json=new).status_code == 404


def test_only_an_admin_makes_keys(platform: Caller, caller: Callable[..., Caller]) -> None:
    for role in ("ingest", "read", "write"):
        answer = caller(role, "acme")("POST", KEYS, json={"name": "n", "role": "ingest"})
        assert answer.status_code == 403, role


def test_a_key_that_ends_makes_none_that_outlives_it(platform: Caller, caller: Callable[..., Caller]) -> None:
    short = caller("admin", "acme", expires_at=system_clock() + 2 * DAY)
    new = {"name": "n", "role": "read"}
    assert short("POST", KEYS, json=new).status_code == 403
    assert short("POST", KEYS, json=new | {"expires_at": later(3)}).status_code == 403
    made = short("POST", KEYS, json=new | {"expires_at": later(1)})
    assert made.status_code == 201
    place = f"{KEYS}/{made.json['id']}"
    assert short("PATCH", place, json={"expires_at": None}).status_code == 403
    assert short("PATCH", place, json={"name": "other"}).status_code == 200


def test_keys_of_other_contexts_and_organizations_are_not_there(
    platform: Caller, caller: Callable[..., Caller]
) -> None:
    ids = {
        place: platform("POST", f"/v1/organizations/{place[0]}/keys", json={"name": "n", "role": "read", **more}).json[
            "id"
        ]
        for place, more in {
            ("acme", None): {},
            ("acme", "c1"): {"context_id": "c1"},
            ("acme", "c2"): {"context_id": "c2"},
            ("other", None): {},
        }.items()
    }
    narrow = caller("admin", "acme", "c1")
    mine = {one["name"] + one["id"] for one in narrow("GET", KEYS).json["items"]}
    assert {"n" + ids["acme", "c1"]} <= mine
    assert not {"n" + ids[place] for place in ids if place != ("acme", "c1")} & mine
    for place, key_id in ids.items():
        expected = {("acme", "c1"): {200, 204}}.get(place, {404})
        for method in ("GET", "PATCH", "DELETE"):
            assert narrow(method, f"{KEYS}/{key_id}", json={}).status_code in expected, (method, place)
    assert platform("GET", f"{KEYS}/{ids['other', None]}").status_code == 404


def test_the_list_comes_in_pages(platform: Caller) -> None:
    for number in range(5):
        platform("POST", KEYS, json={"name": f"k{number}", "role": "ingest"})
    first = platform("GET", f"{KEYS}?limit=3").json
    rest = platform("GET", f"{KEYS}?limit=3&cursor={first['next']}").json
    assert (len(first["items"]), len(rest["items"]), rest["next"]) == (3, 2, None)
    assert {one["name"] for one in first["items"] + rest["items"]} == {f"k{number}" for number in range(5)}
