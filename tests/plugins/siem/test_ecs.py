"""ECS, against the field list that Elastic publishes."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from app.sinks import Reject
from app.sinks.samples import odd_events, sample_event
from tests import catalogue
from tests.plugins.siem.rendering import HTTPS, SINK, bound, record
from tests.plugins.siem.validators import EcsFields


def document(event: Any, **config: Any) -> dict[str, Any]:
    return dict(orjson.loads(record(event, "ecs", **config)))


def test_every_action_of_the_catalogue_uses_fields_of_the_schema_only(ecs_fields: EcsFields) -> None:
    odd = [event for kind, event in odd_events().items() if kind not in {"minimal", "nulls"}]
    for event in [*catalogue.events().values(), *odd]:
        found = document(event, include_original=True)
        assert ecs_fields.faults(found, "netgraph") == []
        assert found["event"]["id"] == event.id
        assert event.id == "evt_huge" or orjson.loads(found["event"]["original"]) == event.data


@pytest.mark.parametrize(
    ("section", "field", "value", "fault"),
    [
        ("event", "no_such_field", "x", "event.no_such_field is no field"),
        ("event", "kind", "evnt", "event.kind cannot be 'evnt'"),
        ("event", "category", ["config"], "event.category cannot be 'config'"),
        ("event", "type", "change", "event.type must be an array"),
        ("event", "severity", "5", "event.severity is no long"),
    ],
)
def test_the_check_refuses_a_spoiled_document(
    ecs_fields: EcsFields, section: str, field: str, value: Any, fault: str
) -> None:
    found = document(sample_event("evt_1"))
    found[section][field] = value
    assert ecs_fields.faults(found, "netgraph") == [fault]


def test_a_change_of_a_person_is_told_as_identity_management() -> None:
    entity = {"type": "Administrator", "id": "u_7", "name": "new@example.com"}
    found = document(sample_event("evt_1", action="create", entity=entity))
    assert found["event"]["category"] == ["configuration", "iam"]
    assert found["event"]["type"] == ["creation", "user"]
    assert found["user"]["target"] == {"id": "u_7", "name": "new@example.com"}
    assert found["related"]["user"] == ["admin@example.com", "new@example.com"]


def test_the_platform_itself_is_no_user() -> None:
    found = document(sample_event("evt_1", actor={"type": "system", "id": None, "email": None}))
    assert "user" not in found


def test_without_a_time_there_is_no_document() -> None:
    shaped = SINK.format(odd_events()["minimal"], bound(HTTPS, format="ecs"))
    assert shaped == Reject("evt_minimal", "the event has no readable time, which ecs needs")
