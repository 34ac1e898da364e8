"""Every event against Splunk's own description of the CIM Change data model."""

from __future__ import annotations

from importlib.metadata import distribution
from typing import Any

import orjson
import pytest

from app.sinks.kit.hostile import hostile_events
from app.sinks.samples import odd_events, sample_event
from plugins.splunk_hec.cim import cim_fields
from tests.catalogue import events


def described(name: str) -> Any:
    files = distribution("pytest-splunk-addon").files or []
    (path,) = [file for file in files if str(file).endswith(name)]
    return orjson.loads(path.read_text())


MODEL = next(one for one in described("data_models/Change.json")["objects"] if one["name"] == "All_Changes")
FIELDS = {field["name"]: field for field in MODEL["fields"]}
ACCOUNT_FIELDS = {"src_user"}
FORBIDDEN = {field["name"] for field in described("cim_tests/CommonFields.json")["fields"]}


def complaints(fields: dict[str, Any]) -> list[str]:
    """What the model does not like about the fields of one event."""
    required = {name for name, field in FIELDS.items() if field["type"] == "required"}
    found = [f"{name} is missing" for name in required if not fields.get(name)]
    found += [f"{name} is not of the model" for name in set(fields) - set(FIELDS) - ACCOUNT_FIELDS]
    found += [f"{name} is Splunk's to fill" for name in FORBIDDEN & set(fields)]
    for name, value in fields.items():
        texts = value if isinstance(value, list) else [value]
        rule = FIELDS.get(name, {})
        if "expected_values" in rule:
            found += [f"{name} is {text}" for text in texts if text not in rule["expected_values"]]
        if "like(" in rule.get("validity", ""):
            found += [f"{name} holds a double quote" for text in texts if '"' in text]
    if fields.get("object_category") in {"file", "directory", "registry"}:
        found.append("the event is outside of the model")
    if (fields.get("object_category") == "user") != ("src_user" in fields):
        found.append("an account change names who made it, and no other change does")
    return found


@pytest.mark.parametrize("name", list(events()))
def test_every_change_of_the_catalogue_fits_the_model(name: str) -> None:
    assert complaints(cim_fields(events()[name].data)) == []


def test_odd_and_hostile_events_fit_the_model() -> None:
    for event in [*odd_events().values(), *hostile_events()]:
        found = [one for one in complaints(cim_fields(event.data)) if not one.startswith("an account change")]
        assert found == [], event.id


@pytest.mark.parametrize(
    "spoiled",
    [
        {"user": ""},
        {"status": "ok"},
        {"object_id": 'a"b'},
        {"object_category": "file"},
        {"object_category": "user"},
        {"dest_bunit": "x"},
        {"colour": "red"},
    ],
)
def test_the_model_refuses_a_spoiled_event(spoiled: dict[str, str]) -> None:
    fields = cim_fields(sample_event().data)
    assert complaints(fields) == []
    assert complaints(fields | spoiled)


def test_an_account_change_is_told_by_whom_and_of_whom() -> None:
    changed = sample_event(entity={"type": "Administrator", "id": "u_9", "name": "new@example.com"})
    fields = cim_fields(changed.data)
    assert (fields["object_category"], fields["change_type"]) == ("user", "AAA")
    assert (fields["user"], fields["src_user"]) == ("new@example.com", "admin@example.com")
