"""Suspects: the members of a batch that worker after worker died with, and who of them is sent first.

A batch of 20,000 may hold one event that kills whoever touches it. After two deaths only half of the suspects are sent;
if that worker dies too, the other half is cleared of it, and the next one gets a quarter. So fifteen deaths find one
among 20,000, and every neighbour is delivered on the way.
"""

from __future__ import annotations

from collections.abc import Sequence

from app.delivery.verdict import SUSPECT_AFTER
from app.store.claim import Claimed


def suspects_of(members: Sequence[Claimed]) -> tuple[Claimed, ...]:
    """The members that most workers died with, in ledger order; none while that may be chance."""
    most = max((member.losses for member in members if member.orphan), default=0)
    if most < SUSPECT_AFTER:
        return ()
    return tuple(member for member in members if member.orphan and member.losses == most)


def to_try(suspects: Sequence[Claimed]) -> tuple[Claimed, ...]:
    """The half of the suspects that is sent now, without any of the other members."""
    return tuple(suspects[: (len(suspects) + 1) // 2])


def cleared(member: Claimed) -> Claimed:
    """A member that more workers died without than with: those deaths do not count against it."""
    return member._replace(losses=min(member.losses, int(member.orphan)))
