"""From the webhooks in reach of an event to what each is owed: a delivery, or the record of why not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.core.clock import Micros
from app.routing.match import RoutedEvent, due_time, skip_reason
from app.store.routes import Route


@dataclass(frozen=True, slots=True)
class Owed:
    """What one event owes.

    Args:
        owes: webhooks that get it, each with the time its delivery is due.
        skips: webhooks in reach that do not, each with the reason.
        partitions: those of the webhooks that get it.
    """

    owes: tuple[tuple[int, Micros], ...]
    skips: tuple[tuple[int, str], ...]
    partitions: frozenset[int]


def owed_by(event: RoutedEvent, routes: Sequence[Route], received_at: Micros) -> Owed:
    """What an event owes to the webhooks in its reach.

    Args:
        event: asked about by the webhooks' own conditions.
        routes: the webhooks whose scope and types it fits.
        received_at: when it came in.
    """
    owes: list[tuple[int, Micros]] = []
    skips: list[tuple[int, str]] = []
    partitions: set[int] = set()
    for route in routes:
        why = skip_reason(route, event) if route.has_conditions else None
        if why is not None:
            skips.append((route.webhook_pk, why))
            continue
        owes.append((route.webhook_pk, due_time(route, received_at)))
        partitions.add(route.partition)
    return Owed(tuple(owes), tuple(skips), frozenset(partitions))
