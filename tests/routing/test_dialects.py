"""Filters in a plugin's language: refused with a reason when saved, and passing events when they cannot tell."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from app.core.errors import InvalidInputError
from app.core.filters import DIALECTS, FilterFailedError, FilterUndecidedError, read_any_filter, stored_filter
from app.routing import dialects
from app.routing.dialects import understand_dialects
from app.routing.hook_faults import HookFaults
from app.sinks.brought import HookCall

EVENT = {"description": "Updated firewall", "tags": ["vpn"]}
Teach = Callable[[Any], HookFaults]


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine may take its time."""
    monkeypatch.setattr(dialects, "PATIENCE_S", 10.0)
    monkeypatch.setattr(dialects, "SLOW_S", 10.0)


@pytest.fixture
def teach() -> Iterator[Teach]:
    """Lets a dialect "words" count, with this as its ``compile``."""

    def taught(compile_: Any) -> HookFaults:
        faults = HookFaults(lambda: 0)
        calls = {"words": HookCall("acme:words", "relaypoint_filter_dialects", compile_)}
        sinks: Any = SimpleNamespace(dialects=lambda: calls)
        understand_dialects(sinks, faults, lambda: 0)
        return faults

    yield taught
    DIALECTS.understand({})


def words(expression: str) -> Callable[[Any], bool]:
    if expression == "?":
        raise ValueError("'?' is no word")
    return lambda event: expression in event["description"]


def said(expression: Any = "firewall", **more: Any) -> dict[str, Any]:
    return {"dialect": "words", "expression": expression, **more}


def test_an_expression_judges_events(teach: Teach) -> None:
    faults = teach(words)
    assert [read_any_filter(said(one)).matches(EVENT) for one in ("firewall", "name")] == [True, False]
    assert read_any_filter(said("name")).refusal(EVENT) == ""
    assert faults.counted() == []


def test_a_pattern_is_read_as_ever(teach: Teach) -> None:
    teach(words)
    assert read_any_filter({"tags": ["vpn"]}).matches(EVENT)


@pytest.mark.parametrize(
    ("raw", "field", "detail"),
    [
        (said("?"), "filter.expression", "'\\?' is no word"),
        (said(""), "filter.expression", "1 to 4096 characters"),
        (said("x" * 4097), "filter.expression", "1 to 4096 characters"),
        (said(7), "filter.expression", "1 to 4096 characters"),
        (said(tags=["vpn"]), "filter", "nothing else"),
        ({"dialect": "words"}, "filter", "nothing else"),
        ({"dialect": ["words"], "expression": "x"}, "filter", "nothing else"),
        ({"dialect": "cel", "expression": "x"}, "filter.dialect", "no dialect 'cel'; there are: words"),
    ],
)
def test_a_wrong_filter_is_refused_with_its_place(teach: Teach, raw: Any, field: str, detail: str) -> None:
    teach(words)
    with pytest.raises(InvalidInputError, match=detail) as refused:
        read_any_filter(raw)
    assert refused.value.field == field


def raising(_: Any) -> Any:
    raise RuntimeError("s3cret")


@pytest.mark.parametrize("compile_", [raising, lambda _: None, lambda: None])
def test_a_dialect_that_fails_to_compile_is_named_and_nothing_is_saved(teach: Teach, compile_: Any) -> None:
    faults = teach(compile_)
    with pytest.raises(InvalidInputError, match="plugin failed") as refused:
        read_any_filter(said())
    assert "s3cret" not in str(refused.value)
    assert [kind.plugin for kind, _ in faults.counted()] == ["acme:words"]


@pytest.mark.parametrize("judge", [raising, lambda _: None, lambda _: 1, lambda: True])
def test_a_judgement_that_fails_cannot_tell(teach: Teach, judge: Any) -> None:
    faults = teach(lambda _: judge)
    with pytest.raises(FilterUndecidedError):
        read_any_filter(said()).matches(EVENT)
    assert [kind.plugin for kind, _ in faults.counted()] == ["acme:words"]


def test_a_judgement_that_hangs_is_not_waited_for_and_another_expression_works_on(
    teach: Teach, monkeypatch: pytest.MonkeyPatch
) -> None:
    over = threading.Event()
    teach(lambda expression: (lambda _: over.wait(30)) if expression == "hang" else (lambda _: True))
    other = read_any_filter(said("other"))
    monkeypatch.setattr(dialects, "PATIENCE_S", 0.05)
    with pytest.raises(FilterFailedError):
        read_any_filter(said("hang")).matches(EVENT)
    assert other.matches(EVENT)
    over.set()


def test_what_a_judgement_does_to_the_event_reaches_nobody(teach: Teach) -> None:
    teach(lambda _: lambda event: event.clear() is None)
    event = dict(EVENT)
    assert read_any_filter(said()).matches(event)
    assert event == EVENT


def test_an_expression_is_compiled_once(teach: Teach) -> None:
    compiled: list[str] = []
    teach(lambda expression: compiled.append(expression) or (lambda _: True))
    for _ in range(3):
        read_any_filter(said())
    assert compiled == ["firewall"]


def test_a_stored_filter_whose_dialect_is_gone_cannot_tell(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(FilterUndecidedError):
        stored_filter(said()).matches(EVENT)
    assert [one.message for one in caplog.records] == ["filter cannot be read, its events are delivered"]


def test_a_stored_pattern_that_cannot_be_read_is_an_error() -> None:
    with pytest.raises(InvalidInputError):
        stored_filter({"tags": "vpn"})
