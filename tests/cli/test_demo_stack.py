from __future__ import annotations

import json
import stat
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from app.cli.demo_client import ApiClient, ApiError, UnreachableError
from app.cli.demo_stack import demo_specs, endless_events, set_up, stamped
from app.cli.demo_state import DemoState, read_state, write_state
from app.core.clock import SECOND
from app.settings import Settings


class FakeApi(ThreadingHTTPServer):
    """Answers the few calls the demo makes, and remembers what it was told."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), FakeHandler)
        self.made: dict[str, list[Any]] = {}
        self.patched: dict[str, Any] = {}
        self.webhooks: list[str] = []


class FakeHandler(BaseHTTPRequestHandler):
    server: FakeApi

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        made = self.server.made.setdefault(self.path, [])
        if "id" in body and body["id"] in [one["id"] for one in made]:
            self._answer(409, {"detail": "exists"})
            return
        made.append(body)
        if self.path == "/v1/webhooks":
            self.server.webhooks.append(f"wh_{len(self.server.webhooks)}")
            self._answer(201, {"id": self.server.webhooks[-1]})
        else:
            self._answer(201, body)

    def do_PATCH(self) -> None:
        self.server.patched[self.path] = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self._answer(200, {})

    def do_GET(self) -> None:
        known = self.path.removeprefix("/v1/webhooks/") in self.server.webhooks
        self._answer(200 if known else 404, {})

    def log_message(self, *_args: object) -> None: ...

    def _answer(self, status: int, body: Any) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@pytest.fixture
def api() -> Iterator[FakeApi]:
    with FakeApi() as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def client(api: FakeApi) -> ApiClient:
    return ApiClient("127.0.0.1", api.server_port, "rp_key")


def test_the_demo_makes_one_webhook_per_scope_and_uses_them_again(api: FakeApi, client: ApiClient) -> None:
    first = set_up(client, (), "http://127.0.0.1:1/")
    assert set_up(client, first, "http://127.0.0.1:2/") == first
    assert len(api.made["/v1/organizations"]) == 1
    contexts = [webhook.get("context_id") for webhook in api.made["/v1/webhooks"]]
    assert len(contexts) == 2
    assert contexts[0] is not None
    assert contexts[1] is None
    assert {change["endpoint_url"] for change in api.patched.values()} == {"http://127.0.0.1:2/"}


def test_webhooks_that_somebody_deleted_are_made_anew(api: FakeApi, client: ApiClient) -> None:
    first = set_up(client, (), "http://127.0.0.1:1/")
    api.webhooks.remove(first[0])
    assert set_up(client, first, "http://127.0.0.1:1/") != first


def test_an_error_of_the_api_says_its_status(client: ApiClient) -> None:
    with pytest.raises(ApiError, match="404"):
        client.call("GET", "/v1/webhooks/wh_none")


def test_nobody_listening_is_a_temporary_error() -> None:
    with pytest.raises(UnreachableError):
        ApiClient("127.0.0.1", 1, "rp_key").call("GET", "/v1/webhooks")


def test_the_state_is_private_and_read_back(tmp_path: Path) -> None:
    path = tmp_path / "demo.json"
    assert read_state(path) is None
    state = DemoState("rp_key", ("wh_1",), ("whsec_1",))
    write_state(path, state)
    write_state(path, state)
    assert read_state(path) == state
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "rp_key" not in repr(state)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"key": "x"}', '{"key": "x", "webhooks": 1, "secrets": []}'])
def test_a_damaged_state_counts_as_none(tmp_path: Path, text: str) -> None:
    path = tmp_path / "demo.json"
    path.write_text(text)
    assert read_state(path) is None


def test_events_are_stamped_in_whichever_envelope_they_are() -> None:
    assert stamped({"timestamp": "x"}, 5 * SECOND) == {"timestamp": "1970-01-01T00:00:05.000Z"}
    assert stamped({"eventTime": "x"}, 5 * SECOND) == {"eventTime": "1970-01-01T00:00:05.000Z"}


def test_two_runs_do_not_send_the_same_event_ids() -> None:
    first, second = ({event["id"] for event in islice(endless_events(), 40) if "id" in event} for _ in range(2))
    assert first
    assert not first & second


def test_only_the_receivers_own_port_is_opened_for_the_workers() -> None:
    specs, allowed = demo_specs(Settings(), {}, order=0)
    receiver = next(spec for spec in specs if spec.name == "receiver")
    assert allowed == f"127.0.0.1/32:{receiver.argv[-1]}"
