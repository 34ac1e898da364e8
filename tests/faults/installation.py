"""An installation that a test speaks to through its public doors, however its processes were started."""

from __future__ import annotations

import os
import socket
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import requests

ORGANIZATION = "607551"
SENT_TYPE = "entrypoint.configuration.audit"
"""What the sources send. A webhook for every type would also get the news of changed webhooks."""
READY_WITHIN_S = 60.0


class Installation(ABC):
    """Everything that goes through HTTP and the command line."""

    key: str
    """A platform key."""

    def __init__(self, instance: Path, *, database_url: str = "", allow: str = "127.0.0.0/8") -> None:
        self.instance = instance
        self.port = free_port()
        self.database_url = database_url or f"sqlite:///{instance}/relaypoint.db"
        self.environ = {name: value for name, value in os.environ.items() if not name.startswith("RELAYPOINT_")}
        self.environ |= {
            "RELAYPOINT_INSTANCE": str(instance),
            "RELAYPOINT_EGRESS_ALLOW": allow,
            "RELAYPOINT_DATABASE_URL": database_url,
        }

    @abstractmethod
    def log(self) -> str:
        """The end of the processes' own words."""

    @abstractmethod
    def run(self, *words: str) -> str:
        """A ``relaypoint`` command on the same instance; answers its standard output."""

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
        """An enabled webhook to ``url``, in which ``{id}`` becomes its id; instant, unless ``type`` says otherwise."""
        body = {"type": changes.pop("type", "instant"), "name": f"To {url}", "organization_id": ORGANIZATION}
        made = self.call("POST", "/v1/webhooks", body | ({"context_id": context_id} if context_id else {}))
        change = {
            "sink": "webhook",
            "event_types": [SENT_TYPE],
            "endpoint_url": url.replace("{id}", made["id"]),
            "enabled": True,
            **changes,
        }
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


class Webhook:
    """One webhook of a stack."""

    def __init__(self, place: Installation, webhook_id: str, partition: int) -> None:
        self._place = place
        self.id = webhook_id
        self.partition = partition

    @property
    def secret(self) -> str:
        """Its signing secret."""
        return str(self._place.call("GET", f"/v1/webhooks/{self.id}/secret")["secret"])

    def shown(self) -> dict[str, Any]:
        """How the API shows it."""
        return self._place.call("GET", f"/v1/webhooks/{self.id}")

    def deliveries(self) -> list[dict[str, Any]]:
        """Its newest deliveries."""
        return list(self._place.call("GET", f"/v1/webhooks/{self.id}/deliveries?limit=100")["items"])

    def only_delivery(self) -> dict[str, Any]:
        """The single delivery it has, with every attempt."""
        (row,) = self.deliveries()
        return self._place.call("GET", f"/v1/deliveries/{row['id']}")

    def only_delivery_of(self, event_id: str) -> dict[str, Any]:
        """The delivery of one event, with every attempt."""
        (row,) = (row for row in self.deliveries() if row["event_id"] == event_id)
        return self._place.call("GET", f"/v1/deliveries/{row['id']}")

    def attempts(self, delivery_id: str) -> list[dict[str, Any]]:
        """Every attempt of one delivery, with the bytes."""
        return list(self._place.call("GET", f"/v1/deliveries/{delivery_id}")["attempts"])

    def await_state(self, state: str, within_s: float) -> dict[str, Any]:
        """Its only delivery, once it is in this state."""
        await_that(lambda: [row["state"] for row in self.deliveries()] == [state], within_s, self.deliveries)
        return self.only_delivery()


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
