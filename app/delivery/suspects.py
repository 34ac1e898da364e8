"""Suspects: the members of a batch that worker after worker died with, and who of them is sent first.

A batch of 20,000 may hold one event that kills whoever touches it. After five deaths only half of the suspects are
sent; if that worker dies too, the other half is cleared of it, and the next one gets a quarter. So twenty deaths find
one among 20,000, and every neighbour is delivered on the way. Not before the fifth: until then the batch goes out again
as it was, under the id that its receiver may have seen.
"""

from __future__ import annotations

from collections.abc import Sequence

from app.delivery.verdict import MOST_LOSSES
from app.store.claim import Claimed


def suspects_of(members: Sequence[Claimed]) -> tuple[Claimed, ...]:
    """The members that most workers died with, in ledger order; none while that may be chance."""
    most = max((member.losses for member in members if member.orphan), default=0)
    if most < MOST_LOSSES:
        return ()
    return tuple(member for member in members if member.orphan and member.losses == most)


def to_try(suspects: Sequence[Claimed]) -> tuple[Claimed, ...]:
    """The half of the suspects that is sent now, without any of the other members."""
    return tuple(suspects[: (len(suspects) + 1) // 2])


def cleared(member: Claimed) -> Claimed:
    """A member that more workers died without than with: those deaths do not count against it."""
    return member._replace(losses=min(member.losses, int(member.orphan)))
