from __future__ import annotations

import http.server
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from pydantic import BaseModel

from app.api.application import EXTENSION, build_application
from app.api.front import SECURITY_HEADERS
from app.services import Services
from app.settings import Settings
from app.store.migrate import migrate
from tests.api.conftest import Caller

SEEN: list[tuple[dict[str, str], bytes]] = []


class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        SEEN.append(({name.lower(): value for name, value in self.headers.items()}, body))
        self.send_response(202)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_args: object) -> None:
        return


@pytest.fixture
def receiver() -> Iterator[str]:
    SEEN.clear()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/hook?token=canary"
    server.shutdown()
    thread.join()
    server.server_close()


def made_webhook(platform: Caller, url: str) -> str:
    body = {"type": "instant", "name": "Receiver", "organization_id": "acme"}
    webhook = str(platform("POST", "/v1/webhooks", json=body).json["id"])
    change = {"sink": "webhook", "endpoint_url": url, "headers": {"Authorization": "Bearer canary"}}
    assert platform("PATCH", f"/v1/webhooks/{webhook}", json=change).status_code == 200
    return webhook


def test_every_answer_carries_the_security_headers(app: Flask, platform: Caller) -> None:
    for path in ("/healthz", "/nowhere", "/v1/webhooks", "/v1/openapi.json", "/metrics"):
        headers = platform("GET", path).headers
        assert {name: headers[name] for name in SECURITY_HEADERS} == SECURITY_HEADERS


@pytest.mark.parametrize(
    ("method", "path", "more", "status", "slug"),
    [
        ("GET", "/nowhere", {}, 404, "not-found"),
        ("PUT", "/v1/webhooks", {}, 405, "method-not-allowed"),
        ("GET", "/v1/webhooks/wh_x", {}, 404, "not-found"),
        ("GET", "/v1/deliveries/garbage", {}, 404, "not-found"),
        ("POST", "/v1/webhooks", {"data": "{", "content_type": "application/json"}, 400, "bad-request"),
        ("POST", "/v1/webhooks", {"json": []}, 400, "bad-request"),
        ("POST", "/v1/webhooks", {"data": "x=1", "content_type": "text/plain"}, 415, "unsupported-media-type"),
        ("POST", "/v1/webhooks", {"data": b" " * 1_048_577, "content_type": "application/json"}, 413, "body-too-large"),
        ("POST", "/v1/webhooks", {"json": {"type": "sometimes"}}, 422, "invalid-input"),
        ("POST", "/v1/organizations", {"json": {"id": "acme", "name": "Again"}}, 409, "conflict"),
    ],
)
def test_every_error_is_a_problem_document(
    platform: Caller, method: str, path: str, more: dict[str, object], status: int, slug: str
) -> None:
    answer = platform(method, path, **more)
    assert answer.content_type == "application/problem+json"
    assert (answer.status_code, answer.json["status"]) == (status, status)
    assert answer.json["type"] == f"urn:relaypoint:problem:{slug}"


def test_a_bug_is_a_problem_document_that_tells_nothing(
    platform: Caller, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_args: object, **_more: object) -> None:
        raise RuntimeError("canary")

    monkeypatch.setattr(type(services.webhooks), "page", broken)
    answer = platform("GET", "/v1/webhooks")
    assert answer.status_code == 500
    assert "canary" not in answer.text


def test_errors_name_every_field_and_never_its_value(platform: Caller) -> None:
    webhook = platform("POST", "/v1/webhooks", json={"type": "instant", "name": "Abc", "organization_id": "acme"}).json
    change = {"colour": {"x": "canary"}, "concurrency": 999, "batch": {"max_age_s": "canary"}}
    answer = platform("PATCH", f"/v1/webhooks/{webhook['id']}", json=change)
    assert {one["field"] for one in answer.json["errors"]} == {"colour", "concurrency", "batch.max_age_s"}
    assert "canary" not in answer.text


def test_an_endpoint_nobody_may_dial_is_refused_when_it_is_saved(platform: Caller) -> None:
    webhook = platform("POST", "/v1/webhooks", json={"type": "instant", "name": "Abc", "organization_id": "acme"}).json
    answer = platform("PATCH", f"/v1/webhooks/{webhook['id']}", json={"endpoint_url": "http://169.254.169.254/"})
    assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, "endpoint_url")


def test_a_test_send_takes_the_normal_road_and_shows_both_sides(platform: Caller, receiver: str) -> None:
    webhook = made_webhook(platform, receiver)
    result = platform("POST", f"/v1/webhooks/{webhook}/test").json
    assert (result["verdict"], result["response"]["status"], result["response"]["body"]) == ("delivered", 202, "ok")
    headers, body = SEEN[0]
    assert headers["authorization"] == "Bearer canary"
    assert headers["webhook-signature"].startswith("v1,")
    assert result["request"]["body"].encode() == body
    assert "canary" not in str(result)


def test_a_preview_sends_nothing_and_shows_no_secret(platform: Caller, receiver: str) -> None:
    body = {"config": {}, "secrets": {"token": "canary"}, "event": {"id": "e", "type": "t"}, "endpoint_url": receiver}
    answer = platform("POST", "/v1/sinks/splunk_hec/render", json=body)
    assert answer.status_code == 200
    assert answer.json["request"]["method"] == "POST"
    assert "canary" not in answer.text
    assert SEEN == []


def test_a_preview_without_an_address_is_for_a_sample_one(platform: Caller) -> None:
    answer = platform("POST", "/v1/sinks/siem/render", json={"event": {"id": "e", "type": "t"}})
    request = answer.json["request"]
    assert (request["method"], request["url"]) == ("SYSLOG", "syslog+tls://siem.example:6514")
    assert "CEF:0|Netgraph|" in request["body"]


@pytest.mark.parametrize(
    ("sink", "body", "status"),
    [
        ("nowhere", {"event": {}}, 404),
        ("webhook", {}, 422),
        ("webhook", {"event": {}, "config": {"body_shape": "cube"}}, 422),
        ("webhook", {"event_id": "gone"}, 404),
        ("webhook", {"event": {}, "endpoint_url": "syslog+tls://logs.example"}, 422),
    ],
)
def test_a_preview_of_nonsense_is_explained(platform: Caller, sink: str, body: dict[str, object], status: int) -> None:
    assert platform("POST", f"/v1/sinks/{sink}/render", json=body).status_code == status


def test_ready_when_the_database_is_at_head_and_redis_is_only_a_bell(app: Flask) -> None:
    answer = app.test_client().get("/readyz")
    assert answer.status_code == 200
    assert answer.json == {"status": "ok", "checks": {"database": "ok", "redis": "not configured", "plugins": "ok"}}


def test_not_ready_when_the_schema_lacks_a_part_whatever_its_revision(app: Flask) -> None:
    services: Services = app.extensions[EXTENSION]
    with services.store.write() as connection:
        connection.exec_driver_sql("ALTER TABLE webhooks DROP COLUMN muted_contexts")
    answer = app.test_client().get("/readyz")
    assert answer.json is not None
    assert (answer.status_code, answer.json["status"]) == (503, "unavailable")
    assert answer.json["checks"]["database"] == "the schema lacks a part; run: relaypoint doctor"


def test_the_description_is_openapi_with_every_reference_resolved(app: Flask) -> None:
    document = app.test_client().get("/v1/openapi.json")
    assert document.json is not None
    assert document.json["openapi"].startswith("3.1")
    schemas = document.json["components"]["schemas"]
    for reference in _references(document.json):
        assert reference.removeprefix("#/components/schemas/") in schemas
    ids = [one["operationId"] for methods in document.json["paths"].values() for one in methods.values()]
    assert len(ids) == len(set(ids))


def _references(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for child in node.values():
            yield from _references(child)
    elif isinstance(node, list):
        for child in node:
            yield from _references(child)


def test_plugins_show_their_settings_schema(platform: Caller) -> None:
    found = platform("GET", "/v1/plugins").json
    assert {one["name"] for one in found["sinks"]} >= {"webhook", "splunk_hec"}
    assert all("properties" in one["settings"]["config"] for one in found["sinks"] if one["name"] == "webhook")


def test_importing_the_package_loads_nothing_heavy() -> None:
    heavy = "flask sqlalchemy redis rq pycurl"
    code = f"import sys, app.api; print([name for name in {heavy.split()} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_request_models_refuse_unknown_fields(app: Flask) -> None:
    models = [model for model in BaseModel.__subclasses__() if model.__module__.startswith(("app.api", "app.routing"))]
    assert models
    assert all(model.model_config.get("extra") == "forbid" for model in models)


def test_debugging_is_off_whatever_the_environment_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLASK_DEBUG", "1")
    settings = Settings(instance=tmp_path)
    migrate(settings.database_url)
    built = build_application(settings)
    services: Services = built.extensions[EXTENSION]
    services.egress.close()
    services.store.close()
    assert (built.debug, built.testing, built.config["DEBUG"]) == (False, False, False)
