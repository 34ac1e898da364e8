"""Checks of the bytes a sink makes."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from json import JSONDecoder
from urllib.parse import urlsplit

import orjson

from app.core.endpoint_url import is_syslog
from app.sinks.kit.hostile import hostile_events
from app.sinks.kit.subject import Subject, expect, plain_body, secret_values, shown_body
from app.sinks.protocol import AnyBinding
from app.sinks.samples import odd_events, sample_event
from app.sinks.types import SYSLOG_METHOD, Event, Item, OutboundRequest, Reject

_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_HEADER_VALUE = re.compile(r"[\x20-\x7e]*")
_HOST_HEADERS = frozenset({"content-length", "host", "transfer-encoding", "user-agent"})
_FILLER = "f" * 100_000
_MANY = 1000
_THREADS = 4
_SPACE = re.compile(r"\s*")


def formatting_is_deterministic(subject: Subject) -> None:
    """The same event gives the same bytes under its own id; a rejection says why."""
    for binding in subject.modes():
        for kind, event in odd_events().items():
            first = subject.sink.format(event, binding)
            expect(first == subject.sink.format(odd_events()[kind], binding), f"the {kind} event has changing bytes")
            expect(first.event_id == event.id, f"the {kind} event lost its id")
            expect(not isinstance(first, Reject) or first.reason, f"the {kind} event is rejected without a reason")


def odd_events_make_valid_requests(subject: Subject) -> None:
    """Empty, unicode, huge, nested and null events: what the sink takes can be sent."""
    for binding in subject.modes():
        for kind, event in odd_events().items():
            _check_event(subject, event, binding, f"the {kind} event")


def hostile_fields_stay_inside(subject: Subject) -> None:
    """Property test: no text of an event breaks its format, its line, its header or its document."""
    for binding in subject.modes():
        for event in hostile_events():
            _check_event(subject, event, binding, event.id)


def limits_hold_when_full(subject: Subject) -> None:
    """Packed by the sink's own limits, by size and by number, no body is over them."""
    for binding in subject.modes():
        limits = subject.sink.limits(binding)
        large_count = min(limits.max_events, limits.max_bytes // len(_FILLER)) + 1
        large = [sample_event(f"evt_{n}", description=_FILLER) for n in range(large_count)]
        small = [sample_event(f"evt_{n}") for n in range(min(limits.max_events, _MANY) + 1)]
        for events in (large, small):
            for request in subject.requests(events, binding):
                _check_size(request, limits.max_bytes)
                check_headers(request, binding)


def limits_hold_at_the_edge(subject: Subject) -> None:
    """An event of exactly the largest size fits, alone and with one more; a byte more is over the limit."""
    for binding in subject.modes():
        limits = subject.sink.limits(binding)
        for beyond in (-1, 0, 1):
            event = _event_of_size(subject, binding, limits.max_item_bytes + beyond)
            if event is None:
                continue
            items = subject.items([event], binding)
            expect(len(items) == (beyond <= 0), "an event over the item limit would be sent")
            for request in subject.requests([sample_event("evt_small"), event, sample_event("evt_last")], binding):
                _check_size(request, limits.max_bytes)


def secrets_stay_hidden(subject: Subject) -> None:
    """Headers and bodies that hold a secret are declared, so that history masks them."""
    for binding in subject.modes():
        for request in subject.requests([sample_event("evt_1")], binding):
            check_headers(request, binding)
            check_body(request, binding)


def a_secret_address_stays_in_the_address(subject: Subject) -> None:
    """Where the URL is the credential, neither body, headers nor the settings for people repeat it."""
    for binding in subject.bindings:
        path = urlsplit(binding.endpoint_url).path
        if not subject.sink.info.secret_url or len(path) <= 1:
            continue
        shown = orjson.dumps(subject.sink.describe(binding)).decode()
        for request in subject.requests([sample_event("evt_1")], binding):
            told = shown + plain_body(request).decode(errors="replace") + str(request.headers)
            expect(path not in told, "the secret part of the address is repeated")


def the_id_travels_along(subject: Subject) -> None:
    """A retry is the same request; where the sink says that the event's id is in it, it is, for every single event."""
    events = [sample_event(f"evt_unique{n}") for n in range(3)]
    place = subject.sink.info.idempotency
    for binding in subject.modes():
        expect(subject.requests(events, binding) == subject.requests(events, binding), "a retry is another request")
        if not place or binding.batch:
            continue
        for event in events:
            told = b"".join(plain_body(one) + str(one.headers).encode() for one in subject.requests([event], binding))
            expect(event.id.encode() in told, f"the event's id is promised at {place!r} and is not in the request")


def threads_may_share_it(subject: Subject) -> None:
    """The sink keeps no state between calls."""
    events = [sample_event(f"evt_{n}") for n in range(20)]
    for binding in subject.bindings:

        def bodies(_: int, binding: AnyBinding = binding) -> list[bytes]:
            items = subject.items(events, binding)
            return [subject.sink.build_request([item], binding).body for item in items]

        with ThreadPoolExecutor(_THREADS) as pool:
            results = list(pool.map(bodies, range(2 * _THREADS)))
        expect(all(one == other for one, other in pairwise(results)), "threads get different bytes")


def the_probe_is_harmless(subject: Subject) -> None:
    """A probe is a valid request that carries no event, or there is none."""
    for binding in subject.bindings:
        request = subject.sink.probe(binding)
        if request is not None:
            expect(request.url.startswith(prefixes(subject)), "the probe goes to an address of another scheme")
            check_headers(request, binding)
            check_body(request, binding)


def check_headers(request: OutboundRequest, binding: AnyBinding) -> None:
    """Header lines are clean, leave the host's own to the host, and name those that hold a secret."""
    for name, value in request.headers:
        expect(_HEADER_NAME.fullmatch(name), f"header name {name!r} is not a token")
        expect(_HEADER_VALUE.fullmatch(value), f"the value of {name!r} holds a control or non-ASCII character")
        expect(name.lower() not in _HOST_HEADERS, f"{name!r} is the host's to set")
        expect(not name.lower().startswith("webhook-"), f"{name!r} is the host's to set")
        if any(secret in value for secret in secret_values(binding)):
            expect(name.lower() in request.secret_headers, f"{name!r} holds a secret; name it in secret_headers")
    expect(all(name == name.lower() for name in request.secret_headers), "secret_headers are lower case")


def check_body(request: OutboundRequest, binding: AnyBinding) -> None:
    """The body as history keeps it holds no secret."""
    shown = shown_body(request)
    for secret in secret_values(binding):
        expect(secret.encode() not in shown, "the body holds a secret; name it in secret_texts")


def _check_size(request: OutboundRequest, limit: int) -> None:
    size = len(plain_body(request))
    expect(size <= limit, f"a body of {size} bytes is over the sink's own limit of {limit}")


def _check_event(subject: Subject, event: Event, binding: AnyBinding, name: str) -> None:
    sink = subject.sink
    for item in subject.items([event], binding):
        request = sink.build_request([item], binding)
        again = sink.build_request([Item(item.event_id, item.body)], binding)
        expect(request == again, f"{name}: the same items make another request")
        _check_size(request, sink.limits(binding).max_bytes)
        expect(request.url.startswith(prefixes(subject)), f"{name}: the request goes to an address of another scheme")
        check_headers(request, binding)
        check_body(request, binding)
        _check_content(request, name)


def _check_content(request: OutboundRequest, name: str) -> None:
    """What calls itself JSON is JSON: documents one after another, or one to a line. Syslog has no headers."""
    if is_syslog(request.url):
        expect(request.method == SYSLOG_METHOD, f"{name}: history shows bytes for syslog under SYSLOG_METHOD")
        expect(not request.headers, f"{name}: syslog carries no headers")
        return
    kinds = [value for header, value in request.headers if header.lower() == "content-type"]
    expect(len(kinds) == 1, f"{name}: a request needs one content-type")
    kind = kinds[0].partition(";")[0].strip().lower()
    if kind == "application/x-ndjson":
        body = plain_body(request)
        expect(body.endswith(b"\n"), f"{name}: the last line is not ended")
        expect(all(_is_json(line) for line in body.splitlines()), f"{name}: a line is no JSON")
    elif kind.endswith("json"):
        expect(_are_documents(plain_body(request)), f"{name}: the body is no JSON")


def _is_json(text: bytes) -> bool:
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True


def _are_documents(body: bytes) -> bool:
    if _is_json(body):
        return True
    decoder = JSONDecoder()
    try:
        text = body.decode()
        place = 0
        while place < len(text):
            _, place = decoder.raw_decode(text, place)
            spaces = _SPACE.match(text, place)
            place = spaces.end() if spaces else place
    except ValueError:
        return False
    return bool(body)


def _event_of_size(subject: Subject, binding: AnyBinding, size: int) -> Event | None:
    """An event whose item has exactly that many bytes; None where the sink's items do not grow with the text."""
    probe = [subject.sink.format(sample_event(description="x" * n), binding) for n in (1, 1001)]
    lengths = [len(one.body) for one in probe if isinstance(one, Item)]
    step, rest = divmod(lengths[-1] - lengths[0], 1000) if len(lengths) == len(probe) else (0, 0)
    if step < 1 or rest:
        return None
    for letters in range((size - lengths[0]) // step - 1, (size - lengths[0]) // step + 3):
        event = sample_event(description="x" * max(0, letters))
        made = subject.sink.format(event, binding)
        if isinstance(made, Item) and len(made.body) == size:
            return event
    return None


def prefixes(subject: Subject) -> tuple[str, ...]:
    """How the addresses begin that a sink may send to."""
    return tuple(f"{scheme}://" for scheme in subject.sink.info.schemes)
