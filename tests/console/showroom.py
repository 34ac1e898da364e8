"""An organization as its admin knows it, for pictures: a working day of changes, receivers in every mood.

Nobody waits for it to happen: the installation lives on a clock that leaps from one change to the next.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from app.core.clock import DAY, HOUR, MINUTE, SECOND, Micros, system_clock, to_rfc3339
from app.core.ids import delivery_id
from app.core.moments import parse_moment
from app.core.states import DeliveryState
from app.delivery.batch_history import list_batches
from app.delivery.replaying import Replayer
from app.delivery.replays import ReplayOrder
from app.demo import DEMO_CONTEXTS, DEMO_ORGANIZATION, DEMO_ORGANIZATION_NAME, generate
from app.demo.cast import FACTORY, HQ, IOT
from app.ingest.source_input import NewSource
from app.routing.change_windows import ChangeWindowInput
from app.routing.keys import NewKey
from app.routing.members import NewMember
from app.routing.own_audit import Author
from app.routing.sensitivity_rules import SensitivityRuleInput
from app.routing.webhook_input import NewWebhook, WebhookPatch
from app.security.scope import Scope
from app.store.replays import ReplayKind
from tests.console.site import Site, built_site, served
from tests.delivery.receiver import Received, Receiver, Reply, receiving
from tests.people import PASSWORD, SOMEWHERE, add_member, add_person, front_door
from tests.world import ADMIN, PLATFORM, Hook

NOW: Micros = 1_776_782_400 * SECOND
"""2026-04-21T14:40:00Z, a Tuesday afternoon. A constant, so that two takes of one picture show the same."""
PLACE = f"/o/{DEMO_ORGANIZATION}"
_SEED = 20_260_421
_EVENTS = 5_250
_LOOPBACK = ("127.0.0.0/8", "::1/128")
"""Names below ``localhost`` have both addresses."""
_SPAN = 30 * HOUR
"""How far back the deliveries go."""
_OUTAGE = 75 * MINUTE
"""Since when the ticket system is down."""
_REFUSED_EVERY = 29
_FIRST_STEP: Micros = SECOND // 8
"""How long the replay runs whose picture is taken half-way."""
_OWNER = "owner@example.com"
_BY_OWNER = Author("admin", None, _OWNER)
_OWNERS_SCOPE = Scope(DEMO_ORGANIZATION)


@dataclass
class LeapingClock:
    """The system's clock, moved."""

    ahead: Micros = 0

    def __call__(self) -> Micros:
        return system_clock() + self.ahead

    def leap(self, to: Micros) -> None:
        """Go to a moment, never backwards."""
        self.ahead += max(0, to - self())


@dataclass
class Showroom:
    """The site, and the addresses of what there is to see."""

    site: Site
    clock: LeapingClock
    hooks: dict[str, Hook] = field(default_factory=dict)
    addresses: dict[str, str] = field(default_factory=dict)


@contextmanager
def showroom(folder: Path) -> Iterator[Showroom]:
    """An installation after a busy day, on a socket."""
    clock = LeapingClock()
    clock.ahead = NOW - _SPAN - system_clock()
    moods = _Moods(clock)
    with receiving(moods.answer) as receiver, built_site(folder, clock, _LOOPBACK) as site:
        room = Showroom(site, clock)
        _people_and_places(room)
        _webhooks(room, receiver)
        _policies(room)
        _a_day_passes(room)
        _addresses(room)
        site.email, site.session = _OWNER, front_door(site.services.store, clock).sign_in(_OWNER, PASSWORD, SOMEWHERE)
        with served(site):
            yield room


class _Moods:
    """The receivers: each takes what it gets, but for one that is down and one that is strict."""

    def __init__(self, clock: LeapingClock) -> None:
        self._clock = clock
        self._seen = 0

    def answer(self, request: Received) -> Reply:
        host = request.header("host").partition(".")[0]
        if host == "tickets" and self._clock() > NOW - _OUTAGE:
            return _reply(503, {"error": {"message": "Instance is restarting", "detail": "back at about 15:00 UTC"}})
        if host == "siem":
            self._seen += 1
            if self._seen % _REFUSED_EVERY == 0:
                return _reply(400, {"error": "mapper_parsing_exception", "reason": "event.category is unknown"})
        if host == "splunk":
            return _reply(200, {"text": "Success", "code": 0})
        if host == "hooks":
            return Reply(200, (("content-type", "text/html"),), b"ok")
        return _reply(201, {"result": [{"number": "CHG0042117"}]} if host == "tickets" else {"ok": True})


def _reply(status: int, body: dict[str, Any]) -> Reply:
    return Reply(status, (("content-type", "application/json"),), orjson.dumps(body))


def _people_and_places(room: Showroom) -> None:
    site = room.site
    site.add_organization(DEMO_ORGANIZATION, DEMO_ORGANIZATION_NAME)
    site.add_organization("globex", "Globex")
    for context, name in DEMO_CONTEXTS.items():
        site.add_context(DEMO_ORGANIZATION, context, name)
    store = site.services.store
    add_member(store, add_person(store, _OWNER, now=room.clock()), "owner")
    for email, role in (("network.manager@example.com", "editor"), ("auditor@example.com", "viewer")):
        site.services.members.invite(ADMIN, DEMO_ORGANIZATION, NewMember.model_validate({"email": email, "role": role}))
    for name, role in (("EntryPoint", "ingest"), ("Terraform", "write"), ("Grafana", "read")):
        key = site.services.keys.create(ADMIN, DEMO_ORGANIZATION, NewKey.model_validate({"name": name, "role": role}))
        room.addresses.setdefault("key", f"{PLACE}/keys/{key['id']}")
    source = NewSource.model_validate({"kind": "github", "name": "Network as code"})
    made = site.services.sources.create(_OWNERS_SCOPE, DEMO_ORGANIZATION, source)
    room.addresses["source"] = f"{PLACE}/sources/{made['id']}"


def _webhooks(room: Showroom, receiver: Receiver) -> None:
    port = receiver.port
    sensitive = {"sensitivity": [{"numeric": [">=", 4]}]}
    splunk = {
        "sink": "splunk_hec",
        "endpoint_url": f"http://splunk.localhost:{port}",
        "secrets": {"token": "11111111-2222-3333-4444-555555555555"},
        "config": {"index": "audit", "acknowledgement": "ignore"},
    }
    siem = {"sink": "siem", "endpoint_url": f"http://siem.localhost:{port}/ingest", "config": {"format": "ecs"}}
    slack = {
        "sink": "slack",
        "endpoint_url": f"http://hooks.localhost:{port}/services/T0123/B4567/XyZ",
        "filter": sensitive,
        "only_outside_change_windows": True,
    }
    tickets = {
        "sink": "servicenow",
        "endpoint_url": f"http://tickets.localhost:{port}",
        "config": {"target": "table", "table": "change_request", "user": "relaypoint"},
        "secrets": {"password": "example-passw0rd"},
        "filter": {"sensitivity": [{"numeric": [">=", 3]}]},
    }
    plain = {"sink": "webhook", "headers": {"authorization": "Bearer s3cret", "x-team": "network"}}
    archive = plain | {"endpoint_url": f"http://archive.localhost:{port}/audit", "batch": {"max_age_s": 7_200}}
    board = plain | {"endpoint_url": f"http://board.localhost:{port}/hooks/hq"}
    pager = plain | {"endpoint_url": f"http://pager.localhost:{port}/v2", "filter": {"sensitivity": [5]}}
    _add(room, "Splunk", splunk)
    _add(room, "SIEM", siem)
    _add(room, "Ops Slack", slack)
    _add(room, "Change tickets", tickets)
    _add(room, "Audit archive", archive, mode="batch")
    _add(room, "On-call pager", pager)
    _add(room, "Data lake", {})
    _add(room, "HQ status board", board, context=HQ)
    room.site.services.webhooks.pause(PLATFORM, room.hooks["On-call pager"].id, _BY_OWNER)
    _add(room, "Factory line control", plain | {"endpoint_url": f"http://line.localhost:{port}/"}, context=FACTORY)


def _add(
    room: Showroom, name: str, patch: dict[str, Any], *, mode: str = "instant", context: str | None = None
) -> None:
    new = NewWebhook.model_validate(
        {"type": mode, "name": name, "organization_id": DEMO_ORGANIZATION, "context_id": context}
    )
    made = room.site.services.webhooks.create(PLATFORM, new, _BY_OWNER)
    if patch:
        room.site.services.webhooks.patch(PLATFORM, made["id"], WebhookPatch.model_validate(patch), _BY_OWNER)
    room.hooks[name] = room.site.world.hook(made["id"])


def _policies(room: Showroom) -> None:
    services, local = room.site.services, {"location": "Local"}
    windows = (
        {
            "name": "Network nights",
            "time_intervals": [
                {"weekdays": ["tuesday", "thursday"], "times": [{"start_time": "01:00", "end_time": "04:00"}], **local}
            ],
            "grace_minutes": 30,
        },
        {
            "name": "Site visits",
            "time_intervals": [
                {"weekdays": ["wednesday"], "times": [{"start_time": "13:00", "end_time": "17:00"}], **local}
            ],
            "contexts": [IOT],
        },
        {
            "name": "Quarter's end",
            "kind": "freeze",
            "starts_at": "2026-04-24T16:00:00Z",
            "ends_at": "2026-04-26T22:00:00Z",
        },
    )
    rules = (
        {"name": "Anything a token does", "pattern": {"actor": {"type": ["api_token"]}}, "tags": ["automation"]},
        {"name": "Production factory", "pattern": {"context": {"id": [FACTORY]}}, "sensitivity": 4},
    )
    for window in windows:
        made = services.change_windows.create(PLATFORM, DEMO_ORGANIZATION, ChangeWindowInput.model_validate(window))
        room.addresses.setdefault("window", f"{PLACE}/change-windows/{made['id']}")
    for rule in rules:
        services.sensitivity_rules.create(PLATFORM, DEMO_ORGANIZATION, SensitivityRuleInput.model_validate(rule))


def _a_day_passes(room: Showroom) -> None:
    world, clock = room.site.world, room.clock
    drain = world.drain(room.site.services.egress)
    world.send(*_radius())
    for event in generate(_SEED, _EVENTS, until=NOW):
        at = _time_of(event)
        if at < NOW - _SPAN + MINUTE:
            continue
        clock.leap(at + SECOND)
        world.send(event)
        world.deliver(drain)
    clock.leap(NOW)
    world.deliver(drain)


def _time_of(event: dict[str, Any]) -> Micros:
    moment = parse_moment(event.get("timestamp") or event["eventTime"])
    assert moment is not None
    return moment


def _radius() -> Iterator[dict[str, Any]]:
    """A morning, the day before, of people and things that joined the network of the head office."""
    groups = ("grp_staff", "grp_staff", "grp_guests", "grp_kiosk")
    for number in range(240):
        accepted = number % 17 != 0
        told = {
            "id": f"radius-{number}",
            "type": "entrypoint.radius.authentication",
            "organization_id": DEMO_ORGANIZATION,
            "context": {"id": HQ},
            "occurred_at": to_rfc3339(NOW - _SPAN - (240 - number) * MINUTE),
            "result": "Access-Accept" if accepted else "Access-Reject",
            "method": "EAP-TLS" if number % 3 else "EAP-PEAP",
            "mac": f"00:1a:2b:3c:4d:{number % 60:02x}",
            "groupId": groups[number % len(groups)],
            "username": f"user{number % 60}@example.com",
        }
        yield told
        if number % 4 == 0:
            stop = {"type": "entrypoint.radius.accounting", "status": "Stop", "id": f"accounting-{number}"}
            yield told | stop | {"inputOctets": 18_400_000 + number, "outputOctets": 241_000_000 + number}


def _addresses(room: Showroom) -> None:
    hooks, world = room.hooks, room.site.world
    webhook = {name: f"{PLACE}/webhooks/{hook.id}" for name, hook in hooks.items()}
    newest = world.deliveries(hooks["Splunk"])[-1]
    splunk, tickets = hooks["Splunk"].id, hooks["Change tickets"].id
    retried = next(one for one in world.deliveries(hooks["Change tickets"]) if one.state is DeliveryState.PENDING)
    order = ReplayOrder(ReplayKind.REDELIVER, NOW - DAY)
    line, store = hooks["Factory line control"].id, room.site.services.store
    replay = room.site.services.replays.start(PLATFORM, line, order, created_by=_OWNER)
    Replayer(store).step(room.clock() + _FIRST_STEP)
    with store.read() as connection:
        batch = list_batches(connection, hooks["Audit archive"].id, PLATFORM, limit=1)[0]
    room.addresses |= {
        "splunk": webhook["Splunk"],
        "slack": webhook["Ops Slack"],
        "tickets": webhook["Change tickets"],
        "new": f"{webhook['Data lake']}?sink=splunk_hec",
        "deliveries": f"{webhook['SIEM']}/deliveries",
        "delivery": f"{webhook['Splunk']}/deliveries/{delivery_id(splunk, newest.event_seq)}",
        "retried": f"{webhook['Change tickets']}/deliveries/{delivery_id(tickets, retried.event_seq)}",
        "replay": f"{PLACE}/c/{FACTORY}/webhooks/{line}/replays/{replay['id']}",
        "batch": f"{webhook['Audit archive']}/batches/{batch.id}",
        "batches": f"{webhook['Audit archive']}/batches",
        "event": f"{PLACE}/audit/{newest.event_id}",
    }
