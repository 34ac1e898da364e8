"""What is fuzzed: one function of bytes per parser that reads what a stranger wrote.

A target raises only when the parser broke a promise: an error that is not one of its own, or an answer that cannot be.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from ipaddress import ip_address

import orjson

from app.core.body import Element, split_body
from app.core.egress_table import HIGHEST_PORT, Verdict, judge, parse_allow
from app.core.endpoint_url import ENDPOINT_SCHEMES, check_endpoint_url, origin
from app.core.errors import ConfigurationError, InvalidInputError
from app.core.filters import FilterTooCostlyError, read_filter
from app.core.normalise import normalise
from app.core.retry import MAX_RETRY_AFTER_S, next_attempt
from app.core.signing import Signer, format_secret, parse_secret
from app.delivery.answers import parse_head
from app.delivery.egress_guard import EgressPolicy, Guard
from app.security.inbound_signatures import Scheme, SignatureRefusedError, SignatureRule
from app.sinks import retry_after

Target = Callable[[bytes], None]

NOW = 1_776_566_096_000_000
_KINDS = (
    *("", "application/json", "application/x-ndjson", "application/cloudevents+json"),
    *("application/cloudevents-batch+json", "text/json; charset=utf-8"),
)
NOW_S = 1_000
_SECRETS = {
    Scheme.STANDARD_WEBHOOKS: format_secret(bytes(range(32))),
    Scheme.GITHUB: "a secret of sixteen letters",
    Scheme.TIMESTAMPED: "another secret of sixteen letters",
}
_GUARD = Guard(EgressPolicy(allow=(), ca_bundle="", allow_http=True))
_PUBLIC_NAMES = frozenset({"public"})


def bodies(data: bytes) -> None:
    """A request's body, from its bytes to the JSON that would be stored. The first byte chooses the content type."""
    kind = _KINDS[data[0] % len(_KINDS)] if data else ""
    headers = {"webhook-id": "evt_1"}
    if data[:1] >= b"\x80":
        first, _, data = data[1:].partition(b"\n")
        headers = {"ce-specversion": "1.0", "ce-id": first.decode("latin-1"), "ce-type": first[:40].decode("latin-1")}
    try:
        parts = split_body(data[1:], kind, headers)
    except InvalidInputError:
        return
    for part in parts:
        if isinstance(part, Element):
            _stored(part)


def _stored(part: Element) -> None:
    try:
        event = normalise(part.data, received_at=NOW, default_organization="acme", header_id=part.header_id)
    except InvalidInputError:
        return
    written = orjson.loads(event.to_json(received_at=NOW))
    assert "\0" not in written["id"]
    again = normalise(written, received_at=NOW, default_organization="acme")
    assert again.type == event.type, "our own output is read back as another event type"


def signature_headers(data: bytes) -> None:
    """Headers and a body as each scheme reads them. Nobody without the secret gets through, and a real one does.

    Id, time, signature and body are parted by line feeds. A first byte ``=`` stands for an id and a time that are
    right, so that the signature itself is looked at.
    """
    data = b"msg_1\n1000\n" + data[1:] if data.startswith(b"=") else data
    message_id, timestamp, signature, body = (data.split(b"\n", 3) + [b""] * 4)[:4]
    headers = {
        "webhook-id": message_id.decode("latin-1"),
        "webhook-timestamp": timestamp.decode("latin-1"),
        **dict.fromkeys(
            ("webhook-signature", "x-hub-signature-256", "x-signature"), signature.decode("utf-8", "surrogateescape")
        ),
    }
    for scheme, secret in _SECRETS.items():
        rule = SignatureRule(scheme, (secret,), "x-signature" if scheme is Scheme.TIMESTAMPED else "")
        assert _refusal(rule, headers, body), scheme
        assert not _refusal(rule, headers | _genuine(scheme, secret, body), body), scheme


def _refusal(rule: SignatureRule, headers: dict[str, str], body: bytes) -> str:
    try:
        proof = rule.proven(headers, body, NOW_S * 1_000_000)
    except SignatureRefusedError as refused:
        return refused.reason
    assert len(proof) == hashlib.sha256().digest_size
    return ""


def _genuine(scheme: Scheme, secret: str, body: bytes) -> dict[str, str]:
    if scheme is Scheme.STANDARD_WEBHOOKS:
        signed = Signer([parse_secret(secret)]).sign("msg_2", NOW_S, body)
        return {"webhook-id": "msg_2", "webhook-timestamp": str(NOW_S), "webhook-signature": signed}
    signed_part = body if scheme is Scheme.GITHUB else b"%d.%s" % (NOW_S, body)
    mark = hmac.new(secret.encode(), signed_part, hashlib.sha256).hexdigest()
    if scheme is Scheme.GITHUB:
        return {"x-hub-signature-256": f"sha256={mark}"}
    return {"x-signature": f"t={NOW_S},v1={mark}"}


def waits(data: bytes) -> None:
    """A response head: what its ``Retry-After`` makes of the next attempt."""
    headers = parse_head(b"HTTP/1.1 503 x\r\n" + data)
    for now in (None, NOW):
        asked = retry_after(headers, now)
        assert asked is None or 0 <= asked <= MAX_RETRY_AFTER_S
        due = next_attempt(1, (1, 2), NOW, 0.99, asked)
        assert due is not None
        assert 0 < due - NOW <= 1.1 * MAX_RETRY_AFTER_S * 1_000_000


def addresses(data: bytes) -> None:
    """An endpoint URL, an allow rule, and the address in text and in bytes."""
    text = data.decode("utf-8", "surrogateescape")
    wrong = _problem(lambda: check_endpoint_url(text, ENDPOINT_SCHEMES))
    if wrong is not None:
        assert wrong.field == "endpoint_url"
    else:
        place = origin(text)
        assert origin(place) == place, "an origin is not its own origin"
        assert 1 <= int(place.rpartition(":")[2]) <= HIGHEST_PORT
    try:
        parse_allow(text)
    except ConfigurationError:
        pass
    else:
        assert text.isascii()
    _judged(text)
    if len(data) in {4, 16}:
        _consistent(data)


def _judged(text: str) -> None:
    verdict = _GUARD.verdict(text, 443, "https")
    if verdict.allowed:
        assert judge(ip_address(text), 443) == verdict


def _consistent(packed: bytes) -> None:
    """IPv4 inside a wrapper is judged as IPv4, and no other spelling of an address is judged differently."""
    verdict: Verdict = judge(packed, 443)
    assert verdict == judge(ip_address(packed), 443)
    assert verdict.allowed == (verdict.rule in _PUBLIC_NAMES)
    if len(packed) == 4:
        for wrapper in (bytes(10) + b"\xff\xff" + packed, b"\x00\x64\xff\x9b" + bytes(8) + packed):
            assert judge(wrapper, 443).allowed == verdict.allowed
        assert judge(b"\x20\x02" + packed + bytes(10), 443).allowed == verdict.allowed


def _problem(read: Callable[[], object]) -> InvalidInputError | None:
    try:
        read()
    except InvalidInputError as wrong:
        return wrong
    return None


def filters(data: bytes) -> None:
    """A filter and an event, parted by a line feed: compiled, matched and explained."""
    pattern, _, event = data.partition(b"\n")
    try:
        raw = orjson.loads(pattern)
    except orjson.JSONDecodeError:
        return
    wrong = _problem(lambda: read_filter(raw))
    if wrong is not None:
        assert wrong.field.startswith("filter")
        return
    made = read_filter(raw)
    try:
        value = orjson.loads(event)
    except orjson.JSONDecodeError:
        value = {}
    if not isinstance(value, dict):
        return
    try:
        matched = made.matches(value)
        assert (made.refusal(value) is None) == matched
    except FilterTooCostlyError:
        return


TARGETS: dict[str, Target] = {
    "bodies": bodies,
    "signature_headers": signature_headers,
    "waits": waits,
    "addresses": addresses,
    "filters": filters,
}
