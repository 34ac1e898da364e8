"""rsyslog and syslog-ng really receive; what they stored is compared with what was sent."""

from __future__ import annotations

from typing import Any

import pytest

from app.delivery.egress import EgressClient
from app.delivery.exchange import Outgoing
from app.sinks import Event
from app.sinks.samples import odd_events, sample_event
from plugins.siem.facts import read
from tests import catalogue
from tests.plugins.siem.rendering import FORMATS, bound, request
from tests.plugins.siem.rendering import record as plain_record
from tests.plugins.siem.syslog_daemons import Daemon

SCHEMES = ("syslog+tls", "syslog+tcp", "syslog+udp")
HOSTILE = odd_events()["unicode"]


def send(client: EgressClient, daemon: Daemon, events: list[Event], scheme: str, **config: object) -> None:
    binding = bound(daemon.url(scheme), batch=len(events) > 1, **config)
    made = request(events, binding)
    returned = client.fetch(Outgoing(None, made.method, made.url, made.headers, made.body))
    assert returned.is_unanswered, returned.failure


def expected_sd(event: Event) -> dict[str, str]:
    """What the structured data must say after unescaping."""
    facts = read(event)
    pairs = {"id": facts.event_id, "action": facts.action, "actor": facts.actor, "sens": str(facts.sensitivity)}
    return {key: value for key, value in pairs.items() if value}


@pytest.mark.process
@pytest.mark.parametrize("fmt", FORMATS)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_rsyslog_stores_header_structured_data_and_record(
    client: EgressClient, rsyslog_daemon: Daemon, scheme: str, fmt: str
) -> None:
    event = sample_event("evt_1", description="Größe | geändert")
    send(client, rsyslog_daemon, [event], scheme, format=fmt)
    (stored,) = rsyslog_daemon.stored(1)
    assert stored["protocol-version"] == "1"
    assert stored["app-name"] == "entrypoint"
    assert stored["msgid"] == "CFGAUDIT"
    assert stored["syslogfacility"] == "13"
    assert stored["hostname"] == "relaypoint"
    record = plain_record(event, fmt)
    assert stored["msg"] in {record, record.replace("\t", "#011")}
    assert expected_sd(event).items() <= _sd(stored).items()


@pytest.mark.process
@pytest.mark.parametrize("fmt", FORMATS)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_syslog_ng_stores_header_structured_data_and_record(
    client: EgressClient, syslog_ng_daemon: Daemon, scheme: str, fmt: str
) -> None:
    event = sample_event("evt_1", description="Größe | geändert")
    send(client, syslog_ng_daemon, [event], scheme, format=fmt)
    (stored,) = syslog_ng_daemon.stored(1)
    assert stored["PROGRAM"] == "entrypoint"
    assert stored["MSGID"] == "CFGAUDIT"
    assert stored["HOST"] == "relaypoint"
    assert stored["MESSAGE"] == plain_record(event, fmt)
    assert expected_sd(event).items() <= _sd(stored).items()


@pytest.mark.process
def test_both_find_every_hostile_message_of_a_batch(
    client: EgressClient, rsyslog_daemon: Daemon, syslog_ng_daemon: Daemon
) -> None:
    events = [sample_event("evt_a"), HOSTILE, *catalogue.events().values(), sample_event("evt_z")]
    for daemon in (rsyslog_daemon, syslog_ng_daemon):
        for fmt in ("cef", "json"):
            send(client, daemon, events, "syslog+tls", format=fmt)
            stored = daemon.stored(len(events))
            found = [_sd(one) for one in stored]
            assert [one["id"] for one in found] == [event.id for event in events]
            assert '" backslash \\ newline   tab   pipe | bracket ] equals =' in found[1]["entity"]


@pytest.mark.process
def test_rsyslog_takes_newline_framing_and_the_old_header_too(client: EgressClient, rsyslog_daemon: Daemon) -> None:
    events = [sample_event("evt_1"), HOSTILE, sample_event("evt_3")]
    send(client, rsyslog_daemon, events, "syslog+tcp", framing="newline", header="rfc3164")
    stored = rsyslog_daemon.stored(3)
    assert [one["programname"] for one in stored] == ["CEF"] * 3
    assert [one["hostname"] for one in stored] == ["relaypoint"] * 3
    assert [one["msg"].partition("externalId=")[2].split()[0] for one in stored] == ["evt_1", "evt_unicode", "evt_3"]


@pytest.mark.process
def test_syslog_ng_shows_a_broken_octet_count(client: EgressClient, syslog_ng_daemon: Daemon) -> None:
    """The oracle's own test: a spoiled frame is not stored, so what it stores was framed rightly."""
    good = request([sample_event("evt_good")], bound(syslog_ng_daemon.url("syslog+tcp")))
    spoiled = b"x" + good.body
    returned = client.fetch(Outgoing(None, good.method, good.url, (), spoiled))
    assert returned.failure is None or returned.failure.request_sent
    assert syslog_ng_daemon.stored(1, patience_s=1.0) == []


def _sd(stored: dict[str, Any]) -> dict[str, str]:
    """Structured data as each daemon stores it."""
    if "_SDATA" in stored:
        return dict(stored["_SDATA"]["cfgaudit@32473"])
    return dict(stored["$!"]["rfc5424-sd"]["cfgaudit@32473"])
