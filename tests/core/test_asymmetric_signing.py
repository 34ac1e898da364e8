"""v1a signatures, checked with cryptography's own verifier and nothing of ours."""

import base64

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from app.core.asymmetric_signing import PUBLIC_PREFIX, AsymmetricSigner, public_key

SECRET, OTHER = b"s" * 32, b"o" * 24


def check(written_key: str, signature: str, message_id: str, timestamp: int, body: bytes) -> None:
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(written_key.removeprefix(PUBLIC_PREFIX)))
    version, _, encoded = signature.partition(",")
    assert version == "v1a"
    key.verify(base64.b64decode(encoded), f"{message_id}.{timestamp}.".encode() + body)


@given(st.binary(min_size=24, max_size=64), st.integers(0, 2**40), st.binary(max_size=200))
def test_anybody_with_the_public_key_can_check_a_signature(secret: bytes, timestamp: int, body: bytes) -> None:
    signature = AsymmetricSigner([secret]).sign("msg_1", timestamp, body)
    check(public_key(secret), signature, "msg_1", timestamp, body)


@pytest.mark.parametrize(("message_id", "timestamp", "body"), [("m2", 1, b"x"), ("m1", 2, b"x"), ("m1", 1, b"y")])
def test_a_signature_fits_only_what_was_signed(message_id: str, timestamp: int, body: bytes) -> None:
    signature = AsymmetricSigner([SECRET]).sign("m1", 1, b"x")
    with pytest.raises(InvalidSignature):
        check(public_key(SECRET), signature, message_id, timestamp, body)


def test_during_a_rotation_each_key_signs() -> None:
    current, previous = AsymmetricSigner([SECRET, OTHER]).sign("msg_1", 1, b"x").split(" ")
    check(public_key(SECRET), current, "msg_1", 1, b"x")
    check(public_key(OTHER), previous, "msg_1", 1, b"x")
    with pytest.raises(InvalidSignature):
        check(public_key(OTHER), current, "msg_1", 1, b"x")


def test_the_public_key_gives_nothing_of_the_secret_away() -> None:
    assert public_key(SECRET) == public_key(SECRET) != public_key(OTHER)
    assert base64.b64encode(SECRET).decode() not in public_key(SECRET)


@pytest.mark.parametrize("message_id", ["", "a.b"])
def test_an_id_that_makes_the_signed_text_ambiguous_is_not_signed(message_id: str) -> None:
    with pytest.raises(ValueError, match="webhook id"):
        AsymmetricSigner([SECRET]).sign(message_id, 1, b"x")
