"""A real ``relaypoint up`` in a folder of its own, and what a test does to it."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import orjson
import requests
from redis import Redis

ORGANIZATION = "607551"
STARTED = re.compile(r"up\s+started(?: again)? child=(\S+) pid=(\d+)")
READY_WITHIN_S = 60.0
RECOVERY_WITHIN_S = 60.0
"""The longest that the road may take to move again after a kill, and to finish."""

_BUSY = {429, 503}
_OK = 200


class Stack:
    """``relaypoint up`` with its log, a platform key and the ways to hurt it.

    Everything goes through the public doors: HTTP, the command line and signals.
    """

    def __init__(self, instance: Path, *, workers: int = 2, database_url: str = "", allow: str = "127.0.0.0/8") -> None:
        self.instance = instance
        self.port = free_port()
        self.lines: list[str] = []
        self._environ = {name: value for name, value in os.environ.items() if not name.startswith("RELAYPOINT_")}
        self._environ |= {
            "RELAYPOINT_INSTANCE": str(instance),
            "RELAYPOINT_EGRESS_ALLOW": allow,
            "RELAYPOINT_DATABASE_URL": database_url,
        }
        self._process = subprocess.Popen(
            [*command("up"), "--port", str(self.port), "--workers", str(workers)],
            env=self._environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self._await_ready()
        self.key = self.run("keys", "create", "--name", "fault test", "--role", "admin").strip()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.lines.append(line.rstrip())

    def _await_ready(self) -> None:
        def ready() -> bool:
            assert self._process.poll() is None, self.log()
            return any(re.search(r"up\s+ready ", line) for line in self.lines)

        await_that(ready, READY_WITHIN_S, self.log)

    def log(self) -> str:
        """The end of the stack's own words."""
        return "\n".join(self.lines[-60:])

    def run(self, *words: str) -> str:
        """A ``relaypoint`` command on the same instance; answers its standard output."""
        done = subprocess.run(
            command(*words), env=self._environ, capture_output=True, text=True, check=False, timeout=60
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    @property
    def url(self) -> str:
        """Where the API answers."""
        return f"http://127.0.0.1:{self.port}"

    def session(self) -> requests.Session:
        """A client with the platform key that takes no proxy from the environment."""
        made = requests.Session()
        made.trust_env = False
        made.headers["authorization"] = f"Bearer {self.key}"
        return made

    def call(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """One API call that must succeed; answers the JSON object."""
        data = None if body is None else orjson.dumps(body)
        with self.session() as session:
            answer = session.request(
                method, self.url + path, data=data, headers={"content-type": "application/json"}, timeout=60
            )
        assert answer.ok, answer.text
        return orjson.loads(answer.content) if answer.content else {}

    def create_organization(self, *contexts: tuple[str, str]) -> None:
        """The organization of the tests and its contexts, each as (id, service)."""
        self.call("POST", "/v1/organizations", {"id": ORGANIZATION, "name": "Fault test"})
        for context_id, service in contexts:
            body = {"id": context_id, "service": service, "name": f"Place {context_id}"}
            self.call("POST", f"/v1/organizations/{ORGANIZATION}/contexts", body)

    def create_webhook(self, url: str, context_id: str | None = None, **changes: Any) -> Webhook:
        """An enabled instant webhook to ``url``."""
        body = {"type": "instant", "name": f"To {url}", "organization_id": ORGANIZATION}
        made = self.call("POST", "/v1/webhooks", body | ({"context_id": context_id} if context_id else {}))
        change = {"sink": "webhook", "endpoint_url": url, "enabled": True, **changes}
        self.call("PATCH", f"/v1/webhooks/{made['id']}", change)
        return Webhook(self, made["id"], made["partition"])

    def webhooks_apart(self, number: int, url: str) -> list[Webhook]:
        """Webhooks in different partitions, so that several workers have something to do."""
        found: dict[int, Webhook] = {}
        while len(found) < number:
            webhook = self.create_webhook(f"{url}/{len(found)}")
            if webhook.partition in found:
                self.call("DELETE", f"/v1/webhooks/{webhook.id}")
            else:
                found[webhook.partition] = webhook
        return list(found.values())

    def post(self, content: bytes, content_type: str = "application/json") -> requests.Response:
        """``POST /v1/events`` with these bytes."""
        with self.session() as session:
            headers = {"content-type": content_type}
            return session.post(f"{self.url}/v1/events", data=content, headers=headers, timeout=120)

    def ledger(self) -> dict[str, Any]:
        """What ``relaypoint ledger --json`` says."""
        return orjson.loads(self.run("ledger", "--json"))

    def pids(self) -> dict[str, int]:
        """The newest process id of each child."""
        return {match[1]: int(match[2]) for line in tuple(self.lines) if (match := STARTED.search(line))}

    def kill(self, *names: str) -> None:
        """``kill -9`` of these children; the supervisor is told nothing."""
        pids = self.pids()
        for name in names:
            os.kill(pids[name], signal.SIGKILL)

    def kill_below(self, name: str) -> None:
        """``kill -9`` of the processes that a child runs itself; the child lives."""
        pid = self.pids()[name]
        below = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        assert below, f"{name} runs no process of its own"
        for one in below:
            os.kill(int(one), signal.SIGKILL)

    def restarted(self, name: str) -> int:
        """How often a child was started again."""
        return sum(f"started again child={name} " in line for line in tuple(self.lines))

    def flush_redis(self) -> None:
        """FLUSHALL on the embedded server, through its private socket."""
        config = (self.instance / "run" / "redis.conf").read_text()
        fields = dict(re.findall(r'^(unixsocket|requirepass) "([^"]+)"$', config, re.MULTILINE))
        with Redis(unix_socket_path=fields["unixsocket"], password=fields["requirepass"]) as client:
            assert client.flushall()

    def close(self) -> None:
        """Ctrl-C; whoever does not end gets killed. A second call does nothing."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(40)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._reader.join(5)
        if self._process.stdout is not None:
            self._process.stdout.close()


class Webhook:
    """One webhook of a stack."""

    def __init__(self, stack: Stack, webhook_id: str, partition: int) -> None:
        self._stack = stack
        self.id = webhook_id
        self.partition = partition

    @property
    def secret(self) -> str:
        """Its signing secret."""
        return str(self._stack.call("GET", f"/v1/webhooks/{self.id}/secret")["secret"])

    def shown(self) -> dict[str, Any]:
        """How the API shows it."""
        return self._stack.call("GET", f"/v1/webhooks/{self.id}")

    def deliveries(self) -> list[dict[str, Any]]:
        """Its newest deliveries."""
        return list(self._stack.call("GET", f"/v1/webhooks/{self.id}/deliveries")["items"])

    def only_delivery(self) -> dict[str, Any]:
        """The single delivery it has, with every attempt."""
        (row,) = self.deliveries()
        return self._stack.call("GET", f"/v1/deliveries/{row['id']}")

    def attempts(self, delivery_id: str) -> list[dict[str, Any]]:
        """Every attempt of one delivery, with the bytes."""
        return list(self._stack.call("GET", f"/v1/deliveries/{delivery_id}")["attempts"])

    def await_state(self, state: str, within_s: float) -> dict[str, Any]:
        """Its only delivery, once it is in this state."""
        await_that(lambda: [row["state"] for row in self.deliveries()] == [state], within_s, self.deliveries)
        return self.only_delivery()


class PatientPoster:
    """Posts batches on a thread of its own and repeats each until it is acknowledged, as a good source does."""

    def __init__(self, stack: Stack, batches: Iterable[list[dict[str, Any]]], pause_s: float) -> None:
        self.acknowledged: list[str] = []
        self.repeats = 0
        self.longest_wait_s = 0.0
        """From the first try of a batch to its acknowledgement."""
        self.problem = ""
        self._stack = stack
        self._batches = batches
        self._pause_s = pause_s
        self._given_up = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        with self._stack.session() as session:
            for batch in self._batches:
                began = time.monotonic()
                while not self._given_up.is_set() and not self._once(session, batch):
                    self.repeats += 1
                    time.sleep(0.1)
                self.longest_wait_s = max(self.longest_wait_s, time.monotonic() - began)
                time.sleep(self._pause_s)

    def _once(self, session: requests.Session, batch: list[dict[str, Any]]) -> bool:
        try:
            answer = session.post(
                f"{self._stack.url}/v1/events",
                data=orjson.dumps(batch),
                headers={"content-type": "application/json"},
                timeout=30,
            )
        except (requests.RequestException, OSError):
            return False
        if answer.status_code in _BUSY:
            return False
        if answer.status_code != _OK or orjson.loads(answer.content)["rejected"]:
            self.problem = answer.text[:500]
        self.acknowledged += [event["id"] for event in batch]
        return True

    def join(self, within_s: float) -> None:
        """Wait until everything was acknowledged."""
        self._thread.join(within_s)
        done = not self._thread.is_alive()
        self._given_up.set()
        assert done, "the source could not get rid of its events"
        assert not self.problem, self.problem


class ReceiveCommand:
    """A ``relaypoint receive`` process."""

    def __init__(self, *words: str) -> None:
        self._process = subprocess.Popen(
            [*command("receive"), "--port", "0", "--json", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._process.stderr is not None
        line = self._process.stderr.readline()
        found = re.search(r":(\d+)/", line)
        assert found, line
        self.url = f"http://127.0.0.1:{found[1]}"
        self._reader = threading.Thread(target=self._drain_words, daemon=True)
        self._reader.start()

    def _drain_words(self) -> None:
        assert self._process.stderr is not None
        for _ in self._process.stderr:
            pass

    def counts(self) -> dict[str, Any]:
        """Its counts so far."""
        with requests.Session() as session:
            session.trust_env = False
            return orjson.loads(session.get(self.url, timeout=30).content)

    def end(self) -> tuple[int, dict[str, Any]]:
        """SIGTERM; answers its exit code and its summary."""
        self._process.terminate()
        code = self._process.wait(30)
        assert self._process.stdout is not None
        return code, orjson.loads(self._process.stdout.read())

    def close(self) -> None:
        """Kill it if it still runs."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        self._reader.join(5)
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()


def command(*words: str) -> list[str]:
    """The command line of a ``relaypoint`` command."""
    return [sys.executable, "-m", "app.cli", *words]


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def await_that(holds: Callable[[], bool], within_s: float, words: Callable[[], object] = lambda: "") -> float:
    """Wait until something holds; answers the seconds it took."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < within_s, f"not within {within_s} s:\n{words()}"
        time.sleep(0.05)
    return time.monotonic() - began


def sample_events(first: int, number: int, context_id: str = "ctx_1") -> list[dict[str, Any]]:
    """Small flat audit events with ids of their own."""
    return [
        {
            "id": f"evt-{place}",
            "eventId": "entrypoint.configuration.audit",
            "scope": "ORGANIZATION_CTX_ENTRYPOINT",
            "contextId": context_id,
            "organizationId": ORGANIZATION,
            "timestamp": "2026-04-19T12:34:56Z",
            "userEmail": "admin@example.com",
            "action": "UPDATE",
            "module": "ENTRYPOINT",
            "changes": [{"field": "VLAN", "before": str(place), "after": str(place + 1)}],
        }
        for place in range(first, first + number)
    ]
