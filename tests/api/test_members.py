"""``/v1/organizations/{organization}/members``, and joining by the link it answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest
from sqlalchemy import select

from app.core.errors import ConflictError, ForbiddenError, InvalidInputError
from app.routing.members import NewMember
from app.security.front_door import FrontDoor, LinkGoneError
from app.security.person import MemberRole, Membership, Person
from app.services import Services
from app.store.tables import events
from tests.api.conftest import Caller
from tests.people import PASSWORD, SOMEWHERE, add_person

MEMBERS = "/v1/organizations/acme/members"
ADA = "ada@example.com"


def invite(caller: Caller, role: str = "editor", email: str = ADA, **more: str) -> dict[str, Any]:
    answer = caller("POST", MEMBERS, json={"email": email, "role": role, **more})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json
    return found


def link_of(invited: dict[str, Any]) -> str:
    return parse_qs(urlsplit(invited["invitation"]["path"]).query)["link"][0]


def accept(services: Services, invited: dict[str, Any]) -> Person:
    session = services.joining.join_anew(link_of(invited), name="Ada", password=PASSWORD, caller=SOMEWHERE)
    return person_of(services.people, session)


def person_of(people: FrontDoor, session: str) -> Person:
    person = people.person(session)
    assert person is not None
    return person


def told(services: Services) -> list[dict[str, Any]]:
    with services.store.read() as connection:
        found = [orjson.loads(body) for body in connection.execute(select(events.c.body)).scalars()]
    return [one for one in found if one["entity"]["type"] == "member"]


def test_somebody_is_invited_joins_changes_role_and_leaves(platform: Caller, services: Services) -> None:
    invited = invite(platform, email=" Ada@Example.com ", context_id="c1")
    place = f"{MEMBERS}/{invited['id']}"
    assert platform("GET", place).json == {
        "id": invited["id"],
        "organization_id": "acme",
        "context_id": "c1",
        "email": ADA,
        "role": "editor",
        "state": "invited",
        "created_at": invited["created_at"],
        "joined_at": None,
    }
    person = accept(services, invited)
    assert person.memberships == (Membership(MemberRole.EDITOR, "acme", "c1"),)
    assert platform("GET", place).json["state"] == "active"
    assert platform("PATCH", place, json={"role": "viewer"}).json["role"] == "viewer"
    assert platform("PATCH", place, json={"role": "viewer"}).status_code == 200
    assert platform("DELETE", place).status_code == 204
    assert platform("GET", place).status_code == 404
    session = services.people.sign_in(ADA, PASSWORD, SOMEWHERE)
    assert person_of(services.people, session).memberships == ()
    changes = [(one["action"], one["changes"][0]["after"]) for one in told(services)]
    assert [action for action, _ in changes] == ["create", "update", "update", "delete"]
    assert changes[1][1] == {"email": ADA, "role": "editor", "context_id": "c1", "state": "active"}
    joined = told(services)[1]
    assert (joined["actor"]["email"], joined["actor"]["id"]) == (ADA, person.id)
    assert joined["tags"] == ["administrators"]
    assert link_of(invited) not in str(told(services))


def test_an_account_that_exists_joins_by_its_own_log_in_only(platform: Caller, services: Services) -> None:
    add_person(services.store)
    invited = invite(platform)
    assert services.joining.invitation(link_of(invited)).known
    with pytest.raises(ConflictError):
        accept(services, invited)
    other = services.people.sign_in(ADA, PASSWORD, SOMEWHERE)
    services.joining.join(link_of(invited), person_of(services.people, other))
    assert person_of(services.people, other).memberships == (Membership(MemberRole.EDITOR, "acme", None),)
    with pytest.raises(LinkGoneError):
        services.joining.invitation(link_of(invited))


def test_an_invitation_is_for_its_own_address(platform: Caller, services: Services) -> None:
    add_person(services.store, "bob@example.com")
    invited = invite(platform)
    bob = person_of(services.people, services.people.sign_in("bob@example.com", PASSWORD, SOMEWHERE))
    with pytest.raises(ForbiddenError):
        services.joining.join(link_of(invited), bob)
    assert not services.joining.invitation(link_of(invited)).known


def test_a_bad_password_leaves_the_link_good(platform: Caller, services: Services) -> None:
    invited = invite(platform)
    with pytest.raises(InvalidInputError):
        services.joining.join_anew(link_of(invited), name="Ada", password="short", caller=SOMEWHERE)
    with pytest.raises(InvalidInputError):
        services.joining.join_anew(link_of(invited), name=" ", password=PASSWORD, caller=SOMEWHERE)
    assert accept(services, invited).email == ADA


def test_a_new_link_ends_the_old_one_and_taking_back_ends_both(platform: Caller, services: Services) -> None:
    first = invite(platform)
    place = f"{MEMBERS}/{first['id']}"
    second = platform("POST", f"{place}/invitation").json
    with pytest.raises(LinkGoneError):
        services.joining.invitation(link_of(first))
    assert services.joining.invitation(link_of(second)).organization == "Acme"
    assert platform("DELETE", place).status_code == 204
    with pytest.raises(LinkGoneError):
        services.joining.invitation(link_of(second))
    third = invite(platform)
    accept(services, third)
    assert platform("POST", f"{MEMBERS}/{third['id']}/invitation").status_code == 409


def test_the_link_is_shown_once_and_kept_as_a_hash(platform: Caller, services: Services) -> None:
    link = link_of(invite(platform))
    assert link not in platform("GET", MEMBERS).text
    with services.store.read() as connection:
        assert link not in str(connection.exec_driver_sql("SELECT * FROM door_links").all())


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"email": "ada", "role": "owner"}, 422),
        ({"email": "ada@example.com\n", "role": "king"}, 422),
        ({"email": "a" * 250 + "@example.com", "role": "owner"}, 422),
        ({"email": "ada@exa mple.com", "role": "owner"}, 422),
        ({"role": "owner"}, 422),
        ({"email": ADA, "role": "admin"}, 422),
        ({"email": ADA, "role": "owner", "context_id": "gone"}, 404),
        ({"email": ADA, "role": "owner", "user_id": "usr_1"}, 422),
    ],
)
def test_a_wrong_invitation_is_refused(platform: Caller, body: dict[str, str], status: int) -> None:
    assert platform("POST", MEMBERS, json=body).status_code == status


def test_an_address_has_one_role_at_a_place(platform: Caller) -> None:
    invite(platform)
    assert platform("POST", MEMBERS, json={"email": ADA.upper(), "role": "viewer"}).status_code == 409
    invite(platform, "viewer", context_id="c1")


def test_nobody_invites_to_a_wider_or_a_foreign_place(platform: Caller, caller: Callable[..., Caller]) -> None:
    narrow = caller("admin", "acme", "c1")
    new = {"email": ADA, "role": "viewer"}
    assert narrow("POST", MEMBERS, json=new).status_code == 403
    assert narrow("POST", MEMBERS, json=new | {"context_id": "c2"}).status_code == 404
    mine = invite(narrow, context_id="c1")
    whole, other = invite(platform, email="whole@example.com"), invite(platform, email="o@example.com", context_id="c2")
    assert [one["id"] for one in narrow("GET", MEMBERS).json["items"]] == [mine["id"]]
    for foreign in (whole, other):
        for method, more in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/invitation")):
            answer = narrow(method, f"{MEMBERS}/{foreign['id']}{more}", json={"role": "viewer"})
            assert answer.status_code == 404, (method, more)
    stranger = caller("admin", "other")
    assert stranger("GET", MEMBERS).status_code == 404
    assert stranger("GET", f"/v1/organizations/other/members/{mine['id']}").status_code == 404


def test_only_an_owner_deals_with_members(platform: Caller, caller: Callable[..., Caller]) -> None:
    for role in ("ingest", "read", "write"):
        assert caller(role, "acme")("GET", MEMBERS).status_code == 403
        assert caller(role, "acme")("POST", MEMBERS, json={"email": ADA, "role": "viewer"}).status_code == 403


def test_a_person_has_the_rights_of_a_key_of_the_same_role(platform: Caller, services: Services) -> None:
    person = accept(services, invite(platform, "owner", context_id="c1"))
    principal = person.principal_at("acme", "c1")
    assert principal is not None
    with pytest.raises(ForbiddenError):
        services.members.invite(principal, "acme", NewMember(email="x@example.com", role="viewer"))
    made = services.members.invite(principal, "acme", NewMember(email="x@example.com", role="viewer", context_id="c1"))
    assert made["context_id"] == "c1"
    assert told(services)[-1]["actor"] == {"type": "admin", "id": person.id, "email": ADA}
