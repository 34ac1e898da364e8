"""RADIUS records in the shapes sources may use, read for counting."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.event import CanonicalEvent
from app.core.normalise import NOT_RATED, normalise
from app.core.radius import ACCOUNTING, AUTHENTICATION, RADIUS_TYPES, RadiusRecord, read_radius


def accepted(kind: str, **fields: Any) -> CanonicalEvent:
    element = {
        "type": f"entrypoint.radius.{kind}",
        "organization_id": "acme",
        "context": {"id": "c1"},
        "occurred_at": "2026-04-19T12:00:00Z",
        **fields,
    }
    return normalise(element, received_at=1, default_organization=None)


def record(kind: str, **fields: Any) -> RadiusRecord:
    found = read_radius(accepted(kind, **fields))
    assert found is not None
    return found


def test_the_two_types_are_those_of_the_catalogue_that_nobody_gets() -> None:
    assert {AUTHENTICATION, ACCOUNTING} == RADIUS_TYPES


@pytest.mark.parametrize(
    ("kind", "fields", "line"),
    [
        ("authentication", {"result": "Access-Accept"}, "RADIUS authentication accepted"),
        ("authentication", {"result": "Access-Reject", "username": "kim"}, "RADIUS authentication rejected for kim"),
        ("authentication", {"mac": "001A2B3C4D5E"}, "RADIUS authentication outcome for 00:1a:2b:3c:4d:5e"),
        ("authentication", {"result": "accept", "description": "Kim came in"}, "Kim came in"),
        (
            "accounting",
            {"status": "Start", "userEmail": "kim@example.com"},
            "RADIUS session started for kim@example.com",
        ),
        ("accounting", {"status": "Stop"}, "RADIUS session ended"),
        ("accounting", {"status": "Interim-Update"}, "RADIUS accounting record"),
    ],
)
def test_a_record_says_what_became_of_whom_and_never_that_something_changed(
    kind: str, fields: dict[str, Any], line: str
) -> None:
    assert accepted(kind, **fields).description == line


def test_a_record_is_not_rated_whatever_its_source_says_and_stays_so() -> None:
    change = {"field": "RADIUS Access Restrictions", "before": ["10.0.0.0/8"], "after": ["0.0.0.0/0"]}
    event = accepted("authentication", sensitivity=5, tags=["wifi"], changes=[change])
    assert (event.sensitivity, event.sensitivity_rule, event.tags) == (None, NOT_RATED, ("wifi",))
    again = normalise(orjson.loads(event.to_json(received_at=1)), received_at=1, default_organization=None)
    assert again.to_json(received_at=1) == event.to_json(received_at=1)


@pytest.mark.parametrize(
    ("fields", "accepted", "rejected"),
    [
        ({"result": "Access-Accept"}, 1, 0),
        ({"outcome": "REJECTED"}, 0, 1),
        ({"metadata": {"status": "success"}}, 1, 0),
        ({"metadata": {"radius": {"Packet-Type": "Access-Reject"}}}, 0, 1),
        ({"result": "maybe"}, 0, 0),
        ({}, 0, 0),
    ],
    ids=str,
)
def test_an_outcome_is_accepted_rejected_or_neither(fields: dict[str, Any], accepted: int, rejected: int) -> None:
    found = record("authentication", **fields)
    assert (found.accepted, found.rejected, found.sessions) == (accepted, rejected, 0)


def test_names_are_folded_and_devices_written_alike() -> None:
    found = record(
        "authentication",
        **{
            "Calling-Station-Id": "00-1A-2B-3C-4D-5E",
            "eapMethod": "EAP-TLS",
            "groupId": "grp_staff",
            "User-Name": "kim",
        },
    )
    assert (found.device, found.method, found.group_id, found.user) == (
        "00:1a:2b:3c:4d:5e",
        "eap-tls",
        "grp_staff",
        "kim",
    )


def test_octets_count_once_when_the_session_stops() -> None:
    octets = {"Acct-Input-Octets": 100, "acctOutputOctets": "200", "mac": "001a2b3c4d5e"}
    start = record("accounting", **{"Acct-Status-Type": "Start"}, **octets)
    interim = record("accounting", **{"Acct-Status-Type": "Interim-Update"}, **octets)
    stop = record("accounting", **{"Acct-Status-Type": "Stop"}, **octets)
    assert [(one.sessions, one.octets_in, one.octets_out) for one in (start, interim, stop)] == [
        (1, 0, 0),
        (0, 0, 0),
        (0, 100, 200),
    ]
    assert stop.method == ""


def test_other_events_are_no_records() -> None:
    element = {"type": "entrypoint.configuration.audit", "result": "Access-Accept"}
    assert read_radius(normalise(element, received_at=1, default_organization="acme")) is None


VALUES = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats() | st.text(max_size=40)


@given(
    kind=st.sampled_from(["authentication", "accounting"]),
    fields=st.dictionaries(
        st.sampled_from(["result", "mac", "groupId", "method", "acctInputOctets", "status", "user", "radius"]),
        VALUES | st.lists(VALUES, max_size=3),
    ),
)
def test_no_record_is_too_odd_to_count(kind: str, fields: dict[str, Any]) -> None:
    found = record(kind, metadata=fields)
    assert found.octets_in >= 0
    assert found.accepted + found.rejected <= 1
