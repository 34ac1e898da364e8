from __future__ import annotations

import pytest

from app.core.errors import ForbiddenError
from app.routing.granting import check_strength
from app.security.permissions import Role
from app.security.principal import Principal

WEAKER = {
    Role.INGEST: {Role.INGEST},
    Role.READ: {Role.READ},
    Role.WRITE: {Role.INGEST, Role.READ, Role.WRITE},
    Role.ADMIN: set(Role),
}
"""What each role may hand on: roles that may do nothing which it may not."""


@pytest.mark.parametrize("own", Role)
@pytest.mark.parametrize("wanted", Role)
def test_a_role_hands_on_nothing_that_it_may_not_do_itself(own: Role, wanted: Role) -> None:
    caller = Principal("key_x", own, "acme", None)
    if wanted in WEAKER[own]:
        check_strength(caller, wanted)
    else:
        with pytest.raises(ForbiddenError):
            check_strength(caller, wanted)
