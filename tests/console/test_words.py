from __future__ import annotations

from app.console.words import ATTEMPT, CLOSED, DELIVERY, REPLAY, TROUBLE
from app.core.receiver_health import Condition
from app.core.states import AttemptOutcome, CloseReason, DeliveryState
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
