"""The demo of ``relaypoint up --demo``: a sample organization, two webhooks to a local receiver, a stream of events.

Runs as a child of its own (``python -m app.cli.demo_stack HOST PORT RECEIVER_PORT``) and uses nothing but the public
API, so it shows what any customer could do. What it made is remembered in the instance folder and used again next time.
"""

from __future__ import annotations

import logging
import secrets
import socket
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from http import HTTPStatus
from typing import Any, TypeVar

from app.cli.demo_client import ApiClient, ApiError, UnreachableError
from app.cli.demo_state import STATE_FILE, DemoState, read_state, write_state
from app.cli.program import own_module
from app.core.clock import Micros, system_clock, to_rfc3339
from app.demo import DEMO_CONTEXTS, DEMO_ORGANIZATION, DEMO_ORGANIZATION_NAME, Shape, generate
from app.ops.child import ChildSpec
from app.ops.logging import configure_logging
from app.security.api_keys import create_key
from app.settings import Settings, load_settings
from app.store import open_store

log = logging.getLogger(__name__)

SERVICE = "entrypoint"
EVENT_TYPES = ["organization.configuration.audit", "entrypoint.configuration.audit"]
PAUSE_S = 0.5
"""About two events a second: gentle enough to read along."""

_EVENTS_PER_SEED = 500
_WAIT_S = 0.2

T = TypeVar("T")


def demo_specs(settings: Settings, environ: Mapping[str, str], order: int) -> tuple[list[ChildSpec], str]:
    """The demo's children, and the network that the workers must be allowed to dial for it.

    The children: a receiver on a free loopback port, and the one that sets up and streams.
    """
    port = _free_port()
    stream = own_module("app.cli.demo_stack", settings.local_host, str(settings.port), str(port))
    receiver = own_module("app.cli.demo_receiver", str(port))
    return [
        ChildSpec(name="receiver", argv=receiver, environ=environ, order=order),
        ChildSpec(name="demo", argv=stream, environ=environ, order=order),
    ], f"127.0.0.1/32:{port}"


def run(host: str, port: int, receiver_port: int) -> None:
    """Set up once the stack answers, then stream until killed."""
    settings = load_settings()
    configure_logging("demo", json_lines=settings.log_format == "json")
    path = settings.instance / STATE_FILE
    state = read_state(path)
    if state is None or not _patiently(partial(_accepted, ApiClient(host, port, state.key))):
        state = DemoState(key=_create_key(settings))
        write_state(path, state)
    client = ApiClient(host, port, state.key)
    endpoint = f"http://127.0.0.1:{receiver_port}/"
    webhooks = _patiently(partial(set_up, client, state.webhooks, endpoint))
    write_state(path, DemoState(state.key, webhooks, tuple(_secret(client, webhook) for webhook in webhooks)))
    _await_receiver(receiver_port)
    log.info("demo ready", extra={"organization": DEMO_ORGANIZATION, "webhooks": ",".join(webhooks)})
    stream(client)


def set_up(client: ApiClient, known: tuple[str, ...], endpoint: str) -> tuple[str, ...]:
    """Have an organization, its contexts and two webhooks to ``endpoint``; answers the ids of the webhooks."""
    _create(client, "/v1/organizations", {"id": DEMO_ORGANIZATION, "name": DEMO_ORGANIZATION_NAME})
    for context_id, name in DEMO_CONTEXTS.items():
        context = {"id": context_id, "service": SERVICE, "name": name}
        _create(client, f"/v1/organizations/{DEMO_ORGANIZATION}/contexts", context)
    wanted: tuple[tuple[str, str | None], ...] = (
        ("Demo: one context", next(iter(DEMO_CONTEXTS))),
        ("Demo: whole organization", None),
    )
    found = known if len(known) == len(wanted) and all(_exists(client, webhook) for webhook in known) else ()
    webhooks = found or tuple(_create_webhook(client, name, context) for name, context in wanted)
    for webhook in webhooks:
        change = {"sink": "webhook", "endpoint_url": endpoint, "event_types": EVENT_TYPES, "enabled": True}
        client.call("PATCH", f"/v1/webhooks/{webhook}", change)
    return webhooks


def stream(client: ApiClient, pause_s: float = PAUSE_S) -> None:
    """Post one event after the other, for ever; a web process that restarts is waited for."""
    for event in endless_events():
        _patiently(partial(client.call, "POST", "/v1/events", event))
        time.sleep(pause_s)


def endless_events() -> Iterator[dict[str, Any]]:
    """Sample events that happen now, different ones in every run."""
    while True:
        for event in generate(secrets.randbits(31), _EVENTS_PER_SEED, Shape.MIXED, until=system_clock()):
            yield stamped(event, system_clock())


def stamped(event: dict[str, Any], now: Micros) -> dict[str, Any]:
    """The event as if it happened now, in whichever of the two envelopes it is."""
    return {**event, ("timestamp" if "timestamp" in event else "eventTime"): to_rfc3339(now)}


def _create_key(settings: Settings) -> str:
    """A new API key for the demo."""
    store = open_store(settings.database_url)
    try:
        with store.write() as connection:
            now, random_bytes = system_clock(), secrets.token_bytes
            _, key = create_key(connection, name="demo", role="admin", now=now, random_bytes=random_bytes)
    finally:
        store.close()
    return key


def _accepted(client: ApiClient) -> bool:
    """Whether the instance still knows the key; its database may have been replaced."""
    try:
        client.call("GET", "/v1/organizations")
    except ApiError as error:
        if error.status == HTTPStatus.UNAUTHORIZED:
            return False
        raise
    return True


def _create(client: ApiClient, path: str, body: dict[str, Any]) -> None:
    """Create something; that it is there already is fine."""
    try:
        client.call("POST", path, body)
    except ApiError as error:
        if error.status != HTTPStatus.CONFLICT:
            raise


def _create_webhook(client: ApiClient, name: str, context_id: str | None) -> str:
    body = {"type": "instant", "name": name, "organization_id": DEMO_ORGANIZATION}
    answer = client.call("POST", "/v1/webhooks", body | ({"context_id": context_id} if context_id else {}))
    return str(answer["id"])


def _secret(client: ApiClient, webhook: str) -> str:
    return str(client.call("GET", f"/v1/webhooks/{webhook}/secret")["secret"])


def _exists(client: ApiClient, webhook: str) -> bool:
    try:
        client.call("GET", f"/v1/webhooks/{webhook}")
    except ApiError:
        return False
    return True


def _patiently(call: Callable[[], T]) -> T:
    """The call's answer, however long the web process takes to start or to come back."""
    while True:
        try:
            return call()
        except UnreachableError:
            time.sleep(_WAIT_S)
        except ApiError as error:
            if error.status not in {HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS}:
                raise
            time.sleep(_WAIT_S)


def _await_receiver(port: int) -> None:
    """Wait until the receiver listens, so that the first event needs no retry."""
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(_WAIT_S)
        else:
            return


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    run(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
