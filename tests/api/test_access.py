"""What the description of the API says of access, and what roles come to. The matrix is in `test_isolation_matrix`."""

from __future__ import annotations

import re
from collections.abc import Callable

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
    "POST /v1/organizations/<organization>/change-windows/import/preview",
}
"""Calls that carry a body and change nothing."""
WINDOW = {"name": "Any", "time_intervals": [{}]}
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
