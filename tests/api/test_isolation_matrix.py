"""Every route x everybody who should not get in, from the URL map: a route without an entry fails here."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from flask import Flask
from werkzeug.test import TestResponse

from app.api.front import SECURITY_HEADERS
from app.core.clock import system_clock
from app.security.api_keys import create_key, revoke_key
from app.services import Services
from tests.api.conftest import Caller
from tests.api.isolation import C1, MATRIX, OWN_NAMES, PUBLIC, REFERENCES, RULE, SIGNED, WINDOW, Entry, Reach
from tests.people import EMAIL, PASSWORD, SOMEWHERE, add_member, add_person

NAMED = re.compile(r"^(\w+_)?(organization|context|webhook|event|key|member|source|batch|replay|delivery)s?(_ids?)?$")
"""Fields of bodies that look as if they named a thing of a tenant."""
NOT_NAMES = frozenset({"batch"})
"""The settings of batches."""
UNSEEN = ("zanzibar", "Zanzibar")
"""In every name of context c1 of acme: nobody outside may read it."""
UNSEEN_OUTSIDE = (*UNSEEN, "tortuga", "Tortuga")
"""In every name of acme's own things."""


def declared(app: Flask) -> set[str]:
    """The routes, each row of policies by its own name."""
    return {
        rule.endpoint.replace("windows/<row>", "windows/<window>").replace("rules/<row>", "rules/<rule>")
        for rule in app.url_map.iter_rules()
    }


class Installation:
    """Organization acme with something of everything in its context c1, and all who ask for it."""

    def __init__(self, app: Flask, services: Services, platform: Caller, caller: Callable[..., Caller]) -> None:
        self._client = app.test_client()
        self._services = services
        self.platform = platform
        self.ids = self._furnish(platform)
        self.owner = caller("admin", "acme")
        self.by_role = {role: caller(role, "acme") for role in ("ingest", "read", "write")}
        self.neighbour = caller("admin", "acme", "c2")
        self.stranger = caller("admin", "other")
        self.nobodies = {
            "anonymous": {},
            "unknown key": bearer("rp_aaaaaaaa_" + "a" * 43),
            "expired key": bearer(caller("admin", "acme", expires_at=1).key),
            "revoked key": bearer(self._revoked()),
            "no bearer": {"Authorization": f"Basic {self.owner.key}"},
            "a person's cookie": {"Cookie": f"relaypoint-http={self._session()}"},
        }

    def _furnish(self, admin: Caller) -> dict[str, str]:
        def made(path: str, body: dict[str, Any]) -> str:
            answer = admin("POST", path, json=body)
            assert answer.status_code in {201, 202}, answer.text
            found: str = answer.json["id"]
            return found

        hook = {"name": "Zanzibar hook", "organization_id": "acme", **C1}
        webhook, archive = (made("/v1/webhooks", hook | {"type": kind}) for kind in ("instant", "batch"))
        for one in (webhook, archive):
            change = {"sink": "webhook", "endpoint_url": "http://127.0.0.1:9/zanzibar"}
            assert admin("PATCH", f"/v1/webhooks/{one}", json=change).status_code == 200
        event = {
            "id": "zanzibar-1",
            "organization_id": "acme",
            "type": "entrypoint.configuration.audit",
            "context": {"id": "c1"},
            "description": "Zanzibar",
        }
        assert admin("POST", "/v1/events", json=event).json["accepted"] == 1
        closed = admin("POST", f"/v1/webhooks/{archive}/batches/close").json["closed"]
        organization = "/v1/organizations/acme"
        return {
            "<organization>": "acme",
            "<context>": "c1",
            "<webhook>": webhook,
            "<event>": "zanzibar-1",
            "<delivery>": admin("GET", f"/v1/webhooks/{webhook}/deliveries").json["items"][0]["id"],
            "<batch>": closed[0]["id"],
            "<replay>": made(f"/v1/webhooks/{webhook}/redeliver", {"since": "2026-01-01T00:00:00Z"}),
            "<sink>": "webhook",
            "<window>": made(f"{organization}/change-windows", WINDOW),
            "<rule>": made(f"{organization}/sensitivity-rules", RULE),
            "<source>": made(f"{organization}/sources", {"kind": "github", "name": "Zanzibar code", **C1}),
            "<key>": made(f"{organization}/keys", {"name": "Zanzibar key", "role": "read", **C1}),
            "<member>": made(f"{organization}/members", {"email": "zanzibar@example.com", "role": "viewer", **C1}),
        }

    def _revoked(self) -> str:
        more = {"now": system_clock(), "random_bytes": secrets.token_bytes}
        with self._services.store.write() as connection:
            record, key = create_key(connection, name="n", role="admin", organization_id="acme", **more)  # type: ignore[arg-type]
            revoke_key(connection, record.id, system_clock())
        return key

    def _session(self) -> str:
        add_member(self._services.store, add_person(self._services.store, now=system_clock()), "owner")
        return self._services.people.sign_in(EMAIL, PASSWORD, SOMEWHERE)

    def path(self, endpoint: str) -> tuple[str, str]:
        method, path = endpoint.split()
        for argument, value in self.ids.items():
            path = path.replace(argument, value)
        assert "<" not in path, endpoint
        return method, path

    def ask(self, caller: Caller, endpoint: str, body: dict[str, Any]) -> TestResponse:
        method, path = self.path(endpoint)
        return caller(method, path, **sending(method, body))

    def ask_as_nobody(self, headers: dict[str, str], endpoint: str, body: dict[str, Any]) -> TestResponse:
        method, path = self.path(endpoint)
        return self._client.open(path, method=method, headers=headers, **sending(method, body))


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def sending(method: str, body: dict[str, Any]) -> dict[str, Any]:
    return {} if method == "GET" else {"json": body}


@pytest.fixture
def installation(app: Flask, services: Services, platform: Caller, caller: Callable[..., Caller]) -> Installation:
    return Installation(app, services, platform, caller)


def test_every_route_has_an_entry_and_every_entry_a_route(app: Flask) -> None:
    assert declared(app) == MATRIX.keys() | SIGNED | PUBLIC


def outsiders(installation: Installation) -> dict[str, tuple[Caller, Callable[[Entry], set[int]], tuple[str, ...]]]:
    """Who asks with a good key for what is not theirs: expected answers by entry, and what none of them may hold."""

    def without(role: str) -> Callable[[Entry], set[int]]:
        return lambda entry: set() if entry.allows(role) else {403}

    def neighbour(entry: Entry) -> set[int]:
        if entry.reach is Reach.CONTEXT:
            return {404}
        if entry.reach is Reach.WHOLE:
            return {403} if entry.changes else {200}
        return {403} if entry.reach is Reach.PLATFORM else {200, 403}

    def stranger(entry: Entry) -> set[int]:
        if entry.reach in {Reach.CONTEXT, Reach.WHOLE}:
            return {404}
        return {403} if entry.reach is Reach.PLATFORM else {200}

    by_role = {role: (caller, without(role), ()) for role, caller in installation.by_role.items()}
    return {
        **by_role,
        "neighbour": (installation.neighbour, neighbour, UNSEEN),
        "stranger": (installation.stranger, stranger, UNSEEN_OUTSIDE),
    }


def test_nobody_gets_what_is_not_theirs(installation: Installation) -> None:
    wrong = []
    for endpoint, entry in MATRIX.items():
        for who, headers in installation.nobodies.items():
            answer = installation.ask_as_nobody(headers, endpoint, entry.body)
            refused = answer.status_code == 401 and answer.headers["www-authenticate"].startswith("Bearer")
            if not refused or answer.json["type"] != "urn:relaypoint:problem:unauthenticated":
                wrong.append((endpoint, who, answer.status_code))
        for who, (caller, expected, unseen) in outsiders(installation).items():
            allowed = expected(entry)
            if not allowed:
                continue
            answer = installation.ask(caller, endpoint, entry.body)
            told = [word for word in unseen if word in answer.text and word not in str(entry.body) + endpoint]
            if answer.status_code not in allowed or told:
                wrong.append((endpoint, who, answer.status_code, told, answer.text[:200]))
    assert not wrong, "\n".join(map(str, wrong))


def test_whoever_it_belongs_to_gets_all_of_it(installation: Installation) -> None:
    """The same requests by the owner: what is asked for is there. 409 is an answer about a thing that was found."""
    order = {"GET": 0, "POST": 1, "PUT": 2, "PATCH": 3, "DELETE": 4}
    wrong = []
    for endpoint in sorted(MATRIX, key=lambda one: (order[one.split()[0]], "cancel" in one, len(one))):
        entry = MATRIX[endpoint]
        caller = installation.platform if entry.reach is Reach.PLATFORM else installation.owner
        answer = installation.ask(caller, endpoint, entry.body)
        if answer.status_code not in {200, 201, 202, 204, 409}:
            wrong.append((endpoint, answer.status_code, answer.text[:200]))
    assert not wrong, "\n".join(map(str, wrong))


def test_every_answer_has_the_security_headers(installation: Installation) -> None:
    for endpoint in [*MATRIX, *SIGNED, *PUBLIC]:
        body = MATRIX[endpoint].body if endpoint in MATRIX else {}
        for answer in (
            installation.ask(installation.owner, endpoint, body),
            installation.ask_as_nobody({}, endpoint, {}),
        ):
            assert {name: answer.headers.get(name) for name in SECURITY_HEADERS} == SECURITY_HEADERS, endpoint
            assert "set-cookie" not in answer.headers, endpoint


def test_a_request_that_is_not_signed_by_its_source_is_refused(installation: Installation) -> None:
    for endpoint in SIGNED:
        for headers in (*installation.nobodies.values(), bearer(installation.owner.key)):
            answer = installation.ask_as_nobody(headers, endpoint, {})
            assert answer.status_code in {401, 404, 405}, endpoint
            assert not any(word in answer.text for word in UNSEEN_OUTSIDE)


def test_public_routes_tell_nothing_of_tenants(installation: Installation) -> None:
    for endpoint in PUBLIC:
        answer = installation.ask_as_nobody({}, endpoint, {})
        assert answer.status_code == 200
        found = [word for word in (*UNSEEN_OUTSIDE, "acme", *installation.ids.values()) if f'"{word}"' in answer.text]
        assert [word for word in found if word != "webhook"] == [], endpoint


def test_every_field_that_names_a_thing_is_tried_with_somebody_elses(app: Flask) -> None:
    document = app.test_client().get("/v1/openapi.json").json
    assert document is not None
    named = set()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
            model = document["components"]["schemas"].get(schema.get("$ref", "").rpartition("/")[2], {})
            endpoint = f"{method.upper()} {path.replace('{', '<').replace('}', '>')}"
            endpoint = endpoint.replace("windows/<row>", "windows/<window>").replace("rules/<row>", "rules/<rule>")
            fields = model.get("properties", {}).keys() - NOT_NAMES
            named |= {(endpoint, one) for one in fields if NAMED.match(one)}
    assert named == REFERENCES.keys() | OWN_NAMES


def test_a_body_that_names_somebody_elses_thing_gets_nothing_of_it(installation: Installation) -> None:
    wrong = []
    asking = {
        "stranger": (installation.stranger, "other", "acme"),
        "neighbour": (installation.neighbour, "acme", "other"),
    }
    for (endpoint, one), (body, expected) in REFERENCES.items():
        for who, (caller, own, foreign) in asking.items():
            text = orjson.dumps(body).decode().replace("{own}", own).replace("{foreign}", foreign)
            for argument, value in installation.ids.items():
                text = text.replace(argument, value)
            method, path = installation.path(endpoint.replace("<organization>", own))
            answer = caller(method, path, json=orjson.loads(text))
            told = [word for word in UNSEEN if word in answer.text and word not in text]
            if answer.status_code not in expected or told:
                wrong.append((endpoint, one, who, answer.status_code, answer.text[:200]))
    assert not wrong, "\n".join(map(str, wrong))


@pytest.mark.parametrize(
    "query", ["organization=acme", "organization=acme&context=c1", "context=c1", "q=zanzibar", "event_type=*"]
)
def test_a_filter_that_names_somebody_elses_place_finds_nothing(installation: Installation, query: str) -> None:
    for caller in (installation.stranger, installation.neighbour):
        for path in (f"/v1/events?{query}", f"/v1/webhooks?{query.replace('=', '_id=', 1)}"):
            answer = caller("GET", path)
            assert not any(word in answer.text for word in UNSEEN), path
    answer = installation.stranger("GET", "/v1/events/zanzibar-1?organization=acme")
    assert answer.status_code == 404


def test_an_event_for_somebody_elses_place_is_not_taken(installation: Installation) -> None:
    event = {"type": "entrypoint.configuration.audit", "organization_id": "acme", "context": {"id": "c1"}}
    for caller in (installation.stranger, installation.neighbour):
        answer = caller("POST", "/v1/events", json=[event | {"id": "forged"}])
        assert answer.status_code == 403 or answer.json["accepted"] == 0
    assert installation.owner("GET", "/v1/events/forged").status_code == 404
