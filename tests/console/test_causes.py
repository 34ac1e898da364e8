"""Why an attempt was made and when the next one will be, in words."""

from __future__ import annotations

from typing import Any

import pytest

from app.console.causes import Coming, coming, timeline
from app.core.clock import SECOND, Micros, to_rfc3339
from app.core.states import AttemptCause, AttemptOutcome, DeliveryState
from app.delivery.delivery_list import DeliveryRow
from app.delivery.history import AttemptView, GotResponse, SentRequest

NOW: Micros = 1_776_782_400 * SECOND
LATER = NOW + 60 * SECOND


def attempt(n: int, cause: AttemptCause, message_id: str = "dlv_a", asked: str = "") -> AttemptView:
    request = SentRequest("POST", "https://example.com/", (), b"")
    headers = (("Retry-After", asked),) if asked else ()
    response = GotResponse(503, headers, b"", truncated=False)
    return AttemptView(
        n, cause, NOW, 1, AttemptOutcome.RETRY, message_id, request, response, False, None, None, None, None, {}
    )


def row(cause: AttemptCause, at: Micros | None = LATER) -> DeliveryRow:
    state = DeliveryState.PENDING
    return DeliveryRow("wh_a", 1, "evt", "type", state, 1, at, None, None, NOW, cause if at else None)


def webhook(state: str = "enabled", health: str = "healthy", held: Micros | None = None, **more: Any) -> dict[str, Any]:
    shown = {"state": health, "next_probe_at": None if held is None else to_rfc3339(held)}
    return {"state": state, "type": "instant", "health": shown, **more}


@pytest.mark.parametrize("cause", AttemptCause)
def test_every_cause_has_words_and_a_shape(cause: AttemptCause) -> None:
    made = next(timeline([attempt(1, cause)]))
    assert made.cause.icon
    assert "{" not in made.cause.word
    told = coming(row(cause), webhook(), [], NOW)
    assert told is not None
    assert told.why
    assert "{" not in told.why


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("30", "asked to wait 30 s (Retry-After)"),
        ("Thu, 01 Jan 2026 00:02:00 GMT", "to wait (R"),
        ("9" * 99, "wait (R"),
    ],
)
def test_a_wait_that_the_receiver_named_in_seconds_is_repeated(asked: str, words: str) -> None:
    _, second = timeline([attempt(1, AttemptCause.FIRST, asked=asked), attempt(2, AttemptCause.RETRY_AFTER)])
    assert words in second.cause.word


def test_an_attempt_tells_whether_its_message_id_was_sent_before() -> None:
    first, second, third = timeline(
        [
            attempt(1, AttemptCause.FIRST, "bat_a"),
            attempt(2, AttemptCause.SCHEDULE, "bat_a"),
            attempt(3, AttemptCause.BY_HAND, "bat_b"),
        ]
    )
    assert [first.repeats, second.repeats, third.repeats] == [False, True, False]


@pytest.mark.parametrize(
    ("told_of", "expected"),
    [
        (webhook(), Coming(LATER, "by the retry schedule of the webhook")),
        (webhook("paused"), Coming(None, "the webhook is paused; this delivery waits until it is resumed")),
        (
            webhook(health="throttled", held=LATER),
            Coming(
                LATER,
                "the receiver asked for fewer requests, so the whole webhook is held back until then",
                earliest=True,
            ),
        ),
        (webhook(health="failing", held=NOW), Coming(LATER, "by the retry schedule of the webhook")),
    ],
)
def test_a_stopped_or_held_webhook_decides_before_the_deliverys_own_time(
    told_of: dict[str, Any], expected: Coming
) -> None:
    assert coming(row(AttemptCause.SCHEDULE), told_of, [], NOW) == expected


def test_what_is_due_goes_out_next_and_what_has_ended_never() -> None:
    assert coming(row(AttemptCause.FIRST, NOW), webhook(), [], NOW) == Coming(NOW, "it is due and goes out next")
    assert coming(row(AttemptCause.FIRST, None), webhook(), [], NOW) is None


def test_a_buffered_delivery_waits_for_its_batch() -> None:
    told = coming(row(AttemptCause.FIRST), webhook(type="batch"), [], NOW)
    assert told == Coming(LATER, "its batch closes then at the latest")
