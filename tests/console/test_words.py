from __future__ import annotations

from app.console.words import ATTEMPT, CLOSED, DELIVERY, REPLAY, TROUBLE, VERDICT, verdict_state
from app.core.receiver_health import Condition
from app.core.states import AttemptOutcome, CloseReason, DeliveryState
from app.sinks.types import Verdict
from app.store.replays import ReplayState


def test_every_state_has_a_word_of_its_own_and_a_shape() -> None:
    assert set(DELIVERY) == {state.label for state in DeliveryState} | {"retrying"}
    assert set(ATTEMPT) == {outcome.label for outcome in AttemptOutcome}
    assert set(REPLAY) == set(ReplayState)
    assert set(CLOSED) == set(CloseReason)
    assert set(TROUBLE) == set(Condition) - {Condition.HEALTHY}
    for words in (DELIVERY, ATTEMPT, REPLAY):
        assert len({state.word for state in words.values()}) == len(words)
        assert all(state.icon for state in words.values())


def test_what_a_sink_made_of_an_answer_reads_as_in_the_history_and_a_failed_transport_by_its_name() -> None:
    assert set(VERDICT) > set(Verdict)
    assert verdict_state("throttle").word == "Throttled"
    assert verdict_state("connect_timeout").word == "Connect timeout"
