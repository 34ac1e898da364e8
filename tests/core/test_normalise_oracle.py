"""What the normaliser makes of thousands of odd elements, as it was before it was made quicker.

The elements come from a seed. A digest that changes means that some event is stored, deduplicated or masked otherwise:
find the element (compare with the commit before) and decide. A change of the rules brings new digests with it.
"""

from __future__ import annotations

import hashlib
import random
from typing import Any

import pytest

from app.core import aliases
from app.core.errors import InvalidInputError
from app.core.normalise import normalise

ELEMENTS = 1_500
RECEIVED_AT = 1_790_000_000_123_456

TEXTS = (
    "Contoso", "psk=abc", "secret", "***", "Hidden value *", "", "Empty", " a ", "\x00b", "ghp_abcdefghijklmnop",
    "Bearer abcdefgh1", "http://u:p@h/x", "A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6", "é" * 40, "shared secret",
    "groups[g1].psk", "remote_radius.port", "network_integration.access_restrictions", "Remote Radius Server port",
    "UPDATE", "context.update", "System", "a@example.com", "admin", "API_TOKEN", "0.0.0.0/0", "true", "enabled",
    "2026-04-19T12:34:56Z", "1776602096", "eyJhbGciOi.eyJzdWIi.x", "w" * 120, "w" * 600, "auth_method", "webhook",
    "-----BEGIN PRIVATE KEY-----abc", "entrypoint.configuration.audit", "organization.configuration.audit", "status",
)  # fmt: skip
NUMBERS = (None, True, False, 0, 1, 3, 5, -1, 2**63, 2**64, 1.5, 1_776_602_096, 1_776_602_096_000)
NAMES = (
    aliases.ID, aliases.TYPE, aliases.TIME, aliases.ORGANIZATION, aliases.ORGANIZATION_NAME, aliases.CONTEXT,
    aliases.CONTEXT_NAME, aliases.ACTION, aliases.DESCRIPTION, aliases.ENTITY, aliases.USER_ID, aliases.USER_EMAIL,
    aliases.USER_NAME, aliases.BEFORE, aliases.AFTER, aliases.FIELD,
)  # fmt: skip
KEYS = (
    *(name.partition(".")[0] for names in NAMES for name in names),
    "changes", "change", "modifiedProperties", "snapshots", "prechange", "postchange", "actor", "metadata", "tags",
    "sensitivity", "sensitivity_rule", "module", "scope.organizationId", "specversion", "data", "source", "path",
    "received_at", "name_was", "psk", "psk_was", "value", "secret", "password", "request_id", "Secret key", "x",
    "fields", "entityId", "entityName", "k" * 200, "to\x00ken", "current", "loginName", "email",
)  # fmt: skip


class Odd:
    """Makes elements that nobody would send, out of what somebody would."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - nothing here is a secret

    def element(self) -> dict[str, Any]:
        made = self._object(3)
        chance = self._random.random
        if chance() < 0.9:
            made["eventId"] = self._random.choice(("entrypoint.configuration.audit", "a.b", "signin.success"))
        if chance() < 0.4:
            made["changes"] = [
                self._object(1) if chance() < 0.8 else self._value(2) for _ in range(self._random.randint(0, 3))
            ]
        if chance() < 0.1:
            made |= {"occurred_at": "2026-04-19T12:34:56Z", "organization": {"id": "1", "name": "n"}}
        return made

    def _object(self, depth: int) -> dict[str, Any]:
        return {self._random.choice(KEYS): self._value(depth) for _ in range(self._random.randint(0, 7))}

    def _value(self, depth: int) -> Any:
        kind = self._random.random()
        if kind < 0.5 or depth <= 0:
            return self._random.choice(TEXTS)
        if kind < 0.6:
            return self._random.choice(NUMBERS)
        if kind < 0.8:
            return self._object(depth - 1)
        return [self._value(depth - 1) for _ in range(self._random.randint(0, 4))]


def outcome(element: dict[str, Any]) -> bytes:
    """Everything that is stored of an element, or why nothing is."""
    try:
        event = normalise(element, received_at=RECEIVED_AT, default_organization="o", default_context="c")
    except InvalidInputError as error:
        return f"{error.field}: {error}".encode()
    try:
        return event.dedupe_key + event.to_json(received_at=RECEIVED_AT, context_name="z")
    except TypeError:
        return b"no JSON"


@pytest.mark.parametrize(
    ("seed", "digest"),
    [
        (1, "98eec903cfd0b1c948cc52664c7ce4c0"),
        (2, "338a8c15da30f1f65d3cc5971ca365c8"),
        (3, "0997edbe4c322a3b30cd7ebb1d1ac745"),
        (4, "e0b53dca1fd816c57a35f87844e40ac7"),
    ],
)
def test_odd_elements_give_what_they_always_gave(seed: int, digest: str) -> None:
    odd = Odd(seed)
    whole = hashlib.sha256()
    for _ in range(ELEMENTS):
        whole.update(outcome(odd.element()))
    assert whole.hexdigest()[:32] == digest
