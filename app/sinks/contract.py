"""The tests every sink must pass. Inherit ``SinkContract`` and provide the fixtures ``sink`` and ``binding``.

::

    class TestPager(SinkContract):
        @pytest.fixture
        def sink(self) -> Sink:
            return PagerSink()

        @pytest.fixture
        def binding(self) -> AnyBinding:
            secrets = PagerSecrets(key=SecretStr("s3cret"))
            return Binding("wh_1", "Pager", "org", "https://pager.example/in", PagerConfig(), secrets)

This module needs pytest and is imported by tests only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from urllib.parse import urlsplit

import orjson
import pytest
from pydantic import SecretStr, ValidationError

from app.core.endpoint_url import WEB_SCHEMES, is_syslog, scheme_of
from app.sinks.compression import GZIP, gunzip_body
from app.sinks.protocol import AnyBinding, Sink
from app.sinks.samples import odd_events, sample_event
from app.sinks.settings import sink_schema
from app.sinks.types import SYSLOG_METHOD, Answer, Event, Item, Limits, OutboundRequest, Outcome, Reject, Verdict
from app.sinks.validity import SINK_NAME, check_sink

_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_HEADER_VALUE = re.compile(r"[\x20-\x7e]*")
_HOST_HEADERS = {"content-length", "host", "transfer-encoding", "user-agent"}
_STATUSES = (200, 204, 301, 400, 401, 404, 408, 410, 413, 429, 500, 503)
_NEVER_SUCCESS = {301, 400, 401, 404, 408, 410, 413, 429, 500, 503}
_JUNK = (b"", b"not json", b"<html>sign in</html>", b"\xff\xfe\x00", b"[]", b"null", b"7", b'{"code":"x"}', b"[" * 2000)
_FILLER = "f" * 100_000


def secret_values(binding: AnyBinding) -> list[str]:
    """The secrets of a binding, in the clear."""
    values = [getattr(binding.secrets, name) for name in type(binding.secrets).model_fields]
    return [value.get_secret_value() for value in values if isinstance(value, SecretStr)]


def both_modes(binding: AnyBinding) -> tuple[AnyBinding, AnyBinding]:
    """The binding in instant mode and in batch mode."""
    return replace(binding, batch=False), replace(binding, batch=True)


def plain_body(request: OutboundRequest) -> bytes:
    """The body before compression, which is what limits count."""
    return gunzip_body(request.body) if GZIP in request.headers else request.body


def formatted(sink: Sink, events: Sequence[Event], binding: AnyBinding) -> list[Item]:
    """The items that the host would pack: neither rejected by the sink nor over its item limit."""
    limit = sink.limits(binding).max_item_bytes
    shapes = [sink.format(event, binding) for event in events]
    return [shape for shape in shapes if isinstance(shape, Item) and len(shape.body) <= limit]


def packs(items: Sequence[Item], limits: Limits) -> Iterator[list[Item]]:
    """The items in requests, filled as the host fills them."""
    pack: list[Item] = []
    size = limits.request_overhead
    for item in items:
        cost = len(item.body) + limits.item_overhead
        if pack and (len(pack) >= limits.max_events or size + cost > limits.max_bytes):
            yield pack
            pack, size = [], limits.request_overhead
        pack.append(item)
        size += cost
    if pack:
        yield pack


def _check_headers(request: OutboundRequest, binding: AnyBinding) -> None:
    for name, value in request.headers:
        assert _HEADER_NAME.fullmatch(name), f"header name {name!r} is not a token"
        assert _HEADER_VALUE.fullmatch(value), f"the value of {name!r} holds a control or non-ASCII character"
        assert name.lower() not in _HOST_HEADERS, f"{name!r} is the host's to set"
        assert not name.lower().startswith("webhook-"), f"{name!r} is the host's to set"
        if any(secret in value for secret in secret_values(binding)):
            assert name.lower() in request.secret_headers, f"{name!r} holds a secret; name it in secret_headers"
    assert all(name == name.lower() for name in request.secret_headers), "secret_headers are lower case"


def _check_target(request: OutboundRequest) -> None:
    if is_syslog(request.url):
        assert request.method == SYSLOG_METHOD, "history shows bytes for syslog under SYSLOG_METHOD"
        assert not request.headers, "syslog carries no headers"
        return
    assert scheme_of(request.url) in WEB_SCHEMES
    assert "content-type" in {name.lower() for name, _ in request.headers}


def _check_body(request: OutboundRequest, binding: AnyBinding) -> None:
    shown = plain_body(replace(request, body=request.shown_body))
    for secret in secret_values(binding):
        assert secret.encode() not in shown, "the body holds a secret; name it in secret_texts"


def _outcomes(outcome: Outcome) -> list[Outcome]:
    return [outcome, *outcome.items]


class SinkContract:
    """Inherit this and define the fixtures ``sink`` and ``binding``; ``binding`` should carry every secret set."""

    def test_the_host_accepts_the_sink(self, sink: Sink) -> None:
        """It satisfies the protocol, and its name and title can be shown."""
        assert check_sink(sink) is sink
        assert SINK_NAME.fullmatch(sink.info.name)
        assert sink.info.title
        assert sink.info.description

    def test_unknown_settings_are_refused(self, sink: Sink) -> None:
        """A typing mistake in a setting must not be ignored."""
        for model in (sink.config_model, sink.secrets_model):
            with pytest.raises(ValidationError) as caught:
                model.model_validate({"no_such_setting": 1})
            assert "extra_forbidden" in {error["type"] for error in caught.value.errors()}

    def test_settings_have_a_schema_with_titles(self, sink: Sink) -> None:
        """The form can be drawn."""
        schema = orjson.loads(orjson.dumps(sink_schema(sink)))
        for part in ("config", "secrets"):
            for name, field in schema[part].get("properties", {}).items():
                assert field.get("title"), f"{part}.{name} has no title"

    def test_secrets_are_secret_types_and_masked(self, sink: Sink, binding: AnyBinding) -> None:
        """Neither repr nor describe shows a secret."""
        for name in type(binding.secrets).model_fields:
            value = getattr(binding.secrets, name)
            assert value is None or isinstance(value, SecretStr), f"secret {name!r} must be a SecretStr"
        shown = repr(binding) + repr(binding.secrets) + orjson.dumps(sink.describe(binding)).decode()
        assert not [secret for secret in secret_values(binding) if secret in shown]

    @pytest.mark.parametrize("kind", list(odd_events()))
    def test_format_is_deterministic_and_keeps_the_event_id(self, sink: Sink, binding: AnyBinding, kind: str) -> None:
        """The same event gives the same bytes; a rejection says why."""
        for mode in both_modes(binding):
            first = sink.format(odd_events()[kind], mode)
            assert first == sink.format(odd_events()[kind], mode)
            assert first.event_id == odd_events()[kind].id
            assert not isinstance(first, Reject) or first.reason

    @pytest.mark.parametrize("kind", list(odd_events()))
    def test_one_event_makes_one_valid_request(self, sink: Sink, binding: AnyBinding, kind: str) -> None:
        """Any event the sink takes can be sent, whatever text it holds."""
        for mode in both_modes(binding):
            for item in formatted(sink, [odd_events()[kind]], mode):
                request = sink.build_request([item], mode)
                assert request == sink.build_request([item], mode)
                assert len(plain_body(request)) <= sink.limits(mode).max_bytes
                _check_target(request)
                _check_headers(request, mode)
                _check_body(request, mode)

    def test_many_events_stay_within_the_limits(self, sink: Sink, binding: AnyBinding) -> None:
        """Packed full by the sink's own limits, no body is over them: by size, and by number."""
        for mode in both_modes(binding):
            limits = sink.limits(mode)
            filling = min(limits.max_events, limits.max_bytes // len(_FILLER)) + 1
            large = [sample_event(f"evt_{n}", description=_FILLER) for n in range(filling)]
            small = [sample_event(f"evt_{n}") for n in range(min(limits.max_events, 1000) + 1)]
            for events in (large, small):
                for pack in packs(formatted(sink, events, mode), limits):
                    request = sink.build_request(pack, mode)
                    assert len(plain_body(request)) <= limits.max_bytes
                    _check_headers(request, mode)

    @pytest.mark.parametrize("status", _STATUSES)
    def test_every_answer_is_read(self, sink: Sink, binding: AnyBinding, status: int) -> None:
        """Any status with any body gives a sound Outcome; a failure is never read as delivered."""
        for count in (1, 3):
            items = [Item(f"evt_{n}", b"{}") for n in range(count)]
            for body in _JUNK:
                outcome = sink.classify(Answer(status, {}, body), items, binding)
                assert isinstance(outcome, Outcome)
                assert (len(outcome.items) == count) == (outcome.verdict is Verdict.PARTIAL)
                assert all(item.verdict is not Verdict.PARTIAL for item in outcome.items)
                success = outcome.verdict in {Verdict.DELIVERED, Verdict.ACCEPTED_UNCONFIRMED}
                assert success or outcome.reason, "a failure needs a reason"
                assert not (success and status in _NEVER_SUCCESS)

    def test_retry_after_is_honoured(self, sink: Sink, binding: AnyBinding) -> None:
        """429 with Retry-After waits at least that long; 410 never retries by itself."""
        items = [Item("evt_1", b"{}")]
        outcome = sink.classify(Answer(429, {"retry-after": "7"}, b""), items, binding)
        assert outcome.verdict in {Verdict.THROTTLE, Verdict.RETRY}
        assert outcome.retry_after_s == pytest.approx(7)
        gone = sink.classify(Answer(410, {}, b""), items, binding)
        assert gone.verdict in {Verdict.SINK_BROKEN, Verdict.REJECT}

    def test_no_secret_is_repeated_in_a_reason(self, sink: Sink, binding: AnyBinding) -> None:
        """A receiver that echoes the credentials must not bring them into the history's reasons."""
        items = [Item("evt_1", b"{}")]
        for secret in secret_values(binding):
            body = orjson.dumps({"text": secret, "error": secret, "message": secret, "code": 4})
            for status in _STATUSES:
                answer = Answer(status, {"location": f"https://x.example/{secret}", "retry-after": secret}, body)
                outcome = sink.classify(answer, items, binding)
                assert not [one for one in _outcomes(outcome) if secret in one.reason]

    def test_a_secret_address_stays_in_the_address(self, sink: Sink, binding: AnyBinding) -> None:
        """Where the URL is the credential, neither the body nor the settings for people repeat it."""
        path = urlsplit(binding.endpoint_url).path
        if sink.info.secret_url and len(path) > 1:
            item = formatted(sink, [sample_event("evt_1")], binding)[0]
            request = sink.build_request([item], binding)
            assert path.encode() not in plain_body(request)
            assert path not in orjson.dumps(sink.describe(binding)).decode()
            assert not [value for _, value in request.headers if path in value]

    def test_the_probe_is_a_valid_request_or_none(self, sink: Sink, binding: AnyBinding) -> None:
        """A probe carries no event, and its headers are as clean as any."""
        request = sink.probe(binding)
        if request is not None:
            assert scheme_of(request.url) in WEB_SCHEMES
            _check_headers(request, binding)

    def test_threads_may_share_the_sink(self, sink: Sink, binding: AnyBinding) -> None:
        """The sink keeps no state between calls."""
        events = [sample_event(f"evt_{n}") for n in range(20)]

        def bodies(_: int) -> list[bytes]:
            return [sink.build_request([item], binding).body for item in formatted(sink, events, binding)]

        with ThreadPoolExecutor(4) as pool:
            results = list(pool.map(bodies, range(8)))
        assert all(result == results[0] for result in results)
