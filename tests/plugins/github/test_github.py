"""GitHub's own requests, with the signature GitHub documents for its users to test with, become audit events."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from app.core.body import Element, check_element
from app.core.event import CanonicalEvent
from app.core.normalise import normalise
from app.sinks import BadDeliveryError, Inbound, Settings
from plugins.github import GitHubSource
from plugins.github.kinds import KINDS

SOURCE = GitHubSource()
NONE = Settings()
SENDER = {"login": "Codertocat", "id": 21031067, "type": "User"}
REPOSITORY = {"id": 17273051, "name": "octo-repo", "full_name": "octo-org/octo-repo", "private": True}
ORGANIZATION = {"login": "octo-org", "id": 6811672}
RULE = {"id": 21796960, "name": "production", "authorized_actors_only": True, "authorized_actor_names": ["Ann"]}


def request(event: str, payload: Any, **headers: str) -> Inbound:
    named = {"x-github-event": event, "x-github-delivery": "72d3162e", "content-type": "application/json", **headers}
    return Inbound("POST", named, orjson.dumps(payload), 0)


def told(event: str, **payload: Any) -> CanonicalEvent:
    """The event as the host would store it."""
    (one,) = SOURCE.events(request(event, {"sender": SENDER, "organization": ORGANIZATION, **payload}), NONE)
    part = check_element(0, one)
    assert isinstance(part, Element)
    return normalise(part.data, received_at=7, default_organization="acme")


def test_the_signature_is_that_of_githubs_documentation() -> None:
    # docs.github.com, "Validating webhook deliveries": secret, payload and signature to test an implementation with.
    signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    inbound = Inbound("POST", {"x-hub-signature-256": signature}, b"Hello, World!", 0)
    assert SOURCE.verify(inbound, "It's a Secret to Everybody", NONE)
    assert not SOURCE.verify(inbound, "It's a secret to everybody", NONE)


@pytest.mark.parametrize(
    "signature", ["", "sha256=", "sha1=757107ea", "757107ea0eb2509fc2", "sha256=é", "sha256=" + "0" * 64]
)
def test_a_signature_that_is_missing_or_of_another_form_is_refused(signature: str) -> None:
    headers = {"x-hub-signature-256": signature} if signature else {}
    assert not SOURCE.verify(Inbound("POST", headers, b"{}", 0), "secret", NONE)


def test_a_ping_is_greeted_and_nothing_else_is() -> None:
    assert SOURCE.handshake(request("ping", {"zen": "Design for failure.", "hook_id": 1}), NONE) is not None
    assert SOURCE.handshake(request("member", {}), NONE) is None


def test_a_loosened_branch_protection_tells_old_and_new() -> None:
    changes = {"authorized_actors_only": {"from": False}, "authorized_actor_names": {"from": []}}
    event = told("branch_protection_rule", action="edited", rule=RULE, changes=changes, repository=REPOSITORY)
    assert (event.type, event.action, event.sensitivity) == ("github.branch_protection_rule.audit", "update", 4)
    assert (event.entity_type, event.entity_id, event.entity_name) == (
        "branch_protection_rule",
        "21796960",
        "production",
    )
    assert (event.actor_type, event.actor_id) == ("admin", "21031067")
    assert [(one["path"], one["before"], one["after"]) for one in event.changes] == [
        ("authorized_actors_only", False, True),
        ("authorized_actor_names", [], ["Ann"]),
    ]
    assert event.metadata["github"] == {
        "event": "branch_protection_rule",
        "action": "edited",
        "repository": "octo-org/octo-repo",
        "organization": "octo-org",
    }


def test_a_repository_made_public_says_what_changed() -> None:
    event = told("repository", action="publicized", repository={**REPOSITORY, "private": False})
    assert (event.sensitivity, event.entity_name) == (5, "octo-org/octo-repo")
    assert [(one["field"], one["before"], one["after"]) for one in event.changes] == [("private", True, False)]


def test_a_renamed_repository_tells_both_names() -> None:
    changes = {"repository": {"name": {"from": "old-repo"}}}
    (change,) = told("repository", action="renamed", repository=REPOSITORY, changes=changes).changes
    assert (change["path"], change["before"], change["after"]) == ("repository.name", "old-repo", "octo-repo")


def test_a_collaborator_with_more_rights_tells_them() -> None:
    member = {"login": "octocat", "id": 583231}
    changes = {"permission": {"from": "write", "to": "admin"}}
    event = told("member", action="edited", member=member, changes=changes, repository=REPOSITORY)
    (change,) = event.changes
    assert (event.entity_name, change["before"], change["after"]) == ("octocat", "write", "admin")


def test_a_new_member_of_the_organization_is_the_entity() -> None:
    membership = {"role": "admin", "user": {"login": "hacktocat", "id": 39652351}}
    event = told("organization", action="member_added", membership=membership)
    assert (event.action, event.entity_name, event.metadata["github"]["organization"]) == (
        "add",
        "hacktocat",
        "octo-org",
    )


def test_an_app_is_an_api_token_and_nobody_is_the_system() -> None:
    key = {"id": 100, "title": "deploy", "read_only": False}
    bot = {"login": "renovate[bot]", "id": 1, "type": "Bot"}
    assert told("deploy_key", action="created", key=key, sender=bot).actor_type == "api_token"
    assert told("deploy_key", action="created", key=key, sender=None).actor_type == "system"


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_every_listed_event_is_told_even_with_nothing_in_it(kind: Any) -> None:
    assert told(kind.name).type == kind.event_type


@pytest.mark.parametrize("event", ["push", "star", "", "repository\n"])
def test_what_is_no_configuration_is_of_no_interest(event: str) -> None:
    assert list(SOURCE.events(request(event, {"action": "created"}), NONE)) == []


def test_a_form_is_answered_with_what_to_change() -> None:
    form = request("member", {}, **{"content-type": "application/x-www-form-urlencoded"})
    with pytest.raises(BadDeliveryError, match="content type"):
        SOURCE.events(form, NONE)


def test_changes_are_bounded_in_number_and_depth() -> None:
    deep: Any = {"from": 1}
    for _ in range(20):
        deep = {"inner": deep}
    many = {f"field{number}": {"from": number} for number in range(500)}
    assert len(told("team", action="edited", changes=many).changes) == 100
    assert told("team", action="edited", changes=deep).changes == ()
