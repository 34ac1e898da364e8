"""The vault: seals the secrets that must be stored, so that a stolen database does not give them away.

AES-256-GCM (NIST SP 800-38D) with a random 96-bit nonce. The organization, webhook and field that a secret belongs to
are authenticated with it: a sealed value copied to another row, field or tenant does not open.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.core.errors import ConfigurationError, SecretUnreadableError
from app.core.ids import RandomBytes
from app.security.master_keys import KeyFile, MasterKeys, parse_master_keys

_VERSION = b"v1"
_NONCE_BYTES = 12
_TAG_BYTES = 16
_HEAD_BYTES = len(_VERSION) + 1

NewerKeys = Callable[[], MasterKeys | None]
"""Answers the keys when they have changed since it was asked last."""


def _never() -> None:
    """Keys that do not change while the process runs."""


@dataclass(frozen=True, slots=True)
class _Ring:
    """The ciphers by key id, and the id of the one that seals; replaced whole, so that no thread sees half of it."""

    ciphers: Mapping[str, AESGCM]
    current: str


class Vault:
    """Seals and opens small secrets. Used by any thread.

    Args:
        keys: master keys (32 bytes each) by id.
        current: the id of the key that seals; the others only open.
        random_bytes: where nonces come from.
        newer: asked before something is sealed and when a key is missing, so that a process that runs learns of a new
            master key. It never forgets one.

    An envelope is ``v1``, the length of the key id (one byte), the key id, the nonce, and the ciphertext with its tag.
    """

    __slots__ = ("_newer", "_random_bytes", "_ring")

    def __init__(
        self,
        keys: Mapping[str, bytes],
        current: str,
        random_bytes: RandomBytes = secrets.token_bytes,
        newer: NewerKeys = _never,
    ) -> None:
        if current not in keys:
            raise ConfigurationError(f"the current master key {current!r} is not among the keys")
        self._ring = _Ring({key_id: AESGCM(key) for key_id, key in keys.items()}, current)
        self._random_bytes = random_bytes
        self._newer = newer

    def __repr__(self) -> str:
        return f"Vault(key ids: {', '.join(self.key_ids)}; current: {self.current})"

    @property
    def current(self) -> str:
        """The id of the key that seals."""
        return self._ring.current

    @property
    def key_ids(self) -> tuple[str, ...]:
        """The ids of all keys at hand."""
        return tuple(sorted(self._ring.ciphers))

    def seal(self, plaintext: bytes, *, organization: str, webhook: str, field: str) -> bytes:
        """An envelope that only opens for the same organization, webhook and field."""
        self._look_again()
        ring = self._ring
        nonce = self._random_bytes(_NONCE_BYTES)
        bound = _bound_to(ring.current, organization, webhook, field)
        return envelope_head(ring.current) + nonce + ring.ciphers[ring.current].encrypt(nonce, plaintext, bound)

    def open(self, envelope: bytes, *, organization: str, webhook: str, field: str) -> bytes:
        """The plaintext of an envelope.

        Raises:
            SecretUnreadableError: the key is not at hand (the message names its id), or the envelope was changed or
                belongs to something else.
        """
        key_id = sealed_with(envelope)
        if key_id not in self._ring.ciphers:
            self._look_again()
        cipher = self._ring.ciphers.get(key_id)
        if cipher is None:
            raise SecretUnreadableError(f"{field}: sealed with master key {key_id!r}, which is not configured")
        body = envelope[_HEAD_BYTES + len(key_id.encode()) :]
        try:
            return cipher.decrypt(
                body[:_NONCE_BYTES], body[_NONCE_BYTES:], _bound_to(key_id, organization, webhook, field)
            )
        except InvalidTag:
            raise SecretUnreadableError(
                f"{field}: does not open with master key {key_id!r}; it was changed or belongs to something else"
            ) from None

    def _look_again(self) -> None:
        newer = self._newer()
        if newer is not None:
            known = {key_id: AESGCM(key) for key_id, key in newer.keys.items()}
            self._ring = _Ring({**self._ring.ciphers, **known}, newer.current)


def envelope_head(key_id: str) -> bytes:
    """What every envelope sealed with a key begins with."""
    encoded = key_id.encode()
    return _VERSION + bytes([len(encoded)]) + encoded


def sealed_with(envelope: bytes) -> str:
    """The id of the master key an envelope was sealed with.

    Raises:
        SecretUnreadableError: this is no envelope.
    """
    if not envelope.startswith(_VERSION) or len(envelope) < _HEAD_BYTES:
        raise SecretUnreadableError("a stored secret is not a vault envelope")
    length = envelope[len(_VERSION)]
    if len(envelope) < _HEAD_BYTES + length + _NONCE_BYTES + _TAG_BYTES:
        raise SecretUnreadableError("a stored secret is cut short")
    return envelope[_HEAD_BYTES : _HEAD_BYTES + length].decode("ascii", "replace")


def open_vault(instance: Path, secret_keys: str | None, random_bytes: RandomBytes = secrets.token_bytes) -> Vault:
    """The installation's vault: from ``secret_keys`` (the setting) or else from the key file in ``instance``.

    Raises:
        ConfigurationError: the keys cannot be read.
    """
    if secret_keys:
        given = parse_master_keys(secret_keys)
        return Vault(given.keys, given.current, random_bytes)
    file = KeyFile(instance, random_bytes)
    found = file.read()
    return Vault(found.keys, found.current, random_bytes, file.newer)


def _bound_to(*parts: str) -> bytes:
    """Every part with its length before it, so that no two different lists give the same bytes."""
    encoded = [part.encode() for part in parts]
    return _VERSION + b"".join(len(part).to_bytes(4, "big") + part for part in encoded)
