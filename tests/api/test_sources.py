"""Sources through the API: made, sent to, proven, counted, rotated, switched off."""

from __future__ import annotations

import hashlib
import hmac
import threading
import time
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.ingest import source_door, source_reader
from app.services import Services
from app.sinks import Settings, SourceInfo
from app.store.tables_sources import sources
from tests.api.conftest import Caller

PLACE = "/v1/organizations/acme/sources"
MEMBER = {
    "action": "added",
    "member": {"login": "octocat", "id": 583231},
    "sender": {"login": "Ann", "id": 7, "type": "User"},
    "repository": {"full_name": "acme/code"},
}


@pytest.fixture(autouse=True)
def changes_count_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_door, "REMEMBERED_FOR", 0)


@pytest.fixture
def source(platform: Caller) -> dict[str, Any]:
    made = platform("POST", PLACE, json={"kind": "github", "name": "Code of Acme", "context_id": "c1"})
    assert made.status_code == 201
    assert made.json is not None
    return made.json


def send(
    app: Flask, source: dict[str, Any], payload: Any = MEMBER, event: str = "member", delivery: str = "d1", **more: Any
) -> TestResponse:
    body = orjson.dumps(payload)
    secret = more.pop("secret", source["secret"])
    signature = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    headers = {"x-hub-signature-256": signature, "x-github-event": event, "x-github-delivery": delivery}
    headers |= {"content-type": "application/json", **more.pop("headers", {})}
    return app.test_client().post(source["path"], data=body, headers=headers, **more)


def counts(services: Services, platform: Caller, source: dict[str, Any]) -> dict[str, int]:
    services.source_tally.write()
    shown = platform("GET", f"{PLACE}/{source['id']}").json
    assert shown is not None
    taken: dict[str, int] = {name: number for name, number in shown["counts"].items() if number}
    return taken | shown["refused"]


def test_a_signed_request_becomes_an_event_of_the_place_of_its_source(
    app: Flask, platform: Caller, source: dict[str, Any]
) -> None:
    answer = send(app, source)
    assert (answer.status_code, answer.json) == (200, {"accepted": 1, "duplicates": 0, "rejected": []})
    event = platform("GET", "/v1/events/d1").json
    assert event is not None
    assert (event["organization"]["id"], event["context"]["id"]) == ("acme", "c1")
    assert (event["type"], event["source"]) == ("github.member.audit", {"format": "github"})
    assert event["entity"]["name"] == "octocat"


def test_its_events_are_owed_like_all_others(app: Flask, platform: Caller, source: dict[str, Any]) -> None:
    made = platform("POST", "/v1/webhooks", json={"type": "instant", "name": "All", "organization_id": "acme"}).json
    change = {"sink": "webhook", "endpoint_url": "http://127.0.0.1:9/"}
    assert platform("PATCH", f"/v1/webhooks/{made['id']}", json=change).status_code == 200
    send(app, source)
    events = [one["event_id"] for one in platform("GET", f"/v1/webhooks/{made['id']}/deliveries").json["items"]]
    assert "d1" in events


def test_a_delivery_that_comes_again_is_a_duplicate(
    app: Flask, services: Services, platform: Caller, source: dict[str, Any]
) -> None:
    answers = [send(app, source, delivery=delivery).json for delivery in ("d1", "d1", "d2")]
    assert [(one["accepted"], one["duplicates"]) for one in answers if one] == [(1, 0), (0, 1), (1, 0)]
    assert counts(services, platform, source) == {"accepted": 2, "duplicate": 1}


def test_a_ping_and_what_is_of_no_interest_are_answered_and_counted(
    app: Flask, services: Services, platform: Caller, source: dict[str, Any]
) -> None:
    assert send(app, source, {"zen": "x"}, "ping").json == {"pong": True}
    assert send(app, source, {}, "push").status_code == 200
    assert counts(services, platform, source) == {"handshake": 1, "ignored": 1}


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"secret": "another secret, long"}, 401),
        ({"headers": {"x-hub-signature-256": ""}}, 401),
        ({"payload": [], "event": "member"}, 400),
        ({"headers": {"content-type": "application/x-www-form-urlencoded"}}, 400),
        ({"headers": {"content-encoding": "gzip"}}, 415),
        ({"payload": {"x": "y" * 300_000}}, 413),
    ],
)
def test_what_cannot_be_proven_or_read_is_refused_and_nothing_is_stored(
    app: Flask, platform: Caller, source: dict[str, Any], wrong: dict[str, Any], status: int
) -> None:
    answer = send(app, source, **wrong)
    assert (answer.status_code, answer.content_type) == (status, "application/problem+json")
    found = platform("GET", "/v1/events").json
    assert found is not None
    assert [one["id"] for one in found["items"] if one["type"].startswith("github.")] == []


def test_refusals_are_counted_by_reason(
    app: Flask, services: Services, platform: Caller, source: dict[str, Any]
) -> None:
    send(app, source, secret="another secret, long")
    send(app, source, secret="another secret, long")
    send(app, source, [])
    platform("PATCH", f"{PLACE}/{source['id']}", json={"enabled": False})
    assert send(app, source).status_code == 404
    assert counts(services, platform, source) == {"unverified": 2, "unreadable": 1, "switched_off": 1}


def test_an_unknown_address_is_not_there(app: Flask) -> None:
    client = app.test_client()
    for path in ("src_aaaaaaaaaaaaaaaa", "src_", "x", "src_AAAAAAAAAAAAAAAA"):
        for method in ("GET", "POST"):
            assert client.open(f"/v1/sources/{path}/events", method=method).status_code == 404, path


def test_an_old_secret_counts_until_its_overlap_ends(app: Flask, platform: Caller, source: dict[str, Any]) -> None:
    rotated = platform("POST", f"{PLACE}/{source['id']}/secret/rotate", json={}).json
    assert rotated is not None
    assert rotated["secret"] != source["secret"]
    assert rotated["previous_secret_until"] is not None
    assert [send(app, source, secret=one["secret"]).status_code for one in (source, rotated)] == [200, 200]
    last = platform("POST", f"{PLACE}/{source['id']}/secret/rotate", json={"overlap_s": 0}).json
    assert last is not None
    assert [send(app, source, secret=one["secret"]).status_code for one in (rotated, last)] == [401, 200]


def test_okta_verifies_its_hook_and_sends_events_of_its_log(app: Flask, services: Services, platform: Caller) -> None:
    made = platform("POST", PLACE, json={"kind": "okta", "name": "Staff", "secret": "a secret of ours"}).json
    assert made is not None
    client, headers = app.test_client(), {"authorization": "a secret of ours"}
    challenge = client.get(made["path"], headers={**headers, "x-okta-verification-challenge": "Me_rShK8"})
    assert (challenge.status_code, challenge.json) == (200, {"verification": "Me_rShK8"})
    assert client.get(made["path"], headers={"x-okta-verification-challenge": "x"}).status_code == 401
    good = {"uuid": "u1", "eventType": "user.lifecycle.create"}
    answer = client.post(made["path"], json={"data": {"events": [good, "nonsense", {"uuid": "u2"}]}}, headers=headers)
    assert answer.json is not None
    assert (answer.status_code, answer.json["accepted"]) == (200, 1)
    assert [(one["index"], one["type"]) for one in answer.json["rejected"]] == [
        (1, "not_an_object"),
        (2, "invalid_event"),
    ]
    expected = {"handshake": 1, "accepted": 1, "invalid_event": 2, "unverified": 1}
    assert counts(services, platform, made) == expected


def test_the_secret_is_shown_once_and_stored_sealed(
    services: Services, platform: Caller, source: dict[str, Any]
) -> None:
    for shown in (platform("GET", PLACE), platform("GET", f"{PLACE}/{source['id']}"), platform("GET", "/v1/events")):
        assert source["secret"] not in shown.text
    with services.store.read() as connection:
        (row,) = connection.execute(select(sources)).mappings()
    assert source["secret"].encode() not in row["secret_sealed"]


def test_every_change_is_an_event_of_the_own_audit(platform: Caller, source: dict[str, Any]) -> None:
    one = f"{PLACE}/{source['id']}"
    platform("PATCH", one, json={"name": "Code"})
    platform("POST", f"{one}/secret/rotate", json={})
    assert platform("DELETE", one).status_code == 204
    assert platform("GET", one).status_code == 404
    found = platform("GET", "/v1/events?event_type=organization.configuration.audit").json
    assert found is not None
    told = [(item["action"], [change["field"] for change in item["changes"]]) for item in found["items"]]
    assert [action for action, _ in told] == ["delete", "update", "update", "create"]
    assert told[1][1] == ["secret"]
    assert told[2][1] == ["name"]


def test_a_wrong_field_is_named(platform: Caller) -> None:
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"kind": "nowhere", "name": "Code"}, "kind"),
        ({"kind": "github", "name": "x"}, "name"),
        ({"kind": "github", "name": "Code", "secret": "short"}, "secret"),
        ({"kind": "github", "name": "Code", "config": {"colour": "red"}}, "config.colour"),
        ({"kind": "okta", "name": "Code", "config": {"header": "no spaces"}}, "config.header"),
        ({"kind": "github", "name": "Code", "colour": "red"}, "colour"),
    ]
    for body, field in wrong:
        answer = platform("POST", PLACE, json=body)
        assert answer.status_code == 422
        assert answer.json is not None
        assert [one["field"] for one in answer.json["errors"]] == [field]


def test_a_name_is_taken_once_and_a_context_must_exist(platform: Caller, source: dict[str, Any]) -> None:
    assert platform("POST", PLACE, json={"kind": "github", "name": source["name"]}).status_code == 409
    body = {"kind": "github", "name": "Elsewhere", "context_id": "nowhere"}
    assert platform("POST", PLACE, json=body).status_code == 404


def test_a_key_of_one_context_sees_and_makes_sources_of_that_context_only(
    platform: Caller, caller: Callable[..., Caller], source: dict[str, Any]
) -> None:
    mine, theirs = caller("write", "acme", "c1"), caller("write", "acme", "c2")
    assert [len(one("GET", PLACE).json["items"]) for one in (mine, theirs)] == [1, 0]
    assert theirs("DELETE", f"{PLACE}/{source['id']}").status_code == 404
    made = theirs("POST", PLACE, json={"kind": "github", "name": "Second"})
    assert made.json["context_id"] == "c2"
    assert theirs("POST", PLACE, json={"kind": "github", "name": "Third", "context_id": "c1"}).status_code == 404


class Broken:
    """A source that fails in the call it is told to."""

    config_model = Settings

    def __init__(self, name: str, call: str) -> None:
        self.info = SourceInfo(name=name, title=name, description=name)
        self._call = call

    def _step(self, call: str, answer: Any) -> Any:
        if call == self._call:
            raise RuntimeError("the secret is s3cret")
        return answer

    def verify(self, *_: Any) -> Any:
        return self._step("verify", "yes" if self._call == "truth" else True)

    def handshake(self, *_: Any) -> Any:
        return self._step("handshake", "hello" if self._call == "greeting" else None)

    def delivery_id(self, *_: Any) -> Any:
        return self._step("delivery_id", "d1")

    def events(self, *_: Any) -> Any:
        return self._step("events", 7 if self._call == "number" else [{"type": "x.y.audit", "when": {1, 2}}])


@pytest.mark.parametrize(
    ("call", "status", "reason"),
    [
        ("verify", 503, "plugin_failed"),
        ("truth", 401, "unverified"),
        ("handshake", 503, "plugin_failed"),
        ("greeting", 503, "plugin_failed"),
        ("delivery_id", 503, "plugin_failed"),
        ("events", 503, "plugin_failed"),
        ("number", 503, "plugin_failed"),
        ("nothing", 400, "invalid_event"),
    ],
)
def test_a_plugin_that_fails_stores_nothing_and_is_named(
    app: Flask,
    services: Services,
    platform: Caller,
    source: dict[str, Any],
    call: str,
    status: int,
    reason: str,
) -> None:
    services.sinks._sources["github"] = Broken("github", call)
    answer = send(app, source)
    assert answer.status_code == status
    assert "s3cret" not in answer.text
    assert counts(services, platform, source) == {reason: 1}
    services.hook_faults.write()
    shown = platform("GET", "/v1/plugins").json
    assert shown is not None
    faults = [(one["sink"], one["error"], one["times"]) for one in shown["faults"]]
    assert [(sink, times) for sink, _, times in faults] == ([("source github", 1)] if status == 503 else [])
    assert "s3cret" not in str(faults)


def test_a_plugin_that_hangs_is_not_waited_for_and_other_sources_go_on(
    app: Flask, services: Services, platform: Caller, source: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert send(app, source).status_code == 200
    monkeypatch.setattr(source_reader, "PATIENCE_S", 0.2)
    over = threading.Event()
    hanging = Broken("okta", "")
    hanging.events = lambda *_: over.wait(30)  # type: ignore[method-assign]
    services.sinks._sources["okta"] = hanging
    second = platform("POST", PLACE, json={"kind": "okta", "name": "Second"}).json
    assert second is not None
    began = time.monotonic()
    assert [send(app, second).status_code for _ in range(20)] == [503] * 20
    assert time.monotonic() - began < 10
    assert send(app, source).status_code == 200
    over.set()


def test_a_source_whose_plugin_is_gone_asks_its_sender_to_come_again(
    app: Flask, services: Services, platform: Caller, source: dict[str, Any]
) -> None:
    del services.sinks._sources["github"]
    answer = send(app, source)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert counts(services, platform, source) == {"plugin_missing": 1}
    shown = platform("GET", f"{PLACE}/{source['id']}").json
    assert shown is not None
    assert shown["plugin"] == "missing"
