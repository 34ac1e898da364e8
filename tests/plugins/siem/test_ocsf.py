"""OCSF, against the official schema of release 1.8.0."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from app.sinks.samples import odd_events, sample_event
from tests import catalogue
from tests.plugins.siem.rendering import record
from tests.plugins.siem.validators import ocsf_faults


def document(event: Any) -> dict[str, Any]:
    return dict(orjson.loads(record(event, "ocsf")))


def test_every_action_of_the_catalogue_is_valid() -> None:
    odd = [event for kind, event in odd_events().items() if kind not in {"minimal", "nulls"}]
    for event in [*catalogue.events().values(), *odd]:
        found = document(event)
        assert ocsf_faults(found) == []
        assert found["metadata"]["uid"] == event.id


@pytest.mark.parametrize(
    "missing", ["activity_id", "class_uid", "entity", "metadata", "severity_id", "time", "type_uid"]
)
def test_the_schema_refuses_an_event_without_a_required_attribute(missing: str) -> None:
    found = document(sample_event("evt_1"))
    del found[missing]
    assert ocsf_faults(found)


@pytest.mark.parametrize(("name", "value"), [("time", "2026-04-19"), ("activity_id", 77), ("color", "red")])
def test_the_schema_refuses_a_spoiled_attribute(name: str, value: Any) -> None:
    assert ocsf_faults(document(sample_event("evt_1")) | {name: value})


@pytest.mark.parametrize(
    ("action", "path", "before", "after", "activity"),
    [
        ("create", "p", None, 1, 1),
        ("add", "p", None, 1, 1),
        ("view", "p", None, None, 2),
        ("update", "p", 1, 2, 3),
        ("update", "basic.enabled", False, True, 8),
        ("update", "basic.enabled", True, False, 9),
        ("update", "basic.enabled", None, True, 3),
        ("delete", "p", 1, None, 4),
        ("remove", "p", 1, None, 4),
        ("execute", "p", None, None, 99),
        (None, "p", None, None, 0),
    ],
)
def test_the_activity_follows_the_action(action: str | None, path: str, before: Any, after: Any, activity: int) -> None:
    change = {"path": path, "before": before, "after": after}
    found = document(sample_event("evt_1", action=action, changes=[change]))
    assert found["activity_id"] == activity
    assert found["type_uid"] == 300400 + activity
    assert ("activity_name" in found) == (activity == 99)


def test_before_and_after_are_the_states_of_the_entity() -> None:
    found = document(sample_event("evt_1"))
    path = "network_integration.access_restrictions.cidrs"
    assert found["entity"]["data"] == {path: '["203.0.113.0/28"]'}
    assert found["entity_result"]["data"] == {path: '["0.0.0.0/0"]'}
    assert found["time"] == 1776566096118
