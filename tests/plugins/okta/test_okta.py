"""Okta's event hooks: the challenge, the header, and events of the system log."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from app.core.body import Element, check_element
from app.core.event import CanonicalEvent
from app.core.normalise import normalise
from app.sinks import BadDeliveryError, Inbound
from plugins.okta import OktaConfig, OktaSource
from plugins.okta.log_event import EVENT_TYPES

SOURCE = OktaSource()
CONFIG = OktaConfig()
LOG_EVENT: dict[str, Any] = {
    "uuid": "14a42b00-74e5-11ee-8a5a-69d62fcd0f8b",
    "published": "2026-04-19T02:34:56.770Z",
    "eventType": "group.user_membership.add",
    "displayMessage": "Add user to group membership",
    "severity": "INFO",
    "client": {"ipAddress": "192.0.2.7"},
    "actor": {"id": "00u1", "type": "User", "alternateId": "jane@example.com", "displayName": "Jane Doe"},
    "outcome": {"result": "SUCCESS", "reason": None},
    "transaction": {"id": "XOZfPk", "type": "WEB"},
    "target": [
        {"id": "00u2", "type": "User", "alternateId": "luca@example.com", "displayName": "Luca"},
        {"id": "00g3", "type": "UserGroup", "displayName": "Admins"},
    ],
}


def hook(*events: Any, **headers: str) -> Inbound:
    wrapper = {"eventType": "com.okta.event_hook", "cloudEventsVersion": "0.1", "data": {"events": list(events)}}
    return Inbound("POST", headers, orjson.dumps(wrapper), 0)


def told(**changes: Any) -> CanonicalEvent:
    (one,) = SOURCE.events(hook({**LOG_EVENT, **changes}), CONFIG)
    part = check_element(0, orjson.loads(orjson.dumps(one)))
    assert isinstance(part, Element)
    return normalise(part.data, received_at=7, default_organization="acme")


def test_the_secret_stands_in_the_header_that_was_chosen() -> None:
    inbound = hook(authorization="s3cret", **{"x-mine": "other"})
    assert SOURCE.verify(inbound, "s3cret", CONFIG)
    assert not SOURCE.verify(inbound, "s3cre", CONFIG)
    assert SOURCE.verify(inbound, "other", OktaConfig(header="X-Mine"))
    assert not SOURCE.verify(hook(), "s3cret", CONFIG)


def test_the_challenge_is_sent_back() -> None:
    challenge = Inbound("GET", {"x-okta-verification-challenge": "Me_rShK8"}, b"", 0)
    greeting = SOURCE.handshake(challenge, CONFIG)
    assert greeting is not None
    assert greeting.body == {"verification": "Me_rShK8"}
    assert SOURCE.handshake(hook(LOG_EVENT), CONFIG) is None


@pytest.mark.parametrize("challenge", ["", "x" * 1025])
def test_a_get_without_a_challenge_is_refused(challenge: str) -> None:
    with pytest.raises(BadDeliveryError, match="verification"):
        SOURCE.handshake(Inbound("GET", {"x-okta-verification-challenge": challenge}, b"", 0), CONFIG)


def test_an_event_of_the_log_becomes_ours() -> None:
    event = told()
    assert (event.id, event.type, event.action) == (LOG_EVENT["uuid"], "okta.group.user_membership.add", "add")
    assert (event.actor_type, event.actor_email) == ("admin", "jane@example.com")
    assert (event.entity_type, event.entity_name) == ("User", "Luca")
    assert event.description == "Add user to group membership"
    assert event.metadata["okta"]["ip_address"] == "192.0.2.7"
    assert event.metadata["okta"]["targets"] == [{"type": "UserGroup", "id": "00g3", "name": "Admins"}]


def test_change_details_become_changes() -> None:
    details = {"from": {"title": "Clerk", "city": "Oslo"}, "to": {"title": "Head", "city": "Oslo", "manager": "Ann"}}
    event = told(target=[{**LOG_EVENT["target"][0], "changeDetails": details}])
    assert [(one["path"], one["before"], one["after"]) for one in event.changes] == [
        ("User[00u2].title", "Clerk", "Head"),
        ("User[00u2].manager", None, "Ann"),
    ]


@pytest.mark.parametrize(
    ("log_type", "action"),
    [
        ("user.lifecycle.create", "create"),
        ("user.lifecycle.delete.initiated", "delete"),
        ("user.account.privilege.grant", "add"),
        ("user.account.privilege.revoke", "remove"),
        ("user.account.update_profile", "update"),
        ("user.mfa.factor.reset_all", "update"),
        ("policy.rule.deactivate", "update"),
    ],
)
def test_the_last_word_that_says_something_is_the_action(log_type: str, action: str) -> None:
    assert told(eventType=log_type).action == action


def test_a_sign_in_is_a_users_own_doing_and_okta_itself_is_the_system() -> None:
    assert told(eventType="user.session.start").actor_type == "self_service_user"
    assert told(actor={"type": "SystemPrincipal", "alternateId": "system@okta.com"}).actor_type == "system"
    assert told(actor={"type": "PublicClientApp", "id": "0oa1", "displayName": "CI"}).actor_type == "api_token"


def test_every_listed_type_has_a_word_and_a_title() -> None:
    assert all(told(eventType=log_type).type == f"okta.{log_type}" for log_type in EVENT_TYPES)


def test_what_is_no_event_is_handed_on_so_that_it_is_refused_alone() -> None:
    parts = list(SOURCE.events(hook(LOG_EVENT, "nonsense", {"uuid": "x"}), CONFIG))
    assert [type(part).__name__ for part in parts] == ["dict", "str", "dict"]


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"data": []}', b'{"data": {"events": {}}}'])
def test_another_body_cannot_be_read(body: bytes) -> None:
    with pytest.raises(BadDeliveryError):
        SOURCE.events(Inbound("POST", {}, body, 0), CONFIG)
