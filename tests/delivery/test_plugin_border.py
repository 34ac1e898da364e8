"""The border to plugin code: nothing that is not what the protocol promises comes across."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from app.core.errors import ConfigurationError
from app.core.states import DeliveryState
from app.delivery.drain import Drain
from app.delivery.harm import MOST
from app.delivery.plugin_border import PluginFaultError, build_request, checked_limits, classify, format_event
from app.delivery.plugin_watch import PATIENCE, PluginWatch
from app.sinks import (
    Answer,
    Binding,
    Event,
    Item,
    Limits,
    NoSecrets,
    OutboundRequest,
    Outcome,
    Reject,
    Settings,
    Verdict,
)
from app.sinks.bounds import PluginHungError
from app.store.holds import SINK_OUT, resume_returned_sinks
from app.store.plugin_faults import recent_faults
from tests.delivery.odd_sinks import OddSink
from tests.delivery.receiver import Receiver
from tests.world import PLATFORM, World

DELIVERED, PENDING, PARKED = DeliveryState.DELIVERED, DeliveryState.PENDING, DeliveryState.PARKED
BINDING = Binding("wh_1", "hook", "acme", "https://receiver.example/", Settings(), NoSecrets())
EVENT = Event("event-1", "wifi.radio.audit", b"{}")
ITEM = Item("event-1", b"{}")
REQUEST = OutboundRequest("https://receiver.example/", b"{}", (("a", "b"),))
ANSWER = Answer(200, {}, b"")
FINE = Outcome(Verdict.DELIVERED)
ODD: Any = "text"


class Given:
    """Answers, or raises, whatever a test gives it."""

    info = OddSink().info

    def __init__(self, answer: Any) -> None:
        self._given = answer

    def _answer(self, *_arguments: object) -> Any:
        if isinstance(self._given, BaseException):
            raise self._given
        return self._given

    format = build_request = classify = _answer


CALLS: dict[str, Callable[[Any], object]] = {
    "format": lambda sink: format_event(sink, EVENT, BINDING),
    "build": lambda sink: build_request(sink, [ITEM], BINDING),
    "classify": lambda sink: classify(sink, ANSWER, [ITEM], BINDING),
}


@pytest.mark.parametrize(
    ("call", "answer"),
    [
        ("format", ITEM),
        ("format", Reject("event-1", "too odd")),
        ("build", REQUEST),
        ("classify", FINE),
        ("classify", Outcome(Verdict.THROTTLE, "busy", 3)),
        ("classify", Outcome(Verdict.PARTIAL, items=(FINE,))),
    ],
)
def test_what_the_protocol_promises_comes_across(call: str, answer: object) -> None:
    assert CALLS[call](Given(answer)) is answer


@pytest.mark.parametrize(
    ("call", "answer", "words"),
    [
        ("format", None, "format answered NoneType, not Reject"),
        ("format", Item("event-1", ODD), "the body of an Item answered str, not bytes"),
        ("format", RuntimeError("s3cret"), "RuntimeError"),
        ("format", SystemExit("s3cret"), "SystemExit"),
        ("build", [REQUEST], "build_request answered list"),
        ("build", replace(REQUEST, body="text"), "the body of a request answered str"),
        ("build", replace(REQUEST, url=None), "the url of a request answered NoneType"),
        ("build", replace(REQUEST, method=7), "the method of a request answered int"),
        ("build", replace(REQUEST, headers={"a": "b"}), "a header of a request is no pair of texts"),
        ("build", replace(REQUEST, headers=(("a", 1),)), "a header of a request is no pair of texts"),
        ("build", replace(REQUEST, headers=None), "TypeError"),
        ("classify", True, "classify answered bool, not Outcome"),
        ("classify", Outcome(ODD), "the verdict of an Outcome answered str"),
        ("classify", replace(FINE, reason=None), "the reason of an Outcome answered NoneType"),
        ("classify", replace(FINE, retry_after_s="3"), "retry_after_s of an Outcome answered str"),
        ("classify", replace(FINE, retry_after_s=float("nan")), "no finite number"),
        ("classify", Outcome(Verdict.PARTIAL, items=(FINE, ODD)), "classify answered str"),
        ("classify", replace(FINE, items=None), "TypeError"),
    ],
)
def test_anything_else_is_a_fault_that_quotes_no_secret(call: str, answer: object, words: str) -> None:
    with pytest.raises(PluginFaultError) as raised:
        CALLS[call](Given(answer))
    assert words in raised.value.fault.error
    assert "s3cret" not in raised.value.fault.reason
    assert not raised.value.fault.harmful


@pytest.mark.parametrize("error", [PluginHungError("broken off after 5 s"), MemoryError()])
def test_who_hangs_or_eats_memory_harms_its_neighbours(error: Exception) -> None:
    with pytest.raises(PluginFaultError) as raised:
        format_event(Given(error), EVENT, BINDING)
    assert raised.value.fault.harmful


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        (None, "limits answered NoneType"),
        (Limits(max_events=0), "max_events of the limits is 0, and must be 1 or more"),
        (Limits(max_bytes=ODD), "max_bytes of the limits answered str"),
        (Limits(item_overhead=-1), "item_overhead of the limits is -1"),
        (Limits(rate_per_s=0), "rate_per_s of the limits must be above 0"),
    ],
)
def test_limits_that_nothing_can_be_packed_by_are_refused(limits: Any, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        checked_limits(limits)


def test_a_call_is_broken_off_after_as_many_looks_as_it_has_and_no_other() -> None:
    watch = PluginWatch()
    for _ in range(3 * PATIENCE):
        watch.look()
        with watch:
            watch.look()
    with watch:
        for _ in range(PATIENCE):
            watch.look()
        with pytest.raises(PluginHungError):
            watch.look()
        with pytest.raises(PluginHungError):
            watch.look()
    watch.look()


class Interrupted(OddSink):
    """Hangs in one method for one event, until the timer breaks it off."""

    def _maybe_fail(self, method: str, event_ids: Any) -> None:
        if method in self.broken and self.victims & set(event_ids):
            raise PluginHungError("broken off after 5 s")


@pytest.mark.parametrize("mode", ["instant", "batch"])
@pytest.mark.parametrize("method", ["format", "build_request", "classify"])
def test_who_hangs_is_asked_once_and_its_webhook_waits_for_a_person(
    world: World, target: Receiver, drain: Drain, method: str, mode: str
) -> None:
    sink = Interrupted(method, victims=[f"event-{number}" for number in range(3, 21)], limits=Limits(max_events=4))
    world.sinks.put(sink)
    hook = world.add_webhook(target.url, mode=mode, sink="odd", batch={"max_events": 20}, concurrency=1)
    world.send_numbers(*range(1, 21))
    world.deliver(drain)
    shown = world.webhook(hook)
    assert shown["state"] == "paused"
    assert "broken off after 5 s" in shown["state_reason"]
    with world.store.read() as connection:
        (fault,) = recent_faults(connection, world.clock())
    assert (fault.sink, fault.times, fault.webhook_id) == ("odd", 1, hook.id)
    states = world.states(hook)
    assert set(states) <= {DELIVERED, PARKED, PENDING}
    assert PENDING in states, "the others wait where they were"
    assert world.ledger().balanced

    sink.broken.clear()
    world.webhooks.resume(PLATFORM, hook.id)
    world.deliver(drain)
    assert world.states(hook) == [DELIVERED] * 20, "nothing was lost by it"
    assert world.ledger().balanced


def test_after_three_times_in_one_process_a_harmful_sink_is_out_of_service_until_the_next(
    world: World, target: Receiver, drain: Drain, successor: Drain
) -> None:
    sink = Interrupted("format", victims=["event-1"])
    world.sinks.put(sink)
    hurt = [world.add_webhook(target.url, sink="odd", concurrency=1) for _ in range(MOST + 3)]
    beside = world.add_webhook(target.url)
    world.send_numbers(1)
    world.deliver(drain)
    reasons = sorted(str(world.webhook(hook)["state_reason"]).partition(":")[0] for hook in hurt)
    assert reasons == sorted(["sink odd failed to format"] * (MOST - 1) + [SINK_OUT] * 4), reasons
    assert world.states(beside) == [DELIVERED]
    with world.store.read() as connection:
        assert [fault.times for fault in recent_faults(connection, world.clock())] == [MOST]

    sink.broken.clear()
    with world.store.write() as connection:
        resume_returned_sinks(connection, world.sinks.names(), world.clock())
    world.deliver(successor)
    assert [world.states(hook) for hook in hurt].count([DELIVERED]) == 4, "a new process serves them again"
    assert world.ledger().balanced
