"""What was masked at the door stays masked: nothing an organization decides, tries out or changes brings it back."""

from __future__ import annotations

import string
from itertools import count
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from app.routing import policies
from tests.api.conftest import Caller

MASK = "***"
_numbers = count(1)

secrets = st.text(string.ascii_letters + string.digits, min_size=14, max_size=30).map(lambda text: f"Q{text}")
carriers = st.sampled_from(["flagged", "by name", "by path", "other side", "nested", "canonical", "nested shape"])


@pytest.fixture(autouse=True)
def policies_count_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policies, "STALE_AFTER", 0)


def change(secret: str, carrier: str) -> dict[str, Any]:
    """A change with a secret that one of the rules of masking finds."""
    return {
        "flagged": {"field": "Setting", "secret": True, "before": secret, "after": secret[::-1]},
        "by name": {"field": "RADIUS shared secret", "before": None, "after": secret},
        "by path": {"field": "Value", "path": "groups[g1].psk", "before": secret, "after": "x"},
        "other side": {"field": "Setting", "before": MASK, "after": secret},
        "nested": {"field": "Proxy", "before": {}, "after": [{"host": "h", "sharedSecret": secret}]},
        "canonical": {"field": "Client secret", "path": None, "before": secret, "after": MASK, "secret": False},
        "nested shape": {"name": "Passphrase", "before": secret, "after": secret},
    }[carrier]


def event(organization: str, secret: str, carrier: str) -> dict[str, Any]:
    one = change(secret, carrier)
    base = {"id": f"masked-{organization}", "type": "entrypoint.configuration.audit", "metadata": {"api_key": secret}}
    if carrier == "canonical":
        canonical = {"occurred_at": "2026-04-19T12:00:00Z", "organization": {"id": organization, "name": None}}
        return {**base, **canonical, "actor": {"type": "admin"}, "changes": [one]}
    if carrier == "nested shape":
        return {**base, "organizationId": organization, "change": {"entity": "psk", "fields": [one]}}
    return {**base, "organizationId": organization, "description": f"set psk={secret}", "changes": [one]}


def patterns(secret: str) -> list[dict[str, Any]]:
    """Patterns that match the event if the secret is anywhere to be seen."""
    piece = {"wildcard": f"*{secret[3:11]}*"}
    leaves: list[dict[str, Any]] = [{"changes": {side: [piece]}} for side in ("before", "after")]
    return [
        *leaves,
        {"changes": {"after": {"sharedSecret": [piece]}}},
        {"description": [piece]},
        {"metadata": {"api_key": [piece]}},
    ]


class Organization:
    """A new organization whose own rule wants to know the secret."""

    def __init__(self, platform: Caller, secret: str) -> None:
        self.id = f"m{next(_numbers)}"
        self.event = f"masked-{self.id}"
        self._platform = platform
        self._place = f"/v1/organizations/{self.id}"
        self.post("/v1/organizations", {"id": self.id, "name": self.id})
        rule = {"name": "Curious", "pattern": {"any": patterns(secret)}, "sensitivity": 1, "tags": ["unmasked"]}
        self.post(f"{self._place}/sensitivity-rules", rule)
        rule = {"name": "Any", "pattern": {"id": [self.event]}, "sensitivity": 2, "tags": ["seen"]}
        self.post(f"{self._place}/sensitivity-rules", rule)
        self.post(f"{self._place}/change-windows", {"name": "Always", "time_intervals": [{}]})

    def post(self, path: str, body: dict[str, Any]) -> Any:
        answer = self._platform("POST", path, json=body)
        assert answer.status_code < 300, answer.json
        return answer.json

    def webhook(self, secret: str) -> str:
        made: str = self.post("/v1/webhooks", {"type": "instant", "name": "hook", "organization_id": self.id})["id"]
        headers = {"X-Team": secret, "Authorization": f"Bearer {secret}"}
        change = {"sink": "webhook", "endpoint_url": "http://127.0.0.1:9/", "headers": headers}
        assert self._platform("PATCH", f"/v1/webhooks/{made}", json=change).status_code == 200
        return made

    def stored(self) -> dict[str, Any]:
        found: dict[str, Any] = self._platform("GET", f"/v1/events/{self.event}").json
        return found

    def everything_told(self, webhook: str, secret: str) -> str:
        """Every answer that speaks of the event, or of our own changes."""
        tried = self.post("/v1/filters/test", {"filter": {"id": [self.event]}, "organization_id": self.id})
        curious = self.post("/v1/filters/test", {"filter": {"any": patterns(secret)}, "organization_id": self.id})
        assert (tried["matched"], curious["matched"]) == (1, 0)
        told = [
            tried,
            curious,
            self.post(f"/v1/webhooks/{webhook}/explain", {"filter": {"any": patterns(secret)}}),
            self._platform("GET", f"/v1/events/{self.event}/explain").json,
            self._platform("GET", f"/v1/events?organization={self.id}&limit=200").json,
            self._platform("GET", f"/v1/webhooks/{webhook}/deliveries").json,
            self._platform("GET", f"/v1/webhooks/{webhook}").json,
            self.post("/v1/sinks/webhook/render", {"event_id": self.event, "webhook_id": webhook}),
        ]
        return orjson.dumps(told).decode()


@settings(
    max_examples=25,
    deadline=None,
    phases=(Phase.reuse, Phase.generate),  # to shrink one example means a hundred installations
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(secret=secrets, carrier=carriers)
def test_a_masked_change_is_never_unmasked_by_rules_windows_trials_or_our_own_audit(
    platform: Caller, secret: str, carrier: str
) -> None:
    organization = Organization(platform, secret)
    webhook = organization.webhook(secret)
    organization.post("/v1/events", event(organization.id, secret, carrier))
    stored = organization.stored()
    assert "seen" in stored["tags"], "the organization's rules were asked"
    assert "unmasked" not in stored["tags"]
    assert (stored["sensitivity"], stored["outside_change_window"]) == (2, False)
    assert [one["secret"] for one in stored["changes"]] == [True]
    assert MASK in str(stored["changes"])
    assert secret not in organization.everything_told(webhook, secret)
