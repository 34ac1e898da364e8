"""Cases 28 and 40: names that do not exist, fail, keep silent, or change their address between check and use."""

from __future__ import annotations

import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from urllib.parse import urlsplit

import orjson
import pytest

from tests.faults.conftest import Measure
from tests.faults.dns_server import DnsServer, asking_it
from tests.faults.installation import Webhook, await_that
from tests.faults.receivers import Receiver
from tests.faults.servers import cannot
from tests.faults.sources import sample_events
from tests.faults.troupe import Troupe

pytestmark = [
    pytest.mark.process,
    pytest.mark.redis,
    pytest.mark.faults_full,
    pytest.mark.timeout(400),
]

ALLOWED, FORBIDDEN = "127.0.0.1", "127.0.0.9"
CONNECT_LIMIT_S = 5.0
SILENT, HEALTHY = 60, 50
DNS_CACHE_S = 61.0
STARVED_S = 1.0
"""Far below the 5 s that a silent name holds a resolver."""


class Names:
    """A troupe that asks our DNS server, a receiver on the allowed address and a canary on the other, at one port."""

    def __init__(self, stack: ExitStack) -> None:
        folder = Path(tempfile.mkdtemp(prefix="rp-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        self.server = stack.enter_context(closing(DnsServer(ALLOWED, FORBIDDEN)))
        self.receiver = stack.enter_context(closing(Receiver()))
        self.port = urlsplit(self.receiver.url).port or 0
        self.canary = stack.enter_context(closing(Receiver(address=(FORBIDDEN, self.port))))
        self.troupe = stack.enter_context(
            closing(Troupe(folder, allow=f"{ALLOWED}/32", before=asking_it(folder), workers=1))
        )
        self.next = 0

    def webhook(self, name: str) -> Webhook:
        """A webhook to a name, in a context of the same name."""
        context = f"ctx_{name.partition('.')[0]}"
        self.troupe.call(
            "POST", "/v1/organizations/607551/contexts", {"id": context, "service": "entrypoint", "name": name}
        )
        url = f"http://{name}:{self.port}/{{id}}"
        return self.troupe.create_webhook(url, context, retry={"schedule_s": [1, 1]})

    def post(self, *names: str) -> None:
        """One event to each of the webhooks of these names."""
        events = []
        for name in names:
            events += sample_events(self.next, 1, f"ctx_{name.partition('.')[0]}")
            self.next += 1
        assert self.troupe.post(orjson.dumps(events)).status_code == 200


@pytest.fixture(scope="module")
def names() -> Iterator[Names]:
    if os.geteuid():
        cannot("a private resolv.conf needs root")
    with ExitStack() as stack:
        made = Names(stack)
        made.troupe.create_organization()
        yield made


def first_attempt(webhook: Webhook) -> dict[str, object]:
    await_that(lambda: any(webhook.attempts(row["id"]) for row in webhook.deliveries()), 30)
    return dict(webhook.attempts(webhook.deliveries()[0]["id"])[0])


def test_case_28_names_that_resolve_to_nothing_end_in_time_and_by_their_class(names: Names, measure: Measure) -> None:
    hosts = ("nx.test", "fail.test", "silent.test")
    webhooks = {host: names.webhook(host) for host in hosts}
    names.post(*hosts)
    for host, webhook in webhooks.items():
        attempt = first_attempt(webhook)
        error = attempt["error"]
        assert isinstance(error, dict)
        assert error["class"] == "dns", host
        assert float(str(attempt["duration_ms"])) / 1000 < CONNECT_LIMIT_S + 1
        measure(f"case 28, {host}", ended_after_s=float(str(attempt["duration_ms"])) / 1000)
        names.troupe.call("DELETE", f"/v1/webhooks/{webhook.id}")


@pytest.mark.parametrize("host", ["rebind.test", "mixed.test"])
def test_case_28_a_forbidden_address_behind_a_name_is_never_dialled(names: Names, host: str) -> None:
    webhook = names.webhook(host)
    for _ in range(4):
        names.post(host)
        time.sleep(0.3)
    if host == "rebind.test":
        await_that(lambda: webhook.shown()["state"] == "paused", 20, names.troupe.log)
        assert "not allowed" in str(webhook.shown()["state_reason"])
    else:
        await_that(lambda: all(webhook.attempts(row["id"]) for row in webhook.deliveries()), 20, names.troupe.log)
    assert names.canary.connections == 0
    outcomes = [one["outcome"] for row in webhook.deliveries() for one in webhook.attempts(row["id"])]
    assert set(outcomes) <= {"blocked", "delivered"}
    names.troupe.call("DELETE", f"/v1/webhooks/{webhook.id}")


def test_case_40_names_that_fall_silent_do_not_starve_the_others(names: Names, measure: Measure) -> None:
    healthy = [f"good{number}.test" for number in range(HEALTHY)]
    later = [f"later{number}.test" for number in range(SILENT)]
    hooks = {host: names.webhook(host) for host in (*healthy, *later)}
    names.post(*healthy)
    await_that(lambda: not names.troupe.ledger()["pending"], 30, names.troupe.log)
    forget(names)
    calm_s = p95_of_a_stream(names, healthy)
    forget(names)
    names.server.muted = "later"
    names.post(*later)
    beside_s = p95_of_a_stream(names, healthy)
    names.server.muted = ""
    measure("case 40", calm_p95_s=calm_s, beside_silent_names_p95_s=beside_s)
    for host in healthy:
        for row in hooks[host].deliveries():
            assert [one["outcome"] for one in hooks[host].attempts(row["id"])] == ["delivered"]
    assert beside_s < calm_s + STARVED_S


def forget(names: Names) -> None:
    """Wait until libcurl must look every name up again: its cache is over, and no connection is kept."""
    time.sleep(DNS_CACHE_S)
    names.receiver.hang_up()


def p95_of_a_stream(names: Names, hosts: list[str]) -> float:
    """Of the seconds from post to arrival: two events to each host, at about 50 a second."""
    before = len(names.receiver.requests)
    posted: dict[str, float] = {}
    for host in 2 * hosts:
        posted[f"evt-{names.next}"] = time.time()
        names.post(host)
        time.sleep(0.01)
    await_that(lambda: len(names.receiver.requests) - before >= len(posted), 60, names.troupe.log)
    waits = [one.at - posted[orjson.loads(one.body)["id"]] for one in names.receiver.requests[before:]]
    return statistics.quantiles(waits, n=20)[-1]
