"""What an organization has besides webhooks: people, keys, sources, change windows, rules, devices on its network."""

from __future__ import annotations

from typing import Any

from app.core.clock import to_rfc3339
from app.ingest.source_input import NewSource
from app.ingest.source_tally import SourceOutcome
from app.routing.change_windows import ChangeWindowInput
from app.routing.keys import NewKey
from app.routing.members import NewMember
from app.routing.own_audit import SYSTEM
from app.routing.sensitivity_rules import SensitivityRuleInput
from app.routing.webhook_input import NewWebhook
from app.security.inbound_signatures import Scheme, SignatureRule
from app.security.key_terms import KeyTerms
from tests.console.site import Site
from tests.world import ADMIN, PLATFORM


def add_belongings(site: Site, organization: str, number: int = 1) -> dict[str, str]:
    """So many of each; answers the parts of the paths of the last."""
    found: dict[str, str] = {}
    for one in range(1, number + 1):
        found = _one_of_each(site, organization, one)
    return found


def add_bare_webhook(site: Site, organization: str, context: str | None, name: str = "Splunk") -> str:
    """A webhook that nothing was said about yet."""
    new = NewWebhook(type="instant", name=name, organization_id=organization, context_id=context)
    return str(site.services.webhooks.create(PLATFORM, new)["id"])


def invite_to_context(site: Site, organization: str, context: str) -> str:
    """Somebody with a role in one context only."""
    new = NewMember.model_validate(
        {"email": f"{context}@{organization}.example", "role": "viewer", "context_id": context}
    )
    return str(site.services.members.invite(ADMIN, organization, new)["id"])


def bind_key(site: Site, key: str) -> None:
    """From now on a key must sign what it sends, and may send only so much."""
    terms = KeyTerms(50, SignatureRule(Scheme.GITHUB, ("a-secret-of-entrypoint-0123",)))
    site.services.key_terms.put(PLATFORM, key, terms, SYSTEM)


def tally_source(site: Site, source: str) -> None:
    """A source that took some and refused some."""
    for outcome, number in ((SourceOutcome.ACCEPTED, 412), (SourceOutcome.UNVERIFIED, 57)):
        site.services.source_tally.count(source, outcome, number)
    site.services.source_tally.write()


def add_devices(site: Site, organization: str, context: str, number: int) -> None:
    """So many devices, each of which joined the network once, or tried to."""
    now = site.world.clock()
    for one in range(number):
        record = {
            "id": f"{organization}-{context}-radius-{one}",
            "type": "entrypoint.radius.authentication",
            "organization_id": organization,
            "context": {"id": context},
            "occurred_at": to_rfc3339(now),
            "result": "Access-Reject" if one % 9 == 8 else "Access-Accept",
            "method": "EAP-TLS",
            "mac": f"00:1a:2b:3c:4d:{one:02x}",
            "groupId": f"grp_{one % 7}" if one % 2 else "grp_staff",
            "username": f"user{one}@example.com",
        }
        site.world.send(record)


def _one_of_each(site: Site, organization: str, number: int) -> dict[str, str]:
    services, local = site.services, {"location": "Local"}
    kind = "github" if number == 1 else "okta"
    source = NewSource.model_validate(
        {"kind": kind, "name": f"Code {number}", "secret": f"a-secret-of-{kind}-0123456789"}
    )
    key = NewKey.model_validate({"name": f"EntryPoint {number}", "role": "ingest"})
    member = NewMember.model_validate({"email": f"person{number}@{organization}.example", "role": "viewer"})
    times = [{"start_time": "01:00", "end_time": "04:00"}]
    window: dict[str, Any] = {
        "name": f"Network nights {number}",
        "time_intervals": [{"weekdays": ["tuesday", "thursday"], "times": times, **local}],
    }
    rule = {"name": f"Any {number}", "pattern": {"action": ["update"]}, "sensitivity": 4}
    made = {
        "source": services.sources.create(PLATFORM, organization, source),
        "key": services.keys.create(ADMIN, organization, key),
        "member": services.members.invite(ADMIN, organization, member),
        "window": services.change_windows.create(PLATFORM, organization, ChangeWindowInput.model_validate(window)),
        "rule": services.sensitivity_rules.create(PLATFORM, organization, SensitivityRuleInput.model_validate(rule)),
    }
    return {name: str(one["id"]) for name, one in made.items()}
