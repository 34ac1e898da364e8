"""Keys that may send only so much, and only what is signed."""

from __future__ import annotations

import asyncio
import base64
import gzip
import hmac
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from flask import Flask
from sqlalchemy import select

from app.api.application import EXTENSION, build_application
from app.core.clock import SECOND, system_clock
from app.core.signing import format_secret
from app.security.api_keys import authenticate
from app.security.sealed_fields import KEY_SECRETS
from app.services import Services
from app.store.tables import events
from app.store.tables_limits import key_terms
from tests.api.conftest import Caller
from tests.api.test_events import event
from tests.api.test_own_audit import own_events
from tests.api.test_server import Server

PLAIN = "a plain secret of a sender"
CANARY = "another canary-secret of a sender"
STANDARD = format_secret(b"s" * 32)
BODY = orjson.dumps(event())


def key_id(caller: Caller, services: Services) -> str:
    with services.store.read() as connection:
        found = authenticate(connection, caller.key, system_clock())
    assert found is not None
    return found.id


def github(body: bytes = BODY, secret: str = PLAIN) -> dict[str, str]:
    return {"X-Hub-Signature-256": f"sha256={hmac.new(secret.encode(), body, 'sha256').hexdigest()}"}


def standard(body: bytes = BODY, *, message: str = "msg_1", late_s: int = 0) -> dict[str, str]:
    at = system_clock() // SECOND - late_s
    signature = base64.b64encode(hmac.digest(b"s" * 32, f"{message}.{at}.".encode() + body, "sha256")).decode()
    return {"webhook-id": message, "webhook-timestamp": str(at), "webhook-signature": f"v1,{signature}"}


@pytest.fixture
def sender(platform: Caller, caller: Callable[..., Caller]) -> Caller:
    return caller("ingest", "acme")


@pytest.fixture
def terms(platform: Caller, sender: Caller, services: Services) -> Callable[..., Any]:
    """Sets the terms of the sender."""
    path = f"/v1/keys/{key_id(sender, services)}/terms"

    def put(**body: Any) -> Any:
        return platform("PUT", path, json=body).json

    put.path = path  # type: ignore[attr-defined]
    return put


def post(sender: Caller, body: bytes = BODY, headers: dict[str, str] | None = None) -> Any:
    return sender("POST", "/v1/events", data=body, headers={"content-type": "application/json", **(headers or {})})


def signing(scheme: str, *secrets: str, **more: str) -> dict[str, Any]:
    return {"signature": {"scheme": scheme, "secrets": list(secrets), **more}}


def test_terms_are_shown_without_a_secret_sealed_audited_and_taken_away(
    platform: Caller, sender: Caller, terms: Any, services: Services
) -> None:
    shown = terms(rate_per_s=50, **signing("github", PLAIN, CANARY))
    github_shown = {"scheme": "github", "header": "x-hub-signature-256", "secrets": {"set": True, "number": 2}}
    assert shown == {"rate_per_s": 50, "signature": github_shown}
    assert platform("GET", terms.path).json == shown
    with services.store.read() as connection:
        row = connection.execute(select(key_terms)).mappings().one()
        stored = b"".join(bytes(body) for body in connection.execute(select(events.c.body)).scalars())
    assert CANARY.encode() not in row["secrets_sealed"] + stored
    place = {"organization": "acme", "webhook": row["key_id"], "field": KEY_SECRETS}
    assert orjson.loads(services.vault.open(row["secrets_sealed"], **place)) == [PLAIN, CANARY]
    told = own_events(platform)[-1]["changes"][0]
    assert told["after"] == {"rate_per_s": 50, "signed": "github"}
    assert platform("DELETE", terms.path).status_code == 204
    assert platform("GET", terms.path).json == {"rate_per_s": None, "signature": None}
    assert post(sender).status_code == 200


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "rate_per_s"),
        ({"rate_per_s": 0}, "rate_per_s"),
        (signing("rot13", PLAIN), "scheme"),
        (signing("github"), "secrets"),
        (signing("github", *[PLAIN] * 5), "secrets"),
        (signing("github", "short-canary"), "secret"),
        (signing("standard_webhooks", CANARY), "secret"),
        (signing("github", PLAIN, header="not a name"), "header"),
    ],
    ids=repr,
)
def test_terms_that_make_no_sense_are_refused_by_field_and_no_secret_is_repeated(
    platform: Caller, terms: Any, body: dict[str, Any], field: str
) -> None:
    answer = platform("PUT", terms.path, json=body)
    assert answer.status_code == 422
    assert field in answer.text
    assert "canary" not in answer.text


def test_a_signed_key_takes_what_is_signed_and_nothing_else(sender: Caller, terms: Any) -> None:
    terms(**signing("github", PLAIN, CANARY))
    for secret, number in ((PLAIN, 1), (CANARY, 0)):
        answer = post(sender, headers=github(secret=secret))
        assert (answer.status_code, answer.json["accepted"]) == (200, number)
    refused = [post(sender, headers=one) for one in ({}, github(secret="wrong secret of a sender"), github(b"{}"))]
    assert {answer.status_code for answer in refused} == {401}
    assert len({answer.text for answer in refused}) == 1
    assert "accepted" not in refused[0].text


@pytest.mark.parametrize("body", [b"", b"no JSON", b"[" * 100_000, b"\xff\xfe", b"{}"])
def test_nothing_is_read_of_a_body_before_its_signature(sender: Caller, terms: Any, body: bytes) -> None:
    terms(**signing("github", PLAIN))
    assert post(sender, body, github(b"another")).status_code == 401
    assert post(sender, body, github(body)).status_code == 400


def test_a_signed_body_comes_as_it_was_signed_and_not_compressed(sender: Caller, terms: Any) -> None:
    terms(**signing("github", PLAIN))
    packed = gzip.compress(BODY)
    answer = post(sender, packed, {**github(packed), "content-encoding": "gzip"})
    assert answer.status_code == 415


def test_a_message_that_is_too_old_is_refused_and_a_copy_is_a_duplicate_on_every_process(
    sender: Caller, terms: Any, app: Flask, services: Services
) -> None:
    terms(**signing("standard_webhooks", STANDARD))
    assert post(sender, headers=standard(late_s=400)).status_code == 401
    assert post(sender, headers=standard()).json["accepted"] == 1
    another = build_application(services.settings)
    there: Services = another.extensions[EXTENSION]
    other_body = orjson.dumps(event(id="another"))
    copy = post(Caller(another.test_client(), sender.key), other_body, standard(other_body))
    there.egress.close()
    there.store.close()
    assert (copy.status_code, copy.json["accepted"], copy.json["duplicates"]) == (200, 0, 1)
    assert post(sender, other_body, standard(other_body, message="msg_2")).json["accepted"] == 1


def test_a_sender_over_its_limit_is_told_when_to_come_back(sender: Caller, terms: Any) -> None:
    terms(rate_per_s=1)
    many = orjson.dumps([event(id=f"e{number}") for number in range(30)])
    assert post(sender, many).status_code == 200
    refused = post(sender)
    assert refused.status_code == 429
    assert refused.json["type"] == "urn:relaypoint:problem:too-many-requests"
    assert 25 <= int(refused.headers["retry-after"]) <= 30


def test_the_fast_lane_keeps_the_same_terms(app: Flask, sender: Caller, terms: Any, services: Services) -> None:
    terms(rate_per_s=2, **signing("github", PLAIN))
    server = Server(app, sender.key)
    lower = {name.lower(): value for name, value in github().items()}

    def answers(**headers: str) -> int:
        return asyncio.run(server.ask("POST", "/v1/events", BODY, **headers)).status

    assert answers(**lower) == 200
    ways = server.long_way
    assert answers(**lower) == 200
    assert server.long_way == ways, "what is known and right takes the fast lane"
    assert answers(**{"x-hub-signature-256": "sha256=" + "0" * 64}) == 401
    services.ingest.buckets.learn({key_id(sender, services): system_clock() + 100 * SECOND})
    ways = server.long_way
    assert answers(**lower) == 429
    assert server.long_way == ways


def test_the_setting_limits_keys_without_terms_of_their_own(
    platform: Caller, sender: Caller, services: Services
) -> None:
    services.gate._default_rate = 1
    assert post(sender, orjson.dumps([event(id=f"e{number}") for number in range(9)])).status_code == 200
    assert post(sender).status_code == 429


def test_only_who_manages_keys_sees_or_sets_terms(platform: Caller, caller: Callable[..., Caller], terms: Any) -> None:
    terms(rate_per_s=1)
    for role in ("read", "write", "ingest"):
        assert caller(role, "acme")("GET", terms.path).status_code == 403
    for place in (("other", None), ("acme", "c1")):
        assert caller("admin", *place)("GET", terms.path).status_code == 404
        assert caller("admin", *place)("DELETE", terms.path).status_code == 404
