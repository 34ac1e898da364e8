from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import ConfigurationError, SecretUnreadableError
from app.security.vault import Vault, sealed_with

KEYS = {"old": b"o" * 32, "new": b"n" * 32}
NAMES = st.text(max_size=12)


def vault(current: str = "new") -> Vault:
    return Vault(KEYS, current)


@given(st.binary(max_size=200), NAMES, NAMES, NAMES)
def test_what_is_sealed_opens_for_its_own_place_only(plain: bytes, organization: str, webhook: str, field: str) -> None:
    envelope = vault().seal(plain, organization=organization, webhook=webhook, field=field)
    assert vault().open(envelope, organization=organization, webhook=webhook, field=field) == plain
    for place in (
        {"organization": organization + "x", "webhook": webhook, "field": field},
        {"organization": organization, "webhook": webhook + "x", "field": field},
        {"organization": organization, "webhook": webhook, "field": field + "x"},
        {"organization": organization + webhook + "x", "webhook": "", "field": field},
    ):
        with pytest.raises(SecretUnreadableError):
            vault().open(envelope, **place)


@given(st.binary(min_size=1, max_size=60), st.data())
def test_any_changed_byte_is_noticed(plain: bytes, data: st.DataObject) -> None:
    envelope = bytearray(vault().seal(plain, organization="o", webhook="w", field="f"))
    position = data.draw(st.integers(0, len(envelope) - 1))
    envelope[position] ^= data.draw(st.integers(1, 255))
    with pytest.raises(SecretUnreadableError):
        vault().open(bytes(envelope), organization="o", webhook="w", field="f")


@given(st.binary(max_size=60))
def test_garbage_is_refused_without_a_crash(garbage: bytes) -> None:
    with pytest.raises(SecretUnreadableError):
        vault().open(garbage, organization="o", webhook="w", field="f")


def test_a_boundary_between_names_cannot_be_moved() -> None:
    envelope = vault().seal(b"s", organization="ab", webhook="c", field="f")
    with pytest.raises(SecretUnreadableError):
        vault().open(envelope, organization="a", webhook="bc", field="f")


def test_an_older_key_still_opens_after_rotation() -> None:
    envelope = vault("old").seal(b"s", organization="o", webhook="w", field="f")
    assert sealed_with(envelope) == "old"
    assert vault("new").open(envelope, organization="o", webhook="w", field="f") == b"s"


def test_a_missing_key_is_named() -> None:
    envelope = vault("old").seal(b"s", organization="o", webhook="w", field="f")
    with pytest.raises(SecretUnreadableError, match="'old'"):
        Vault({"new": KEYS["new"]}, "new").open(envelope, organization="o", webhook="w", field="f")


def test_the_same_secret_never_seals_to_the_same_bytes() -> None:
    assert vault().seal(b"s", organization="o", webhook="w", field="f") != vault().seal(
        b"s", organization="o", webhook="w", field="f"
    )


def test_printing_a_vault_shows_key_ids_only() -> None:
    assert repr(vault()) == "Vault(key ids: new, old; current: new)"


def test_the_sealing_key_must_exist() -> None:
    with pytest.raises(ConfigurationError, match="gone"):
        Vault(KEYS, "gone")
