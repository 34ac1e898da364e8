from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from app.core.errors import ForbiddenError, InvalidInputError, NotFoundError
from app.security.api_keys import (
    LAST_USED_STEP,
    authenticate,
    create_key,
    list_keys,
    revoke_key,
    touch_key,
)
from app.security.permissions import Permission, Role, parse_role
from app.security.principal import Principal
from app.store.engine import Store, open_store
from app.store.tables import api_keys, contexts, organizations

NOW = 1_700_000_000_000_000


@pytest.fixture
def store(sqlite_url: str) -> Iterator[Store]:
    opened = open_store(sqlite_url)
    with opened.write() as connection:
        connection.execute(organizations.insert().values(id="acme", name="Acme", created_at=NOW))
        connection.execute(
            contexts.insert().values(organization_id="acme", id="c1", service="entrypoint", name="C", created_at=NOW)
        )
    yield opened
    opened.close()


def make(store: Store, role: str = "read", **more: object) -> tuple[str, str]:
    given = {"name": "n", "now": NOW, "random_bytes": secrets.token_bytes, **more}
    with store.write() as connection:
        record, key = create_key(connection, role=role, **given)  # type: ignore[arg-type]
    return record.id, key


def who(store: Store, key: str, now: int = NOW) -> Principal | None:
    with store.read() as connection:
        return authenticate(connection, key, now)


def test_a_key_stands_for_its_role_and_place(store: Store) -> None:
    key_id, key = make(store, "editor", organization_id="acme", context_id="c1")
    assert who(store, key) == Principal(key_id, Role.WRITE, "acme", "c1")


def test_the_key_itself_is_nowhere_in_the_database(store: Store, tmp_path: Path) -> None:
    _, key = make(store)
    secret = key.rsplit("_", 1)[0].encode() and key[12:].encode()
    store.close()
    for file in tmp_path.iterdir():
        assert secret not in file.read_bytes()


def test_a_key_that_differs_in_one_character_is_unknown(store: Store) -> None:
    _, key = make(store)
    last = "A" if key[-1] != "A" else "B"
    assert who(store, key[:-1] + last) is None


@pytest.mark.parametrize(
    "garbage", ["", "rp_", "rp_aaaaaaaa_", "Bearer x", "rp_" + "a" * 8 + "_" + "é" * 43, "\x00" * 54]
)
def test_garbage_is_unknown(store: Store, garbage: str) -> None:
    assert who(store, garbage) is None


def test_a_revoked_key_ends_at_once_and_stays_listed(store: Store) -> None:
    key_id, key = make(store)
    with store.write() as connection:
        revoke_key(connection, key_id, NOW + 1)
        revoke_key(connection, key_id, NOW + 9)
    assert who(store, key) is None
    with store.read() as connection:
        assert [(one.id, one.revoked_at) for one in list_keys(connection)] == [(key_id, NOW + 1)]


def test_an_expired_key_is_unknown_from_that_moment(store: Store) -> None:
    _, key = make(store, expires_at=NOW + 5)
    assert who(store, key, NOW + 4) is not None
    assert who(store, key, NOW + 5) is None


def test_use_is_noted_coarsely(store: Store) -> None:
    key_id, _ = make(store)
    for moment in (NOW, NOW + 1, NOW + LAST_USED_STEP + 1):
        with store.write() as connection:
            touch_key(connection, key_id, moment)
            noted = connection.execute(select(api_keys.c.last_used_at)).scalar_one()
        assert noted == (NOW if moment == NOW + 1 else moment)


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"role": "king"}, InvalidInputError),
        ({"name": ""}, InvalidInputError),
        ({"context_id": "c1"}, InvalidInputError),
        ({"organization_id": "gone"}, NotFoundError),
        ({"organization_id": "acme", "context_id": "gone"}, NotFoundError),
    ],
)
def test_a_key_for_nothing_is_refused(store: Store, more: dict[str, str], error: type[Exception]) -> None:
    with pytest.raises(error):
        make(store, **more)


def test_revoking_an_unknown_key_says_so(store: Store) -> None:
    with pytest.raises(NotFoundError), store.write() as connection:
        revoke_key(connection, "key_x", NOW)


def test_roles_grow_and_a_reader_cannot_forge_events() -> None:
    assert Role.READ.permissions < Role.WRITE.permissions < Role.ADMIN.permissions
    assert Role.INGEST.permissions == {Permission.EVENTS_SEND}
    assert Permission.EVENTS_SEND not in Role.READ.permissions
    assert Permission.WEBHOOK_SECRETS_READ not in Role.READ.permissions
    assert [parse_role(word) for word in ("viewer", "Editor", " owner ")] == [Role.READ, Role.WRITE, Role.ADMIN]
    with pytest.raises(ForbiddenError, match="needs webhooks:write"):
        Principal("k", Role.READ, None, None).require(Permission.WEBHOOKS_WRITE)
