"""Who may send: signatures that are wrong in every way somebody thought of, and the few that are right."""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook as StandardWebhook

from app.core.clock import SECOND
from app.core.errors import InvalidInputError
from app.core.signing import TOLERANCE_S, format_secret
from app.security.inbound_signatures import Scheme, SignatureRefusedError, SignatureRule, check_secret

NOW_S = 1_790_000_000
NOW = NOW_S * SECOND
BODY = b'{"eventId": "entrypoint.configuration.audit"}'
PLAIN = "a plain secret of a sender"
OTHER = "another secret of a sender"
STANDARD = format_secret(b"s" * 32)
OTHER_STANDARD = format_secret(b"t" * 32)


def hexed(secret: str, signed: bytes) -> str:
    return hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def standard_headers(
    secret: str = STANDARD, at: int = NOW_S, body: bytes = BODY, message: str = "msg_1"
) -> dict[str, str]:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signature = base64.b64encode(hmac.digest(key, f"{message}.{at}.".encode() + body, "sha256")).decode()
    return {"webhook-id": message, "webhook-timestamp": str(at), "webhook-signature": f"v1,{signature}"}


def timestamped(secret: str = PLAIN, at: int = NOW_S, body: bytes = BODY) -> str:
    return f"t={at},v1={hexed(secret, f'{at}.'.encode() + body)}"


def headers_of(scheme: Scheme, secret_number: int = 0, at: int = NOW_S, body: bytes = BODY) -> dict[str, str]:
    plain = (PLAIN, OTHER)[secret_number]
    if scheme is Scheme.STANDARD_WEBHOOKS:
        return standard_headers((STANDARD, OTHER_STANDARD)[secret_number], at, body)
    if scheme is Scheme.GITHUB:
        return {"x-hub-signature-256": f"sha256={hexed(plain, body)}"}
    return {"stripe-signature": timestamped(plain, at, body)}


def rule(scheme: Scheme, *, both: bool = False) -> SignatureRule:
    known = (STANDARD, OTHER_STANDARD) if scheme is Scheme.STANDARD_WEBHOOKS else (PLAIN, OTHER)
    return SignatureRule(scheme, known if both else known[:1])


def refused(scheme: Scheme, headers: dict[str, str], body: bytes = BODY) -> str:
    with pytest.raises(SignatureRefusedError) as caught:
        rule(scheme).proven(headers, body, NOW)
    return str(caught.value)


ALL = list(Scheme)
TIMED = [Scheme.STANDARD_WEBHOOKS, Scheme.TIMESTAMPED]


@pytest.mark.parametrize("scheme", ALL)
def test_the_right_signature_is_believed_with_either_of_two_secrets(scheme: Scheme) -> None:
    for number in (0, 1):
        assert rule(scheme, both=True).proven(headers_of(scheme, number), BODY, NOW)
    assert refused(scheme, headers_of(scheme, 1))


def test_what_the_reference_library_signs_is_believed() -> None:
    from datetime import UTC, datetime  # noqa: PLC0415 - only the reference wants a datetime

    signature = StandardWebhook(STANDARD).sign("msg_9", datetime.fromtimestamp(NOW_S, UTC), BODY.decode())
    headers = {"webhook-id": "msg_9", "webhook-timestamp": str(NOW_S), "webhook-signature": signature}
    assert rule(Scheme.STANDARD_WEBHOOKS).proven(headers, BODY, NOW)


def test_the_example_of_github_is_believed() -> None:
    secret, body = "It's a Secret to Everybody", b"Hello, World!"
    header = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    assert SignatureRule(Scheme.GITHUB, (secret,)).proven({"x-hub-signature-256": header}, body, NOW)


@pytest.mark.parametrize("scheme", TIMED)
@pytest.mark.parametrize(("away_s", "believed"), [(0, True), (TOLERANCE_S, True), (TOLERANCE_S + 1, False)])
def test_five_minutes_early_or_late_is_believed_and_a_second_more_is_not(
    scheme: Scheme, away_s: int, *, believed: bool
) -> None:
    for at in (NOW_S - away_s, NOW_S + away_s):
        if believed:
            assert rule(scheme).proven(headers_of(scheme, at=at), BODY, NOW)
        else:
            refused(scheme, headers_of(scheme, at=at))


def test_a_message_is_remembered_for_at_least_twice_the_tolerance() -> None:
    assert all(scheme.window >= 2 * TOLERANCE_S * SECOND for scheme in ALL)


GOOD_HEX = hexed(PLAIN, BODY)
GOOD_V1 = timestamped().partition("v1=")[2]
GOOD_64 = standard_headers()["webhook-signature"]
_WRONG_SIGNATURES = [
    (
        Scheme.GITHUB,
        ["", "sha256=", "sha256", GOOD_HEX, f"sha1={GOOD_HEX}", f"SHA256={GOOD_HEX}", f"sha256= {GOOD_HEX}"],
    ),
    (Scheme.GITHUB, [f"sha256={GOOD_HEX[:-1]}", f"sha256={GOOD_HEX}0", f"sha256={'0' * 64}", f"sha256={'é' * 64}"]),
    (Scheme.GITHUB, ["sha256=" + "\udcff" * 64, f"sha256={GOOD_HEX},sha256={GOOD_HEX}", "sha256=" + "٣" * 64]),
    (Scheme.TIMESTAMPED, ["", ",", "t", "t=", "v1=", "t=,v1=", f"t={NOW_S}", f"v1={GOOD_V1}", f"t={NOW_S},v1="]),
    (Scheme.TIMESTAMPED, [f"t={NOW_S},v0={GOOD_V1}", f"t=-{NOW_S},v1={GOOD_V1}", f"t={NOW_S}.0,v1={GOOD_V1}"]),
    (Scheme.TIMESTAMPED, [f"t={NOW_S},t={NOW_S + 1},v1={GOOD_V1}", f"t=٣,v1={GOOD_V1}", f"t={'9' * 400},v1={GOOD_V1}"]),
    (
        Scheme.TIMESTAMPED,
        [f"t={NOW_S - 1},v1={GOOD_V1}", f"t={NOW_S},v1={GOOD_HEX}", f"t={NOW_S},v1=\udcff{GOOD_V1[1:]}"],
    ),
    (Scheme.TIMESTAMPED, [f"t={NOW_S}," + ",".join(["v1=" + "0" * 64] * 40) + f",v1={GOOD_V1}"]),
    (
        Scheme.STANDARD_WEBHOOKS,
        ["", "v1", "v1,", ",", GOOD_64[3:], f"v1a,{GOOD_64[3:]}", f"v2,{GOOD_64[3:]}", "v1,%%%"],
    ),
    (Scheme.STANDARD_WEBHOOKS, [GOOD_64.rstrip("="), f"{GOOD_64}A", f"v1,é{GOOD_64[4:]}", f"v1, {GOOD_64[3:]}"]),
    (Scheme.STANDARD_WEBHOOKS, ["v1,\udcff", f"{GOOD_64},{GOOD_64}", "v1," + "A" * 5_000, "v1,AAAA"]),
]


@pytest.mark.parametrize(
    ("scheme", "value"), [(scheme, value) for scheme, values in _WRONG_SIGNATURES for value in values], ids=repr
)
def test_a_wrong_signature_is_refused_with_the_same_words_whatever_is_wrong(scheme: Scheme, value: str) -> None:
    words = refused(scheme, {**headers_of(scheme), scheme.header: value})
    assert words == "the signature of this request is missing or wrong"


@pytest.mark.parametrize("scheme", ALL)
def test_no_header_at_all_is_refused(scheme: Scheme) -> None:
    for gone in headers_of(scheme):
        refused(scheme, {name: value for name, value in headers_of(scheme).items() if name != gone})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("webhook-id", ""),
        ("webhook-id", "msg_2"),
        ("webhook-id", "msg_1.1790000000"),
        ("webhook-id", "msg_é"),
        ("webhook-timestamp", ""),
        ("webhook-timestamp", "now"),
        ("webhook-timestamp", "٣"),
        ("webhook-timestamp", str(NOW_S + 1)),
        ("webhook-timestamp", f" {NOW_S}"),
        ("webhook-timestamp", f"+{NOW_S}"),
    ],
)
def test_an_id_or_time_that_was_not_signed_is_refused(name: str, value: str) -> None:
    refused(Scheme.STANDARD_WEBHOOKS, {**standard_headers(), name: value})


def test_the_order_of_signatures_and_parts_does_not_matter() -> None:
    wrong = "v1," + base64.b64encode(b"0" * 32).decode()
    for value in (f"{wrong} {GOOD_64}", f"{GOOD_64} {wrong}", f"v1a,x {GOOD_64}"):
        assert rule(Scheme.STANDARD_WEBHOOKS).proven({**standard_headers(), "webhook-signature": value}, BODY, NOW)
    for value in (f"v1={GOOD_V1},t={NOW_S}", f"t={NOW_S}, v0=x, v1={'0' * 64}, v1={GOOD_V1.upper()}"):
        assert rule(Scheme.TIMESTAMPED).proven({"stripe-signature": value}, BODY, NOW)


def test_the_header_may_have_another_name_and_only_that_one_counts() -> None:
    own = SignatureRule(Scheme.GITHUB, (PLAIN,), "X-Our-Signature")
    assert own.proven({"x-our-signature": f"sha256={GOOD_HEX}"}, BODY, NOW)
    with pytest.raises(SignatureRefusedError):
        own.proven(headers_of(Scheme.GITHUB), BODY, NOW)


def test_nobody_is_believed_without_a_secret() -> None:
    for scheme in ALL:
        with pytest.raises(SignatureRefusedError):
            SignatureRule(scheme, ()).proven(headers_of(scheme), BODY, NOW)


@pytest.mark.parametrize("scheme", ALL)
def test_an_exact_copy_has_the_same_mark_and_another_message_another(scheme: Scheme) -> None:
    first = rule(scheme).proven(headers_of(scheme), BODY, NOW)
    assert rule(scheme).proven(headers_of(scheme), BODY, NOW + SECOND) == first
    if scheme is not Scheme.STANDARD_WEBHOOKS:
        assert rule(scheme).proven(headers_of(scheme, body=BODY + b" "), BODY + b" ", NOW) != first


def test_a_second_try_under_the_same_id_is_a_copy_and_another_id_is_none() -> None:
    standard = rule(Scheme.STANDARD_WEBHOOKS)
    first = standard.proven(standard_headers(), BODY, NOW)
    assert standard.proven(standard_headers(at=NOW_S + 9), BODY, NOW) == first
    assert standard.proven(standard_headers(message="msg_2"), BODY, NOW) != first


@pytest.mark.parametrize("scheme", ALL)
@given(data=st.data())
def test_one_changed_byte_of_the_body_is_refused(scheme: Scheme, data: st.DataObject) -> None:
    body = bytearray(BODY)
    place = data.draw(st.integers(0, len(body) - 1))
    body[place] ^= data.draw(st.integers(1, 255))
    refused(scheme, headers_of(scheme), bytes(body))


@pytest.mark.parametrize("scheme", ALL)
@given(
    values=st.lists(
        st.text(max_size=80) | st.sampled_from([GOOD_HEX, GOOD_V1, GOOD_64, "v1,", "t=", "sha256="]), max_size=4
    ),
    body=st.binary(max_size=60),
)
def test_no_header_whatever_it_holds_raises_anything_else(scheme: Scheme, values: list[str], body: bytes) -> None:
    headers = headers_of(scheme)
    for name, value in zip(list(headers), values, strict=False):
        headers[name] = value
    try:
        rule(scheme).proven(headers, body, NOW)
    except SignatureRefusedError:
        return
    assert body == BODY


@pytest.mark.parametrize(
    ("scheme", "secret"),
    [
        (Scheme.GITHUB, ""),
        (Scheme.GITHUB, "x" * 15),
        (Scheme.TIMESTAMPED, "x" * 513),
        (Scheme.STANDARD_WEBHOOKS, PLAIN),
        (Scheme.STANDARD_WEBHOOKS, "whsec_%%%%"),
        (Scheme.STANDARD_WEBHOOKS, format_secret(b"short")),
    ],
)
def test_a_secret_that_protects_nothing_cannot_be_stored(scheme: Scheme, secret: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        check_secret(scheme, secret)
    assert not secret or secret not in str(caught.value)


def test_a_good_secret_can_be_stored_and_printing_a_rule_shows_none() -> None:
    assert check_secret(Scheme.GITHUB, PLAIN) == PLAIN
    assert check_secret(Scheme.STANDARD_WEBHOOKS, STANDARD) == STANDARD
    assert PLAIN not in repr(rule(Scheme.GITHUB))
