from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.security.permissions import Role
from app.security.person import MemberRole, Membership, Person
from app.security.principal import Principal

ROLES = {MemberRole.OWNER: Role.ADMIN, MemberRole.EDITOR: Role.WRITE, MemberRole.VIEWER: Role.READ}
ORDER = [Role.READ, Role.WRITE, Role.ADMIN]
places = st.sampled_from(
    [(None, None), ("acme", None), ("acme", "c1"), ("acme", "c2"), ("other", None), ("other", "c1")]
)
memberships = st.builds(lambda role, place: Membership(role, *place), st.sampled_from(list(MemberRole)), places)


def person(*found: Membership) -> Person:
    return Person("usr_1", "ada@example.com", "Ada", found)


def covers(one: Membership, place: tuple[str | None, str | None]) -> bool:
    return (one.organization_id, one.context_id) in {(None, None), (place[0], None), place}


@given(st.lists(memberships, max_size=6), places)
def test_a_person_is_at_a_place_what_the_strongest_role_that_covers_it_says(
    found: list[Membership], place: tuple[str | None, str | None]
) -> None:
    fitting = [ROLES[one.role] for one in found if covers(one, place)]
    there = person(*found).principal_at(*place)
    if not fitting:
        assert there is None
    else:
        strongest = max(fitting, key=ORDER.index)
        assert there == Principal("usr_1", strongest, *place, kind="admin", email="ada@example.com")


def test_a_role_in_a_context_says_nothing_of_its_organization_or_the_platform() -> None:
    narrow = person(Membership(MemberRole.OWNER, "acme", "c1"))
    assert narrow.principal_at("acme") is None
    assert narrow.principal_at(None) is None
    assert narrow.principal_at("acme", "c2") is None
    assert narrow.principal_at("other", "c1") is None
