"""People for tests: quick passwords, and somebody who can sign in."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from argon2 import Parameters, Type

from app.core.clock import Micros
from app.core.ids import new_id
from app.security.front_door import Caller, FrontDoor
from app.security.passwords import Passwords
from app.security.users import create_user
from app.store.engine import Store
from app.store.tables_people import members

QUICK = Parameters(type=Type.ID, version=19, salt_len=16, hash_len=32, time_cost=1, memory_cost=8, parallelism=1)
"""Argon2id at its cheapest: what is tested is what we do with it."""
PASSWORD = "correct horse battery"
EMAIL = "ada@example.com"
SOMEWHERE = Caller("192.0.2.7", "Firefox")


def front_door(store: Store, clock: Callable[[], Micros], passwords: Passwords | None = None) -> FrontDoor:
    return FrontDoor(store, passwords or Passwords(QUICK), clock=clock, random_bytes=secrets.token_bytes)


def add_person(store: Store, email: str = EMAIL, password: str | None = PASSWORD, *, now: Micros = 1) -> str:
    """Somebody with a password and no membership; answers the id."""
    hashed = None if password is None else Passwords(QUICK).hash(password)
    with store.write() as connection:
        return create_user(
            connection, email=email, name="Ada", password_hash=hashed, now=now, random_bytes=secrets.token_bytes
        ).id


def add_member(
    store: Store, user_id: str, role: str, organization: str | None = None, context: str | None = None
) -> str:
    """Make somebody a member; answers the member's id."""
    member = new_id("mem", secrets.token_bytes)
    place = {"organization_id": organization, "context_id": context}
    with store.write() as connection:
        values = {"id": member, "email": EMAIL, "user_id": user_id, "role": role, "created_at": 1, "joined_at": 1}
        connection.execute(members.insert().values(**values, **place))
    return member
