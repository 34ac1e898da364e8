"""The contract kit itself: it must fail for sinks that are wrong."""

# ruff: noqa: ARG002 - the faulty sinks keep the signatures of the protocol

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import count
from typing import Any

import orjson
import pytest
from pydantic import SecretStr

from app.sinks import Answer, AnyBinding, Binding, Event, Item, Limits, OutboundRequest, Outcome, Verdict
from app.sinks.contract import SinkContract
from plugins.splunk_hec import SplunkConfig, SplunkHecSink, SplunkSecrets

TOKEN = "11111111-2222-3333-4444-555555555555"
BINDING: AnyBinding = Binding(
    "wh_1", "n", "o", "https://x.example/s3cret", SplunkConfig(), SplunkSecrets(token=SecretStr(TOKEN))
)
KIT = SinkContract()


class Leaky(SplunkHecSink):
    def describe(self, binding: AnyBinding) -> dict[str, Any]:
        return {"token": binding.secrets.token.get_secret_value()}


class Unsteady(SplunkHecSink):
    numbers = count()

    def format(self, event: Event, binding: AnyBinding) -> Item:
        return Item(event.id, b"%d" % next(self.numbers))


class Oversized(SplunkHecSink):
    def limits(self, binding: AnyBinding) -> Limits:
        return Limits(max_events=1000, max_bytes=300_000, max_item_bytes=300_000, item_overhead=-500)


class Careless(SplunkHecSink):
    def build_request(self, items: Sequence[Item], binding: AnyBinding) -> OutboundRequest:
        good = super().build_request(items, binding)
        return OutboundRequest(good.url, good.body, good.headers)


class Blabbing(SplunkHecSink):
    def build_request(self, items: Sequence[Item], binding: AnyBinding) -> OutboundRequest:
        body = orjson.dumps({"key": binding.secrets.token.get_secret_value()})
        return OutboundRequest(binding.endpoint_url, body, (("content-type", "application/json"),))


class Echoing(SplunkHecSink):
    info = replace(SplunkHecSink.info, secret_url=True)

    def describe(self, binding: AnyBinding) -> dict[str, Any]:
        return {"endpoint_url": binding.endpoint_url}


class Injectable(SplunkHecSink):
    def build_request(self, items: Sequence[Item], binding: AnyBinding) -> OutboundRequest:
        headers = (("content-type", "application/json"), ("x-id", items[0].event_id + "\r\nx-evil: 1"))
        return OutboundRequest(binding.endpoint_url, items[0].body, headers)


class Optimist(SplunkHecSink):
    def classify(self, answer: Answer, items: Sequence[Item], binding: AnyBinding) -> Outcome:
        return Outcome(Verdict.DELIVERED)


class Miscounting(SplunkHecSink):
    def classify(self, answer: Answer, items: Sequence[Item], binding: AnyBinding) -> Outcome:
        return Outcome(Verdict.PARTIAL, "some", items=(Outcome(Verdict.DELIVERED),) * 2)


class Parrot(SplunkHecSink):
    def classify(self, answer: Answer, items: Sequence[Item], binding: AnyBinding) -> Outcome:
        return Outcome(Verdict.RETRY, answer.body.decode(errors="replace"))


MUTANTS: list[tuple[SplunkHecSink, Callable[..., None], tuple[Any, ...]]] = [
    (Leaky(), KIT.test_secrets_are_secret_types_and_masked, ()),
    (Unsteady(), KIT.test_format_is_deterministic_and_keeps_the_event_id, ("plain",)),
    (Unsteady(), KIT.test_threads_may_share_the_sink, ()),
    (Oversized(), KIT.test_many_events_stay_within_the_limits, ()),
    (Careless(), KIT.test_one_event_makes_one_valid_request, ("plain",)),
    (Blabbing(), KIT.test_one_event_makes_one_valid_request, ("plain",)),
    (Echoing(), KIT.test_a_secret_address_stays_in_the_address, ()),
    (Injectable(), KIT.test_one_event_makes_one_valid_request, ("plain",)),
    (Optimist(), KIT.test_every_answer_is_read, (500,)),
    (Optimist(), KIT.test_retry_after_is_honoured, ()),
    (Miscounting(), KIT.test_every_answer_is_read, (400,)),
    (Parrot(), KIT.test_no_secret_is_repeated_in_a_reason, ()),
]


@pytest.mark.parametrize(
    ("sink", "check", "rest"), MUTANTS, ids=[f"{type(one).__name__}-{check.__name__}" for one, check, _ in MUTANTS]
)
def test_the_kit_catches(sink: SplunkHecSink, check: Callable[..., None], rest: tuple[Any, ...]) -> None:
    check(SplunkHecSink(), BINDING, *rest)
    with pytest.raises(AssertionError):
        check(sink, BINDING, *rest)
