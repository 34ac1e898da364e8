"""Secrets are planted everywhere, the stack is driven through everything it does, and they are found nowhere."""

from __future__ import annotations

import base64
import re
import socket
import subprocess
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson
import pytest
import requests
from redis import Redis

from tests.faults.conftest import Open, StartStack
from tests.faults.installation import ORGANIZATION, SENT_TYPE, Webhook, await_that
from tests.faults.receive_command import command
from tests.faults.receivers import Receiver
from tests.faults.stack import Stack

pytestmark = [pytest.mark.process, pytest.mark.redis, pytest.mark.faults_full, pytest.mark.timeout(300)]

PLANTED: dict[str, str] = {}
"""Every canary by the place where it was planted."""


def plant(place: str) -> str:
    """A secret that appears nowhere by chance."""
    return PLANTED.setdefault(place, f"cnry{base64.b16encode(place.encode()).decode()[:14]}x{len(PLANTED)}zQ7vK9")


class Tattler:
    """A receiver that repeats every credential it was sent: in its headers, its body and its errors."""

    def __init__(self) -> None:
        self.receiver = Receiver(self._answer)

    def _answer(self, connection: socket.socket, number: int) -> None:
        request = self.receiver.requests[number - 1]
        if "/token" in request.line:
            body = orjson.dumps({"access_token": plant("access token"), "token_type": "Bearer", "expires_in": 3600})
            connection.sendall(_answer_of(200, body, "application/json"))
            return
        credentials = [pair for pair in request.headers.items() if "auth" in pair[0] or "key" in pair[0]]
        told = "; ".join(f"{name}={value}" for name, value in credentials)
        if "/hec" in request.line:
            connection.sendall(_answer_of(200, orjson.dumps({"text": told, "code": 0}), "application/json"))
            return
        status = 500 if "/fail" in request.line else 200
        connection.sendall(_answer_of(status, f"you sent {told} to {request.line}".encode(), "text/plain"))


def _answer_of(status: int, body: bytes, kind: str) -> bytes:
    head = f"HTTP/1.1 {status} Said\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\nx-told: "
    return head.encode() + body[:200].replace(b"\r\n", b" ") + b"\r\n\r\n" + body


def event(number: int) -> dict[str, Any]:
    secret = plant("event field")
    return {
        "id": f"canary-{number}",
        "eventId": SENT_TYPE,
        "organizationId": ORGANIZATION,
        "timestamp": "2026-04-19T12:34:56Z",
        "userEmail": "owner@example.com",
        "action": "UPDATE",
        "entity": {"type": "radius_server", "id": "r1", "name": "Server"},
        "changes": [
            {"field": "Shared secret", "before": secret, "after": f"{secret}-after"},
            {"field": "api_key", "before": None, "after": secret},
            {"field": "Header", "before": "", "after": f"Authorization: Bearer {secret}"},
        ],
        "metadata": {"password": secret, "inner": {"client_secret": secret}},
    }


@pytest.fixture
def planted() -> Iterator[None]:
    PLANTED.clear()
    yield
    PLANTED.clear()


def test_planted_secrets_are_found_nowhere(start_stack: StartStack, opened: Open, planted: None) -> None:
    stack = start_stack()
    tattler = Tattler()
    opened(tattler.receiver)
    answers = _drive(stack, tattler.receiver.url)
    environs, lines = _processes(stack)
    redis = _redis_dump(stack)
    answers += list(_every_answer(stack))
    commands = [stack.run(*words.split()) for words in ("ledger --json", "doctor --json", "keys list --json")]
    commands += [stack.run(*words.split()) for words in ("audit heads", "audit verify", "plugins list", "users list")]
    key = (stack.instance / "secret.key").read_text().partition(":")[2].strip()
    PLANTED["master key"], PLANTED["platform key"] = key, stack.key
    password = re.search(r'requirepass "([^"]+)"', (stack.instance / "run/redis.conf").read_text())
    assert password is not None
    stack.close()
    database = [path.read_bytes() for path in stack.instance.glob("relaypoint.db*")]
    found = {
        "database": _found(database),
        "redis": _found(redis),
        "log": _found([line.encode() for line in stack.lines]),
        "API": _found(answers),
        "commands": _found(one.encode() for one in commands),
        "command lines": _found(lines) | ({"redis"} if _holds(lines, password[1]) else set()),
        "environment of redis": _found([environs["redis"]]),
        "instance folder": _found(
            path.read_bytes()
            for path in stack.instance.rglob("*")
            if path.is_file() and path.name not in {"secret.key", "redis.conf"}
        ),
    }
    assert {place: names for place, names in found.items() if names} == {}
    assert len(PLANTED) >= 14
    # The canaries did sing: receivers got them.
    heard = b"".join(repr(one.headers).encode() + one.line.encode() for one in tattler.receiver.requests)
    for place in ("header", "bearer token", "access token", "query", "hec token"):
        assert _found([heard], only=place), place


def _found(texts: Iterable[bytes], only: str = "") -> set[str]:
    """The places whose canary stands in one of these texts, in any form it is usually written."""
    whole = b"\n".join(texts)
    names = [only] if only else list(PLANTED)
    return {name for name in names if any(form in whole for form in _forms(PLANTED[name]))}


def _holds(texts: Iterable[bytes], text: str) -> bool:
    return any(text.encode() in one for one in texts)


def _forms(canary: str) -> list[bytes]:
    plain = canary.encode()
    return [plain, quote(canary).encode(), base64.b64encode(plain).rstrip(b"="), plain.hex().encode()]


def _drive(stack: Stack, url: str) -> list[bytes]:
    """Everything the stack does, with a secret wherever one can be put; answers what it said meanwhile."""
    answers: list[bytes] = []
    stack.create_organization(("ctx_1", "entrypoint"))
    headers = {"x-api-key": plant("header")}
    hooks = [
        stack.create_webhook(f"{url}/plain", headers=headers, secrets={"bearer_token": plant("bearer token")}),
        stack.create_webhook(
            f"{url}/oauth",
            config={"oauth_token_url": f"{url}/token", "oauth_client_id": "us"},
            secrets={"oauth_client_secret": plant("client secret")},
        ),
        stack.create_webhook(
            f"{url}/fail",
            headers={"authorization": f"Bearer {plant('failing header')}"},
            retry={"schedule_s": [1]},
        ),
        stack.create_webhook(
            url, type="batch", headers={"x-api-key": plant("batch header")}, batch={"max_events": 5, "max_age_s": 1}
        ),
        stack.create_webhook(f"{url}/hec", sink="splunk_hec", secrets={"token": plant("hec token")}),
    ]
    # Not at once: the name of a webhook of these tests is its first address.
    stack.call("PATCH", f"/v1/webhooks/{hooks[0].id}", {"endpoint_url": f"{url}/plain?token={plant('query')}"})
    for hook in hooks:
        PLANTED[f"signing {hook.id}"] = hook.secret
        stack.call("POST", f"/v1/webhooks/{hook.id}/secret/rotate", {"overlap_s": 60})
        PLANTED[f"signing again {hook.id}"] = hook.secret
    source = stack.call("POST", f"/v1/organizations/{ORGANIZATION}/sources", {"kind": "github", "name": "Code"})
    PLANTED["source secret"] = source["secret"]
    made = stack.call("POST", f"/v1/organizations/{ORGANIZATION}/keys", {"name": "signed", "role": "ingest"})
    PLANTED["api key"] = made["key"]
    signature = {"scheme": "github", "secrets": [plant("key secret")]}
    answers.append(orjson.dumps(stack.call("PUT", f"/v1/keys/{made['id']}/terms", {"signature": signature})))
    _create_person(stack)
    answers += _refused(stack, hooks[0], url)
    for number in range(20):
        assert stack.post(orjson.dumps(event(number))).ok
    answers += [_asked(stack, "POST", f"/v1/webhooks/{hook.id}/test") for hook in hooks]
    stack.kill("worker-1", "worker-2")
    stack.kill_below("web")
    _settle(stack, but=hooks[2])
    for hook in (hooks[0], hooks[1], hooks[4]):
        (row, *_) = hook.deliveries()
        answers.append(_asked(stack, "POST", f"/v1/deliveries/{row['id']}/redeliver"))
    _settle(stack, but=hooks[2])
    return answers


def _settle(stack: Stack, *, but: Webhook) -> None:
    """Wait until nothing is pending, except for one webhook whose receiver fails."""

    def settled() -> bool:
        try:
            rows = stack.call("GET", "/v1/ledger")["webhooks"]
        except requests.ConnectionError:
            return False  # the web process was killed a moment ago
        return not any(one["pending"] for one in rows if one["webhook_id"] != but.id)

    await_that(settled, 40, stack.log)


def _create_person(stack: Stack) -> None:
    words = ("users", "create", "--email", "ada@example.com", "--name", "Ada", "--role", "owner", "--password-stdin")
    password = plant("password")
    done = subprocess.run(
        command(*words), env=stack.environ, input=password, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr


def _refused(stack: Stack, hook: Webhook, url: str) -> list[bytes]:
    """Requests that must be refused, each with a secret in the wrong place."""
    address = url.removeprefix("http://")
    bodies: list[dict[str, Any]] = [
        {"endpoint_url": f"http://user:{plant('userinfo')}@{address}/"},
        {"headers": {"x-two": f"{plant('header with a line')}\r\nx: y"}},
        {"secrets": {"bearer_token": [plant("wrong type")]}},
        {"filter": {"action": [{"nonsense": plant("filter")}]}},
    ]
    return [_asked(stack, "PATCH", f"/v1/webhooks/{hook.id}", body, refused=True) for body in bodies]


def _asked(stack: Stack, method: str, path: str, body: Any = None, *, refused: bool = False) -> bytes:
    with stack.session() as session:
        answer = session.request(method, stack.url + path, json=body, timeout=30)
    assert answer.ok is not refused, answer.text
    return answer.content


def _every_answer(stack: Stack) -> Iterator[bytes]:
    """What every GET of the API says, with the ids there are."""
    described = orjson.loads(_get(stack, "/v1/openapi.json"))["paths"]
    ids = _known_ids(stack)
    for path in sorted(path for path, calls in described.items() if "get" in calls):
        names = re.findall(r"\{(\w+)\}", path)
        if path == "/v1/webhooks/{webhook}/secret" or not all(name in ids for name in names):
            continue
        for place in range(max([len(ids[name]) for name in names] or [1])):
            shown = path
            for name in names:
                shown = shown.replace(f"{{{name}}}", ids[name][place % len(ids[name])])
            yield _get(stack, shown)


def _known_ids(stack: Stack) -> dict[str, list[str]]:
    hooks = [one["id"] for one in stack.call("GET", "/v1/webhooks")["items"]]
    deliveries = [one["id"] for hook in hooks for one in stack.call("GET", f"/v1/webhooks/{hook}/deliveries")["items"]]
    batches = [one["id"] for hook in hooks for one in stack.call("GET", f"/v1/webhooks/{hook}/batches")["items"]]
    place = f"/v1/organizations/{ORGANIZATION}"
    return {
        "webhook": hooks,
        "delivery": deliveries[:60],
        "batch": batches[:5],
        "event": [one["id"] for one in stack.call("GET", "/v1/events")["items"]][:10],
        "organization": [ORGANIZATION],
        "context": ["ctx_1"],
        "source": [one["id"] for one in stack.call("GET", f"{place}/sources")["items"]],
        "key": [one["id"] for one in stack.call("GET", f"{place}/keys")["items"]],
        "sink": ["webhook", "splunk_hec"],
    }


def _get(stack: Stack, path: str) -> bytes:
    with stack.session() as session:
        return session.get(stack.url + path, timeout=30).content


def _processes(stack: Stack) -> tuple[dict[str, bytes], list[bytes]]:
    """The environment of each child and the command line of everything below the stack."""
    pids = {name: pid for name, pid in stack.pids().items() if Path(f"/proc/{pid}").exists()}
    environs = {name: Path(f"/proc/{pid}/environ").read_bytes() for name, pid in pids.items()}
    return environs, [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in pids.values()]


def _redis_dump(stack: Stack) -> list[bytes]:
    """Every key with its value, while the stack works."""
    config = (stack.instance / "run" / "redis.conf").read_text()
    fields = dict(re.findall(r'^(unixsocket|requirepass) "([^"]+)"$', config, re.MULTILINE))
    stack.post(orjson.dumps(event(99)))
    time.sleep(0.05)
    with Redis(unix_socket_path=fields["unixsocket"], password=fields["requirepass"]) as client:
        return [part for key in client.scan_iter(count=1000) for part in (key, client.dump(key) or b"")]
