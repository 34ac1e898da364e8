"""Isolation: a request that is refused whole is sent again in halves, until the event at fault stands alone.

With one such event among 20,000 that takes about thirty requests, and every neighbour is delivered. A receiver that
refuses everything must not get forty thousand: each refusal costs patience, each success gives some back, and where the
patience ends the rest is tried again by the schedule. One half goes at a time, so that the first success or the first
single event comes soon, however many events are at fault; while all is well, two more start for each that lands.
"""

from __future__ import annotations

from app.sinks.types import Outcome, Verdict

PATIENCE = 40
"""Refusals in a row that a batch is worth: more than twice the halvings that lead to one event of 20,000."""
_REGAINED = 4
_REFUSALS = frozenset({Verdict.REJECT, Verdict.SPLIT})
_SUCCESSES = frozenset({Verdict.DELIVERED, Verdict.ACCEPTED_UNCONFIRMED, Verdict.PARTIAL})


def patience_after(patience: int, outcome: Outcome, item_count: int) -> int:
    """What is left of a batch's patience after an answer. A request that was only too large costs nothing."""
    if outcome.verdict in _SUCCESSES:
        return min(PATIENCE, patience + _REGAINED)
    costs = outcome.verdict is Verdict.REJECT or (outcome.verdict is Verdict.SPLIT and item_count == 1)
    return patience - 1 if costs else patience


def wants_halves(outcome: Outcome, item_count: int, patience: int) -> bool:
    """Whether a refused request is to be sent again in two."""
    return outcome.verdict in _REFUSALS and item_count > 1 and patience > 0


def halves_to_release(patience: int) -> int:
    """How many halves that stand aside go to the queue as another one lands."""
    return 2 if patience >= PATIENCE else 1


def without_patience(outcome: Outcome, item_count: int) -> Outcome:
    """The outcome of a refused request that is not halved: its good events must not fail with the bad ones."""
    if outcome.verdict in _REFUSALS and item_count > 1:
        return Outcome(Verdict.RETRY, f"{outcome.reason}; too many refusals to find out which events are at fault")
    return outcome
