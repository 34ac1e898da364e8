"""What the organizations of the test site hold: nothing, one of each, many, and receivers in trouble."""

from __future__ import annotations

import itertools

from tests.console.site import Site
from tests.delivery.receiver import Receiver, Reply
from tests.world import Hook, audit

HOSTILE = '<script>alert("x")</script>\u202egnp.exe "quoted" & co'
"""Markup and a right-to-left override, as it may stand in any field."""
MANY_NAMES = ("Splunk", "SIEM", "Ops Slack", "Change tickets", "PagerDuty", "Data lake", "Audit archive")


def furnish(site: Site, receiver: Receiver) -> dict[str, Hook]:
    """Fill the site; answers the webhooks that tests name."""
    site.add_organization("void", "Empty Ltd")
    site.add_context("void", "v1", "HQ")
    for context, name in (("c1", "HQ Dot1x"), ("c2", "Factory Dot1x (EAP-TLS)"), ("c3", "Building IoT iPSK")):
        site.add_context("acme", context, name)
    world = site.world
    hooks = {
        "one": world.add_webhook(receiver.url, context="c1", headers={"authorization": "Bearer s3cret"}),
        "batch": world.add_webhook(receiver.url, mode="batch"),
        "broken": world.add_webhook(f"http://127.0.0.1:{receiver.port}/broken", retry={"schedule_s": [120, 240]}),
        "rejecting": world.add_webhook(f"http://127.0.0.1:{receiver.port}/rejecting"),
    }
    for name, hook in zip(
        ("Ops console", "Nightly archive", "Old ticketing", "Strict SIEM"), hooks.values(), strict=True
    ):
        world.change(hook.id, name=name)
    for name in MANY_NAMES:
        hook = world.add_webhook(receiver.url, event_types=["entrypoint.configuration.audit"])
        world.change(hook.id, name=name)
    receiver.respond = answer
    _events(site)
    world.deliver(world.drain(site.services.egress))
    return hooks


def answer(request: object) -> Reply:
    """As the path says: well, broken or refusing."""
    path = getattr(request, "path", "")
    if path == "/broken":
        return Reply(503, (("content-type", "text/plain"),), b"upstream is on holiday")
    if path == "/rejecting":
        return Reply(400, (("content-type", "text/html"),), f"<b>{HOSTILE}</b>".encode())
    return Reply(200, (("content-type", "application/json"),), b'{"ok":true}')


def _events(site: Site) -> None:
    contexts = itertools.cycle(["c1", "c2", "c3"])
    for number in range(60):
        field = HOSTILE if number == 7 else "RADIUS client allow-list"
        change = {"field": field, "before": ["10.0.0.0/8"], "after": ["10.0.0.0/8", f"192.0.2.{number}/32"]}
        site.world.send(audit(number, contextId=next(contexts), changes=[change]))
