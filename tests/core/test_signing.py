import base64
import secrets
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from app.core.errors import InvalidInputError
from app.core.signing import Reason, Signer, Verification, format_secret, new_secret, parse_secret, verify

NOW = 1_776_602_096
KEY = b"k" * 32
OTHER = b"o" * 32

keys = st.binary(min_size=24, max_size=64)
ids = st.text(alphabet="abcdefghijklmnopqrstuvwxyz0123456789_-", min_size=1, max_size=64)


def check(secret_list: list[bytes], body: bytes = b"{}", **changed: object) -> Verification:
    headers: dict[str, object] = {"message_id": "dlv_a_1", "timestamp": str(NOW), "now_s": NOW}
    headers["signature"] = Signer([KEY]).sign("dlv_a_1", NOW, b"{}")
    return verify(secret_list, body=body, **(headers | changed))


def test_the_specification_example_gives_the_published_signature() -> None:
    secret = parse_secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    signature = Signer([secret]).sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@given(key=keys, message_id=ids, body=st.text().map(str.encode))
def test_the_reference_library_makes_the_same_signature(key: bytes, message_id: str, body: bytes) -> None:
    theirs = Webhook(format_secret(key)).sign(message_id, datetime.fromtimestamp(NOW, UTC), body.decode())
    assert Signer([key]).sign(message_id, NOW, body) == theirs


@given(old=keys, new=keys, message_id=ids)
def test_the_reference_library_verifies_with_either_secret_of_a_rotation(
    old: bytes, new: bytes, message_id: str
) -> None:
    stamp = int(datetime.now(UTC).timestamp())
    headers = {
        "webhook-id": message_id,
        "webhook-timestamp": str(stamp),
        "webhook-signature": Signer([new, old]).sign(message_id, stamp, b'{"a":1}'),
    }
    for key in (old, new):
        assert Webhook(format_secret(key)).verify(b'{"a":1}', headers) == {"a": 1}
    for body, key in ((b'{"a":2}', old), (b'{"a":1}', b"neither of them, surely"[:24] + b"!")):
        with pytest.raises(WebhookVerificationError):
            Webhook(format_secret(key)).verify(body, headers)


@given(keyring=st.lists(keys, min_size=1, max_size=3, unique=True), message_id=ids, body=st.binary(), data=st.data())
def test_what_was_signed_verifies_and_names_the_secret(
    keyring: list[bytes], message_id: str, body: bytes, data: st.DataObject
) -> None:
    used = data.draw(st.integers(0, len(keyring) - 1))
    signature = Signer([keyring[used]]).sign(message_id, NOW, body)
    result = verify(keyring, message_id=message_id, timestamp=str(NOW), signature=signature, body=body, now_s=NOW)
    assert result == Verification(Reason.OK, used)


@given(body=st.binary(), flip=st.integers(0, 255), data=st.data())
def test_one_changed_bit_anywhere_is_noticed(body: bytes, flip: int, data: st.DataObject) -> None:
    signature = Signer([KEY]).sign("dlv_a_1", NOW, body)
    where = data.draw(st.integers(0, len(body)))
    forged = body[:where] + bytes([flip]) + body[where:]
    result = verify([KEY], message_id="dlv_a_1", timestamp=str(NOW), signature=signature, body=forged, now_s=NOW)
    assert result.reason is Reason.NO_MATCH


def test_rotation_signs_with_the_current_secret_first() -> None:
    both = Signer([KEY, OTHER]).sign("dlv_a_1", NOW, b"{}")
    assert both.split(" ") == [Signer([KEY]).sign("dlv_a_1", NOW, b"{}"), Signer([OTHER]).sign("dlv_a_1", NOW, b"{}")]


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({}, Reason.OK),
        ({"message_id": None}, Reason.MISSING_HEADER),
        ({"signature": ""}, Reason.MISSING_HEADER),
        ({"timestamp": None}, Reason.MISSING_HEADER),
        ({"message_id": "a.b"}, Reason.BAD_ID),
        ({"message_id": "dlv_ä"}, Reason.BAD_ID),
        ({"timestamp": "yesterday"}, Reason.BAD_TIMESTAMP),
        ({"timestamp": "-5"}, Reason.BAD_TIMESTAMP),
        ({"timestamp": "9" * 400}, Reason.BAD_TIMESTAMP),
        ({"now_s": NOW + 300}, Reason.OK),
        ({"now_s": NOW + 301}, Reason.TOO_OLD),
        ({"now_s": NOW - 300}, Reason.OK),
        ({"now_s": NOW - 301}, Reason.TOO_NEW),
        ({"message_id": "dlv_b_1"}, Reason.NO_MATCH),
        ({"body": b"{} "}, Reason.NO_MATCH),
        ({"signature": "v1,"}, Reason.NO_MATCH),
        ({"signature": "v2,AAAA ☃ \ud800"}, Reason.NO_MATCH),
    ],
)
def test_each_fault_has_its_reason(changed: dict[str, object], reason: Reason) -> None:
    assert check([OTHER, KEY], **changed).reason is reason


def test_a_known_signature_among_unknown_versions_is_found() -> None:
    good = Signer([KEY]).sign("dlv_a_1", NOW, b"{}")
    assert check([KEY], signature=f"v1a,xxxx v1,AAAA {good}").ok


def test_an_unknown_secret_verifies_nothing() -> None:
    assert check([OTHER]).reason is Reason.NO_MATCH
    assert check([]).reason is Reason.NO_MATCH


def test_a_new_secret_holds_32_random_bytes_and_is_never_the_same() -> None:
    made = {new_secret(secrets.token_bytes) for _ in range(50)}
    assert len(made) == 50
    assert {len(parse_secret(text)) for text in made} == {32}


@given(key=keys)
def test_a_secret_survives_writing_and_reading_with_or_without_padding(key: bytes) -> None:
    assert parse_secret(format_secret(key)) == key
    assert parse_secret(format_secret(key).rstrip("=")) == key


@pytest.mark.parametrize(
    "text",
    [
        "",
        "whsec_",
        base64.b64encode(KEY).decode(),
        "whsec_" + base64.b64encode(b"k" * 23).decode(),
        "whsec_" + base64.b64encode(b"k" * 65).decode(),
        "whsec_" + "!" * 44,
        "whsec_" + "ä" * 44,
        "whsec_A" + base64.b64encode(KEY).decode().rstrip("=") + "A",
    ],
)
def test_a_bad_secret_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        parse_secret(text)
    assert caught.value.field == "secret"
    assert len(text) < 8 or text[6:] not in str(caught.value)


@pytest.mark.parametrize("message_id", ["", "a.b"])
def test_an_ambiguous_id_is_never_signed(message_id: str) -> None:
    with pytest.raises(ValueError, match="dot"):
        Signer([KEY]).sign(message_id, NOW, b"")


def test_a_signer_without_secrets_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Signer([])
