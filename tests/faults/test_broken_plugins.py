"""Broken plugins in a real stack: each breaks only itself, everybody else's events go on, and the fault is named."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson
import pytest
from sqlalchemy import select

from app.core.clock import SECOND
from app.store.tables import attempts, events, webhooks
from tests.faults.broken_plugins import LEFT_OUT, MODULES, install_all
from tests.faults.conftest import Measure
from tests.faults.installation import Webhook, await_that
from tests.faults.receive_command import ReceiveCommand
from tests.faults.sources import sample_events
from tests.faults.troupe import Troupe

pytestmark = [pytest.mark.process, pytest.mark.redis, pytest.mark.timeout(180)]

MEMORY_MIB = 512
EVENTS = 100
"""Sent while the plugins misbehave, five a second. Seven of them hang for a second or more each before they are set
aside, and chance may put them all into the healthy webhook's process: it must be well for most of the time."""


class Fault:
    """What a sink does in one of its methods, and what must become of its webhook and its delivery."""

    def __init__(self, does: str, delivery: str, reason: str, *, paused: bool) -> None:
        self.does = does
        self.delivery = delivery
        self.reason = reason
        self.state = "paused" if paused else "enabled"


FAULTS = [
    Fault("raises in format", "parked", "failed to format: RuntimeError", paused=False),
    Fault("exits in format", "parked", "failed to format: SystemExit", paused=False),
    Fault("answers in format", "parked", "failed to format: format answered str, not Reject", paused=False),
    Fault("sleeps in format", "parked", "failed to format: broken off after", paused=True),
    Fault("loops in format", "parked", "failed to format: broken off after", paused=True),
    Fault("backtracks in format", "parked", "failed to format: broken off after", paused=True),
    Fault("eats in format", "parked", "failed to format: MemoryError", paused=True),
    Fault("raises in build_request", "parked", "failed to build the request: RuntimeError", paused=False),
    Fault("answers in build_request", "parked", "build_request answered str, not OutboundRequest", paused=False),
    Fault("sleeps in build_request", "parked", "failed to build the request: broken off after", paused=True),
    Fault("raises in classify", "delivered", "failed to read the answer: RuntimeError", paused=False),
    Fault("answers in classify", "delivered", "classify answered str, not Outcome", paused=False),
    Fault("sleeps in classify", "delivered", "failed to read the answer: broken off after", paused=True),
    Fault("raises in limits", "parked", "failed to take the stored settings: RuntimeError", paused=True),
    Fault("answers in limits", "parked", "limits answered str, not Limits", paused=True),
    Fault("sleeps in limits", "parked", "failed to take the stored settings: broken off after", paused=True),
]


@pytest.fixture(scope="module")
def stack() -> Iterator[Troupe]:
    with TemporaryDirectory(prefix="rp-") as name:
        site = Path(name) / "site"
        install_all(site)
        settings = {"memory_limit_mib": str(MEMORY_MIB)}
        with closing(Troupe(Path(name), lease_s=10, python_path=site, patience=1, **settings)) as made:
            made.create_organization(("ctx_1", "entrypoint"))
            yield made


@pytest.fixture(scope="module")
def receive() -> Iterator[ReceiveCommand]:
    with closing(ReceiveCommand()) as made:
        yield made


def test_what_cannot_be_loaded_is_left_out_and_named_everywhere(stack: Troupe) -> None:
    shown = stack.call("GET", "/v1/plugins")
    listed = {one["name"]: one["error"] for one in shown["failed"]}
    assert {name for name in LEFT_OUT if LEFT_OUT[name] not in listed.pop(name)} == set()
    assert listed == {}
    assert {"webhook", "moody"} <= {one["name"] for one in shown["items"]}
    (finding,) = (one for one in orjson.loads(stack.run("doctor", "--json")) if one["part"] == "plugins")
    log = stack.whole_log()
    for name, error in LEFT_OUT.items():
        assert f"{name} (" in finding["text"]
        assert error in finding["text"]
        assert f'plugin={name} source="relaypoint-sink-{name} 0.1"' in log
    assert "hunter2" not in finding["text"] + log + orjson.dumps(shown).decode()
    assert {name for name in MODULES if name not in LEFT_OUT} == {"moody"}


def test_what_misbehaves_at_work_is_set_aside_while_everybody_elses_events_arrive(
    stack: Troupe, receive: ReceiveCommand, measure: Measure
) -> None:
    healthy = stack.create_webhook(f"{receive.url}/healthy")
    beside = stack.create_webhook(f"{receive.url}/beside", sink="moody")
    hurt = {
        fault.does: stack.create_webhook(receive.url, sink=f"moody_{number}", config={"fault": fault.does})
        for number, fault in enumerate(FAULTS)
    }
    began = time.monotonic()
    for event in sample_events(0, EVENTS):
        assert stack.post(orjson.dumps(event)).status_code == 200
        time.sleep(0.2)
    for webhook in (healthy, beside):
        await_that(lambda webhook=webhook: delivered(stack, webhook) == EVENTS, 60, stack.log)
    took_s = time.monotonic() - began
    for fault in FAULTS:
        await_that(has_come_to(hurt[fault.does], fault), 60, lambda fault=fault: f"{fault.does}: {stack.log()}")
    (attempt,) = hurt["raises in classify"].only_delivery_of("evt-0")["attempts"]
    assert (attempt["outcome"], attempt["error"]) == ("unconfirmed", None)
    assert "failed to read the answer: RuntimeError; judged by its status" in attempt["detail"]
    assert [name for name, _ in stack.deaths if name.startswith("worker")] == [], "no worker had to die"
    assert stack.ledger()["balanced"]
    check_named(stack)
    waits = waits_s(stack, healthy)
    measure("beside 16 broken webhooks", all_s=took_s, median_s=waits[EVENTS // 2], longest_s=waits[-1])
    assert waits[EVENTS // 2] < 1


def delivered(stack: Troupe, webhook: Webhook) -> int:
    (account,) = (one for one in stack.ledger()["webhooks"] if one["webhook_id"] == webhook.id)
    return int(account["delivered"])


def has_come_to(webhook: Webhook, fault: Fault) -> Callable[[], bool]:
    """Whether its first delivery and the webhook itself are as they must be, with the reason."""

    def holds() -> bool:
        shown = webhook.shown()
        first = webhook.only_delivery_of("evt-0")
        told = orjson.dumps([first, shown]).decode()
        return (shown["state"], first["state"]) == (fault.state, fault.delivery) and fault.reason in told

    return holds


def check_named(stack: Troupe) -> None:
    """Doctor, the API and the log name every fault, and none of them the plugin's own words."""
    faults = stack.call("GET", "/v1/plugins")["faults"]
    from_api = {f"sink {one['sink']} failed to {one['call']}: {one['error']}" for one in faults}
    (finding,) = (one for one in orjson.loads(stack.run("doctor", "--json")) if one["part"] == "plugin-calls")
    assert finding["state"] == "warning"
    log = stack.whole_log()
    for fault in FAULTS:
        assert [one for one in from_api if fault.reason in one], fault.reason
        assert fault.reason in finding["text"]
        assert fault.reason in log
    assert "hunter2" not in finding["text"] + log + orjson.dumps(faults).decode()


def waits_s(stack: Troupe, webhook: Webhook) -> list[float]:
    """How long each event waited between its arrival and its request, shortest first."""
    waited = select(attempts.c.started_at - events.c.received_at).select_from(
        attempts.join(webhooks, webhooks.c.pk == attempts.c.webhook_pk).join(
            events, events.c.seq == attempts.c.event_seq
        )
    )
    with stack.store.read() as connection:
        return sorted(us / SECOND for us in connection.execute(waited.where(webhooks.c.id == webhook.id)).scalars())


@pytest.mark.parametrize("kind", ["raises", "exits", "sleeps"])
def test_whoever_asks_such_a_sink_is_told_and_nobody_waits_for_it(stack: Troupe, kind: str) -> None:
    webhook = stack.create_webhook("http://127.0.0.1:9", sink="moody")
    asked = [
        ("PATCH", f"/v1/webhooks/{webhook.id}", {"config": {"fault": f"{kind} in settings"}}),
        ("POST", "/v1/sinks/moody/render", {"config": {"fault": f"{kind} in format"}, "event": {"id": "e"}}),
    ]
    with stack.session() as session, ThreadPoolExecutor(2) as threads:
        answers = [
            threads.submit(session.request, method, stack.url + path, json=body, timeout=30)
            for method, path, body in asked
        ]
        began = time.monotonic()
        assert stack.post(orjson.dumps(sample_events(900, 1)[0])).status_code == 200
        assert time.monotonic() - began < 2, "no transaction waits for it"
        for answer in [one.result() for one in answers]:
            assert answer.status_code == 422, answer.text
            assert "sink moody failed" in answer.json()["detail"]
            assert "hunter2" not in answer.text
    stack.call("DELETE", f"/v1/webhooks/{webhook.id}")
