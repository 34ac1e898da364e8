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
from app.ingest.source_input import NewSource
from app.ingest.source_tally import SourceOutcome
from app.routing.change_windows import ChangeWindowInput
from app.routing.keys import NewKey
from app.routing.own_audit import SYSTEM
from app.routing.sensitivity_rules import SensitivityRuleInput
from app.routing.webhook_input import NewWebhook
from app.security.inbound_signatures import Scheme, SignatureRule
from app.security.key_terms import KeyTerms
from app.store.replays import ReplayKind
from tests.console.site import Site
from tests.delivery.receiver import Receiver, Reply
from tests.world import ADMIN, PLATFORM, Hook, audit

HOSTILE = '<script>alert("x")</script>\u202egnp.exe "quoted" & co'
"""Markup and a right-to-left override, as it may stand in any field."""
MANY_NAMES = ("Splunk", "SIEM", "Ops Slack", "Change tickets", "PagerDuty", "Data lake", "Audit archive")


@dataclass(frozen=True)
class Furnished:
    """What there is. ``arguments`` are what the parts of a page's path may be at a place, by the place's path."""

    hooks: dict[str, Hook]
    arguments: dict[str, dict[str, str]]


def furnish(site: Site, receiver: Receiver) -> Furnished:
    """Fill the site."""
    site.add_organization("void", "Empty Ltd")
    site.add_context("void", "v1", "HQ")
    for context, name in (("c1", "HQ Dot1x"), ("c2", "Factory Dot1x (EAP-TLS)"), ("c3", "Building IoT iPSK")):
        site.add_context("acme", context, name)
    receiver.respond = answer
    hooks = _webhooks(site, receiver)
    window = ChangeWindowInput.model_validate(
        {"name": "Network nights", "time_intervals": [{"weekdays": ["tuesday", "thursday"]}]}
    )
    rule = SensitivityRuleInput.model_validate({"name": "Any", "pattern": {"action": ["update"]}, "sensitivity": 4})
    policies = {
        "window": site.services.change_windows.create(PLATFORM, "acme", window)["id"],
        "rule": site.services.sensitivity_rules.create(PLATFORM, "acme", rule)["id"],
    }
    policies["key"] = _keys(site)
    policies["source"] = _source(site)
    _events(site)
    for name in ("batch", "context-batch"):
        with site.services.store.write() as connection:
            close_by_hand(connection, hooks[name].id, PLATFORM, system_clock(), secrets.token_bytes)
    site.world.deliver(site.world.drain(site.services.egress))
    return Furnished(
        hooks,
        {
            "/o/acme": _arguments(site, hooks["rejecting"], hooks["batch"]) | policies,
            "/o/acme/c/c1": _arguments(site, hooks["one"], hooks["context-batch"]),
            "/o/void": {"webhook": _bare(site, None)},
            "/o/void/c/v1": {"webhook": _bare(site, "v1")},
        },
    )


def _webhooks(site: Site, receiver: Receiver) -> dict[str, Hook]:
    world = site.world
    hooks = {
        "one": world.add_webhook(receiver.url, context="c1", headers={"authorization": "Bearer s3cret"}),
        "batch": world.add_webhook(receiver.url, mode="batch"),
        "context-batch": world.add_webhook(receiver.url, mode="batch", context="c1"),
        "broken": world.add_webhook(f"http://127.0.0.1:{receiver.port}/broken", retry={"schedule_s": [120, 240]}),
        "rejecting": world.add_webhook(f"http://127.0.0.1:{receiver.port}/rejecting"),
    }
    names = ("Ops console", "Nightly archive", "Nightly archive of HQ", "Old ticketing", "Strict SIEM")
    for name, hook in zip(names, hooks.values(), strict=True):
        world.change(hook.id, name=name)
    for name in MANY_NAMES:
        hook = world.add_webhook(receiver.url, event_types=["entrypoint.configuration.audit"])
        world.change(hook.id, name=name)
    return hooks


def _source(site: Site) -> str:
    """A source that took some and refused some."""
    services = site.services
    new = NewSource(kind="okta", name="Directory", secret="a-secret-of-okta-0123456789")
    source = str(services.sources.create(PLATFORM, "acme", new)["id"])
    for outcome, number in ((SourceOutcome.ACCEPTED, 412), (SourceOutcome.UNVERIFIED, 57)):
        services.source_tally.count(source, outcome, number)
    services.source_tally.write()
    return source


def _keys(site: Site) -> str:
    """A key without terms, and one that must sign; answers the second."""
    site.services.keys.create(ADMIN, "acme", NewKey(name="Scripts", role="read"))
    bound = str(site.services.keys.create(ADMIN, "acme", NewKey(name="EntryPoint", role="ingest"))["id"])
    terms = KeyTerms(50, SignatureRule(Scheme.GITHUB, ("a-secret-of-entrypoint-0123",)))
    site.services.key_terms.put(PLATFORM, bound, terms, SYSTEM)
    return bound


def _bare(site: Site, context: str | None) -> str:
    """A webhook that nothing was said about yet."""
    new = NewWebhook(type="instant", name="Splunk", organization_id="void", context_id=context)
    return str(site.services.webhooks.create(PLATFORM, new)["id"])


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
