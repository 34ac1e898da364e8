from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from app.core.clock import system_clock
from app.security.api_keys import revoke_key
from app.services import Services
from app.store.tables import api_keys
from tests.api.conftest import Caller

PUBLIC = {"GET /healthz", "GET /readyz", "GET /metrics", "GET /v1/openapi.json"}
SIGNED = {"POST /v1/sources/<source>/events", "GET /v1/sources/<source>/events"}
"""Called by foreign systems, which have no key; the secret of the source opens them."""
OPEN = PUBLIC | SIGNED
LOOKS = {
    "POST /v1/sinks/<sink>/render",
    "POST /v1/filters/test",
    "POST /v1/webhooks/<webhook>/explain",
    "POST /v1/organizations/<organization>/change-windows/test",
    "POST /v1/organizations/<organization>/change-windows/preview",
}
"""Calls that carry a body and change nothing."""
WINDOW = {"name": "Any", "time_intervals": [{}]}
RULE = {"name": "Any", "pattern": {"action": ["update"]}, "sensitivity": 1}
SOURCE = {"kind": "github", "name": "Code"}
ARGUMENT = re.compile(r"<\w+>")


def declared(app: Flask) -> list[str]:
    return [rule.endpoint for rule in app.url_map.iter_rules()]


def test_every_route_was_declared_with_a_permission_and_only_the_known_ones_are_public(app: Flask) -> None:
    document = app.test_client().get("/v1/openapi.json").json
    assert document is not None
    described = {
        method.upper() + " " + path.replace("{", "<").replace("}", ">"): operation
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    }
    assert set(described) == set(declared(app))
    assert {name for name, operation in described.items() if operation.get("security") == []} == OPEN
    assert all("x-permission" in operation for name, operation in described.items() if name not in OPEN)


def test_no_route_answers_without_a_key(app: Flask) -> None:
    client = app.test_client()
    for endpoint in set(declared(app)) - OPEN:
        method, path = endpoint.split()
        answer = client.open(ARGUMENT.sub("x", path), method=method)
        assert answer.status_code == 401, endpoint
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert answer.json is not None
        assert answer.json["type"] == "urn:relaypoint:problem:unauthenticated"


def test_an_ingest_key_can_do_nothing_but_send(app: Flask, platform: Caller, caller: Callable[..., Caller]) -> None:
    sender = caller("ingest", "acme")
    for endpoint in set(declared(app)) - OPEN - {"POST /v1/events"}:
        method, path = endpoint.split()
        assert sender(method, ARGUMENT.sub("x", path)).status_code == 403, endpoint


def test_a_reader_changes_nothing(app: Flask, platform: Caller, caller: Callable[..., Caller]) -> None:
    reader = caller("viewer", "acme")
    for endpoint in declared(app):
        method, path = endpoint.split()
        if method != "GET" and endpoint not in LOOKS | SIGNED:
            assert reader(method, ARGUMENT.sub("x", path), json={}).status_code == 403, endpoint


@pytest.mark.parametrize(("organization", "context"), [("other", None), ("acme", "c2")])
def test_foreign_ids_are_not_there(
    app: Flask, platform: Caller, caller: Callable[..., Caller], organization: str, context: str | None
) -> None:
    body = {"type": "instant", "name": "Mine", "organization_id": "acme", "context_id": "c1"}
    webhook = platform("POST", "/v1/webhooks", json=body).json["id"]
    change = {"sink": "webhook", "endpoint_url": "http://127.0.0.1:9/"}
    assert platform("PATCH", f"/v1/webhooks/{webhook}", json=change).status_code == 200
    event = {"id": "e1", "organization_id": "acme", "type": "entrypoint.configuration.audit", "context": {"id": "c1"}}
    assert platform("POST", "/v1/events", json=event).status_code == 200
    delivery = platform("GET", f"/v1/webhooks/{webhook}/deliveries").json["items"][0]["id"]
    since = {"since": "2026-01-01T00:00:00Z"}
    replay = platform("POST", f"/v1/webhooks/{webhook}/redeliver", json=since).json["id"]
    stranger = caller("admin", organization, context)
    window = platform("POST", "/v1/organizations/acme/change-windows", json=WINDOW).json["id"]
    source = platform("POST", "/v1/organizations/acme/sources", json=SOURCE).json["id"]
    ids = {"<webhook>": webhook, "<delivery>": delivery, "<event>": "e1", "<sink>": "webhook", "<organization>": "acme"}
    invited = {"email": "ada@example.com", "role": "viewer"}
    member = platform("POST", "/v1/organizations/acme/members", json=invited).json["id"]
    key = platform("POST", "/v1/organizations/acme/keys", json={"name": "n", "role": "read"}).json["id"]
    ids |= {"<member>": member, "<key>": key}
    ids |= {"<row>": window, "<replay>": replay, "<context>": "c1", "<source>": source}
    bodies: dict[str, dict[str, Any]] = {
        "POST /v1/sinks/<sink>/render": {"event_id": "e1"},
        "POST /v1/webhooks/<webhook>/redeliver": since,
        "POST /v1/webhooks/<webhook>/backfill": since,
    }
    for path, body in (("change-windows", WINDOW), ("sensitivity-rules", RULE)):
        place = f"/v1/organizations/<organization>/{path}"
        bodies |= {f"POST {place}": body, f"PUT {place}/<row>": body, f"POST {place}/preview": body}
    bodies["PUT /v1/keys/<key>/terms"] = {"rate_per_s": 1}
    bodies["POST /v1/organizations/<organization>/change-windows/test"] = {"time": "2026-01-01T00:00:00Z"}
    bodies["POST /v1/organizations/<organization>/change-windows/import"] = {"format": "icalendar", "text": ""}
    bodies["POST /v1/organizations/<organization>/sources"] = SOURCE
    bodies["POST /v1/organizations/<organization>/members"] = invited
    bodies["PATCH /v1/organizations/<organization>/members/<member>"] = {"role": "viewer"}
    bodies["POST /v1/organizations/<organization>/keys"] = {"name": "n", "role": "read"}
    bodies["POST /v1/organizations/<organization>/contexts"] = {"service": "entrypoint", "name": "Mine"}
    for endpoint in set(declared(app)) - OPEN:
        its_own = organization == "acme" and "<organization>" in endpoint and "<context>" not in endpoint
        if "<" not in endpoint or its_own:
            continue
        method, path = endpoint.split()
        for argument, value in ids.items():
            path = path.replace(argument, value)
        assert stranger(method, path, json=bodies.get(endpoint, {})).status_code == 404, endpoint
    for path in ("/v1/webhooks", "/v1/events"):
        assert stranger("GET", path).json["items"] == []
    assert platform("GET", f"/v1/webhooks/{webhook}").status_code == 200


def test_places_are_closed_to_strangers(platform: Caller, caller: Callable[..., Caller]) -> None:
    stranger = caller("admin", "other")
    assert [one["id"] for one in stranger("GET", "/v1/organizations").json["items"]] == ["other"]
    assert stranger("GET", "/v1/organizations/acme/contexts").status_code == 404
    body = {"service": "entrypoint", "name": "Mine"}
    assert stranger("POST", "/v1/organizations/acme/contexts", json=body).status_code == 404
    assert stranger("POST", "/v1/organizations", json={"name": "New"}).status_code == 403
    narrow = caller("admin", "acme", "c1")
    assert [one["id"] for one in narrow("GET", "/v1/organizations/acme/contexts").json["items"]] == ["c1"]
    assert narrow("GET", "/v1/ledger").status_code == 403


def test_a_key_of_one_context_sees_its_organizations_policies_and_changes_none(
    platform: Caller, caller: Callable[..., Caller]
) -> None:
    place = "/v1/organizations/acme/change-windows"
    window = platform("POST", place, json=WINDOW).json["id"]
    narrow = caller("admin", "acme", "c1")
    assert [one["id"] for one in narrow("GET", place).json["items"]] == [window]
    assert narrow("POST", place, json=WINDOW | {"name": "Mine"}).status_code == 403
    assert narrow("PUT", f"{place}/{window}", json=WINDOW).status_code == 403
    assert narrow("DELETE", f"{place}/{window}").status_code == 403


def test_the_ledger_of_an_organization_shows_its_own_webhooks_only(
    platform: Caller, caller: Callable[..., Caller]
) -> None:
    for organization in ("acme", "other"):
        body = {"type": "batch", "name": f"At {organization}", "organization_id": organization}
        assert platform("POST", "/v1/webhooks", json=body).status_code == 201
    found = caller("read", "other")("GET", "/v1/ledger").json
    assert [one["name"] for one in found["webhooks"]] == ["At other"]
    assert found["balanced"] is True


def test_unknown_revoked_and_expired_keys_look_the_same(
    platform: Caller, caller: Callable[..., Caller], services: Services
) -> None:
    revoked = caller("read", "acme")
    assert revoked("GET", "/v1/webhooks").status_code == 200
    with services.store.write() as connection:
        mine = select(api_keys.c.id).where(api_keys.c.prefix == revoked.key.split("_")[1])
        revoke_key(connection, connection.execute(mine).scalar_one(), system_clock())
    expired = caller("read", "acme", expires_at=1)
    unknown = Caller(revoked.client, "rp_aaaaaaaa_" + "a" * 43)
    answers = [one("GET", "/v1/webhooks") for one in (revoked, expired, unknown)]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.data for answer in answers}) == 1
