"""What the organizations of the test site hold: nothing, one of each, many, and receivers in trouble."""

from __future__ import annotations

import itertools
import secrets
from dataclasses import dataclass

from app.core.clock import system_clock
from app.core.ids import delivery_id
from app.core.radius import AUTHENTICATION
from app.delivery.batch_history import list_batches
from app.delivery.close_by_hand import close_by_hand
from app.delivery.replays import ReplayOrder
from app.store.replays import ReplayKind
from tests.console.belongings import (
    add_bare_webhook,
    add_belongings,
    add_devices,
    bind_key,
    invite_to_context,
    tally_source,
)
from tests.console.site import Site
from tests.delivery.receiver import Receiver, Reply
from tests.world import PLATFORM, Hook, audit

HOSTILE = '<script>alert("x")</script>\u202egnp.exe "quoted" & co'
"""Markup and a right-to-left override, as it may stand in any field."""
MANY = 55
"""More than a page of a list shows."""
LONG = "Receiver" + "OfTheNetworkOperationsCentre" * 4
"""As long as a name may be, without a place to break it."""


@dataclass(frozen=True)
class Furnished:
    """What there is. ``arguments`` are what the parts of a page's path may be at a place, by the place's path."""

    hooks: dict[str, Hook]
    arguments: dict[str, dict[str, str]]


def furnish(site: Site, receiver: Receiver) -> Furnished:
    """Fill the site."""
    receiver.respond = answer
    empty = {"/o/void": _nothing(site, None), "/o/void/c/v1": _nothing(site, "v1")}
    hooks = _webhooks(site, receiver)
    solo = _one_of_each(site, receiver)
    crowd = {"/o/crowd": _crowd(site, receiver)}
    policies = add_belongings(site, "acme", 3)
    bind_key(site, policies["key"])
    tally_source(site, policies["source"])
    add_devices(site, "acme", "c1", MANY)
    _events(site)
    for name in ("batch", "context-batch"):
        _close_batch(site, hooks[name])
    site.world.deliver(site.world.drain(site.services.egress))
    full = {
        "/o/acme": _arguments(site, hooks["rejecting"], hooks["batch"])
        | _in_trouble(site, hooks["broken"], None)
        | policies,
        "/o/acme/c/c1": _arguments(site, hooks["one"], hooks["context-batch"])
        | _in_trouble(site, hooks["context-broken"], "c1")
        | {"member": invite_to_context(site, "acme", "c1")},
    }
    return Furnished(hooks, empty | solo | crowd | full)


def _nothing(site: Site, context: str | None) -> dict[str, str]:
    if context is None:
        site.add_organization("void", "Empty Ltd")
    else:
        site.add_context("void", context, "HQ")
    return {"webhook": add_bare_webhook(site, "void", context)}


def _one_of_each(site: Site, receiver: Receiver) -> dict[str, dict[str, str]]:
    """An organization and a context with one of everything each: a batch webhook has all that a webhook has."""
    world = site.world
    site.add_organization("solo", "Solo")
    site.add_context("solo", "s1", "HQ")
    hooks = {
        place: world.add_webhook(receiver.url, organization="solo", context=context, mode="batch")
        for place, context in (("/o/solo", None), ("/o/solo/c/s1", "s1"))
    }
    policies = add_belongings(site, "solo")
    add_devices(site, "solo", "s1", 1)
    world.send(audit(1_000, organizationId="solo", contextId="s1"))
    for hook in hooks.values():
        _close_batch(site, hook)
    world.deliver(world.drain(site.services.egress))
    return {place: _arguments(site, hook, hook) | policies for place, hook in hooks.items()}


def _crowd(site: Site, receiver: Receiver) -> dict[str, str]:
    """More contexts and webhooks than a page shows, one of them with a name that does not break."""
    site.add_organization("crowd", LONG)
    for number in range(MANY):
        site.add_context("crowd", f"crowd-{number}", LONG if not number else f"Branch office {number}")
        hook = site.world.add_webhook(receiver.url, organization="crowd")
        site.world.change(hook.id, name=LONG if not number else f"Receiver {number}")
    return {}


def _close_batch(site: Site, hook: Hook) -> None:
    with site.services.store.write() as connection:
        close_by_hand(connection, hook.id, PLATFORM, system_clock(), secrets.token_bytes)


def _webhooks(site: Site, receiver: Receiver) -> dict[str, Hook]:
    world = site.world
    for context, name in (("c1", "HQ Dot1x"), ("c2", "Factory Dot1x (EAP-TLS)"), ("c3", "Building IoT iPSK")):
        site.add_context("acme", context, name)
    broken = {"url": f"http://127.0.0.1:{receiver.port}/broken", "retry": {"schedule_s": [120, 240]}}
    hooks = {
        "one": world.add_webhook(receiver.url, context="c1", headers={"authorization": "Bearer s3cret"}),
        "batch": world.add_webhook(receiver.url, mode="batch"),
        "context-batch": world.add_webhook(receiver.url, mode="batch", context="c1"),
        "broken": world.add_webhook(**broken),
        "context-broken": world.add_webhook(**broken, context="c1"),
        "rejecting": world.add_webhook(f"http://127.0.0.1:{receiver.port}/rejecting"),
    }
    names = ("Ops console", "Nightly archive", "Nightly archive of HQ", "Old ticketing", "Tickets of HQ", "Strict SIEM")
    for name, hook in zip(names, hooks.values(), strict=True):
        world.change(hook.id, name=name)
    return hooks


def _arguments(site: Site, hook: Hook, batch: Hook) -> dict[str, str]:
    newest = site.world.deliveries(hook)[-1]
    order = ReplayOrder(ReplayKind.REDELIVER, 1)
    replay = site.services.replays.start(PLATFORM, hook.id, order, created_by="owner@example.com")
    with site.services.store.read() as connection:
        rows = list_batches(connection, batch.id, PLATFORM, limit=1)
    return {
        "webhook": hook.id,
        "delivery": delivery_id(hook.id, newest.event_seq),
        "replay": replay["id"],
        "batch": rows[0].id,
        "batch's webhook": batch.id,
        "event": newest.event_id,
    }


def _in_trouble(site: Site, failing: Hook, context: str | None) -> dict[str, str]:
    """What refuses forms: a webhook without an address, and a delivery that is tried again."""
    waiting = site.world.deliveries(failing)[-1]
    return {
        "bare webhook": add_bare_webhook(site, "acme", context),
        "failing webhook": failing.id,
        "waiting delivery": delivery_id(failing.id, waiting.event_seq),
    }


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
    for number in range(12):
        outcome = {"result": "Access-Reject" if number == 7 else "Access-Accept", "method": "MAB" if number % 3 else ""}
        where = {"organization_id": "acme", "context": {"id": "c1"}, "groupId": HOSTILE if number == 7 else "staff"}
        who = {"mac": f"00:1a:2b:3c:4d:{number:02x}", "username": HOSTILE if number == 7 else f"user{number}"}
        site.world.send({"id": f"outcome-{number}", "type": AUTHENTICATION, **where, **who, **outcome})
