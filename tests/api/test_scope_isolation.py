"""Nobody gets or sees what belongs to somebody else, whatever organizations, contexts, webhooks and keys there are.

Both organizations use the same context ids and the same event ids.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import NamedTuple

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.api.conftest import Caller

SETTING = "entrypoint.configuration.audit"
SIGN_IN = "signin.session.created"
OWN = "organization.configuration.audit"
ORGANIZATIONS = ("left", "right")
CONTEXTS = ("c1", "c2")
_numbers = count(1)


class Place(NamedTuple):
    """An organization, or one of its contexts."""

    organization: str
    context: str | None

    def covers(self, other: Place) -> bool:
        return self.organization == other.organization and self.context in {None, other.context}


class Hook(NamedTuple):
    """A webhook to be made; ``wants`` None = every type."""

    place: Place
    muted: str | None
    wants: str | None

    def gets(self, event: Sent) -> bool:
        in_reach = self.place.covers(event.place) and event.place.context not in ({self.muted} - {None})
        return in_reach and self.wants in {None, event.type}


class Sent(NamedTuple):
    """An event as it is sent; ``sender`` is whose key sends it."""

    place: Place
    number: int
    type: str
    sender: Place

    @property
    def id(self) -> str:
        return f"sent-{self.number}"

    def as_taken(self) -> Sent | None:
        """The event as it must be taken in; None when its sender may not send it."""
        place = self.place
        if place.context is None and self.type != OWN:
            place = place._replace(context=self.sender.context)
        return self._replace(place=place) if self.sender.covers(place) else None


places = st.builds(Place, st.sampled_from(ORGANIZATIONS), st.sampled_from([None, *CONTEXTS]))
hooks = st.builds(Hook, places, st.sampled_from([None, *CONTEXTS]), st.sampled_from([None, SETTING, SIGN_IN, OWN])).map(
    lambda hook: hook if hook.place.context is None else hook._replace(muted=None)
)
sent = st.builds(Sent, places, st.integers(0, 2), st.sampled_from([SETTING, SIGN_IN, OWN]), places)


class Installation:
    """Two new organizations with their keys."""

    def __init__(self, platform: Caller, caller: Callable[..., Caller]) -> None:
        self._platform = platform
        self._prefix = f"x{next(_numbers)}-"
        for organization in ORGANIZATIONS:
            made = {"id": self._prefix + organization, "name": organization}
            assert platform("POST", "/v1/organizations", json=made).status_code == 201
            for context in CONTEXTS:
                body = {"id": context, "service": "entrypoint", "name": context}
                answer = platform("POST", f"/v1/organizations/{made['id']}/contexts", json=body)
                assert answer.status_code == 201
        every = [Place(organization, context) for organization in ORGANIZATIONS for context in (None, *CONTEXTS)]
        self.keys = {place: caller("admin", self._prefix + place.organization, place.context) for place in every}

    def add(self, hook: Hook) -> str:
        body = {
            "type": "instant",
            "name": "hook",
            "organization_id": self._prefix + hook.place.organization,
            "context_id": hook.place.context,
        }
        made: str = self._platform("POST", "/v1/webhooks", json=body).json["id"]
        change = {"sink": "webhook", "endpoint_url": "http://127.0.0.1:9/", "event_types": [hook.wants or "*"]}
        if hook.muted:
            change["muted_contexts"] = [hook.muted]
        assert self._platform("PATCH", f"/v1/webhooks/{made}", json=change).status_code == 200
        return made

    def send(self, event: Sent) -> bool:
        body = {
            "id": event.id,
            "eventId": event.type,
            "organizationId": self._prefix + event.place.organization,
            "contextId": event.place.context,
            "userEmail": "a@example.com",
        }
        status = self.keys[event.sender]("POST", "/v1/events", json=body).status_code
        assert status in {200, 403}
        return status == 200

    def events(self, viewer: Place) -> set[tuple[str, str, str | None]]:
        """Organization, id and context of the sent events that a key shows."""
        items = self.keys[viewer]("GET", "/v1/events?limit=200").json["items"]
        return {
            (one["organization"]["id"].removeprefix(self._prefix), one["id"], (one["context"] or {}).get("id"))
            for one in items
            if one["id"].startswith("sent-")
        }

    def webhooks(self, viewer: Place) -> set[str]:
        return {one["id"] for one in self.keys[viewer]("GET", "/v1/webhooks").json["items"]}

    def owed(self, viewer: Place, webhook: str) -> list[str] | None:
        """Sent events owed to a webhook, as a key shows them; None when it shows no such webhook."""
        answer = self.keys[viewer]("GET", f"/v1/webhooks/{webhook}/deliveries?limit=200")
        if answer.status_code == 404:
            return None
        return sorted(one["event_id"] for one in answer.json["items"] if one["event_id"].startswith("sent-"))


@settings(
    max_examples=25,
    deadline=None,
    phases=(Phase.reuse, Phase.generate),  # to shrink one example means a hundred installations
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    wanted=st.lists(hooks, min_size=1, max_size=4),
    stream=st.lists(sent, min_size=1, max_size=6, unique_by=lambda one: (one.place.organization, one.number)),
)
def test_scope_isolation_holds_for_any_organizations_contexts_webhooks_and_keys(
    platform: Caller, caller: Callable[..., Caller], wanted: list[Hook], stream: list[Sent]
) -> None:
    installation = Installation(platform, caller)
    made = {installation.add(hook): hook for hook in wanted}
    taken: list[Sent] = []
    for event in stream:
        expected = event.as_taken()
        assert installation.send(event) is (expected is not None)
        taken += [expected] if expected else []
    for viewer in installation.keys:
        seen = [event for event in taken if viewer.covers(event.place)]
        assert installation.events(viewer) == {(one.place.organization, one.id, one.place.context) for one in seen}
        assert installation.webhooks(viewer) == {key for key, hook in made.items() if viewer.covers(hook.place)}
        for webhook, hook in made.items():
            owed = sorted(event.id for event in taken if hook.gets(event))
            assert installation.owed(viewer, webhook) == (owed if viewer.covers(hook.place) else None)
