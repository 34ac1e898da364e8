"""A webhook's filter in a plugin's language, from the call that sets it to what is skipped."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from app.core.filters import DIALECTS
from app.services import Services
from tests.api.conftest import Caller


@pytest.fixture(autouse=True)
def words(services: Services) -> Iterator[None]:
    DIALECTS.understand({"words": lambda expression: lambda event: expression in event["description"]})
    yield
    DIALECTS.understand({})


def test_a_filter_in_a_dialect_decides_what_a_webhook_gets(platform: Caller) -> None:
    made = platform("POST", "/v1/webhooks", json={"type": "instant", "name": "Some", "organization_id": "acme"}).json
    assert made is not None
    one = f"/v1/webhooks/{made['id']}"
    chosen = {"dialect": "words", "expression": "firewall"}
    change = {"sink": "webhook", "endpoint_url": "http://127.0.0.1:9/", "filter": chosen}
    assert platform("PATCH", one, json=change).json["filter"] == chosen
    for number, text in enumerate(("Opened the firewall", "Renamed a group")):
        event = {"id": f"e{number}", "type": "entrypoint.configuration.audit", "organization_id": "acme"}
        assert platform("POST", "/v1/events", json={**event, "description": text}).status_code == 200
    found = platform("GET", f"{one}/deliveries").json
    assert found is not None
    states = {item["event_id"]: item["state"] for item in found["items"]}
    assert (states["e0"], states["e1"]) == ("pending", "skipped")
    tried = platform("POST", "/v1/filters/test", json={"filter": chosen, "organization_id": "acme"}).json
    assert tried is not None
    assert "e0" in [sample["id"] for sample in tried["samples"]]
    refused = platform("PATCH", one, json={"filter": {"dialect": "cel", "expression": "x"}})
    assert (refused.status_code, refused.json["errors"][0]["field"]) == (422, "filter.dialect")
