"""Writes sample events: routine ones dealt by sensitivity, stories between them, in the order of time."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from app.core.clock import SECOND, Micros
from app.demo.cast import DEMO_CONTEXTS, DEMO_ORGANIZATION, SYSTEM, Actor, contexts_for, people_for
from app.demo.catalogue import Action, actions
from app.demo.scenarios import SCENARIOS, Scenario, Step
from app.demo.shapes import Happening, Shape, flat, nested
from app.demo.state import Change, Configuration
from app.demo.times import draw_time, shuffled_moments, start_of
from app.demo.values import random_uuid

DEFAULT_UNTIL: Micros = 1_795_392_000 * SECOND
"""2026-11-23T00:00:00Z. A constant, so that the same arguments make the same events on every day."""

_WEIGHTS = {1: 20, 2: 45, 3: 20, 4: 11, 5: 4}
"""Of a hundred routine events, how many have which sensitivity."""

_EVENTS_PER_SCENARIO = 100
_SYSTEM_SHARE = 0.055
"""Of the changes that a human could make. With those that only the platform makes, 12 % of all are the platform's."""
_NESTED_SHARE = 0.4
_MILLISECOND = 1000

T = TypeVar("T")


@dataclass(slots=True)
class _Story:
    """A scenario on its way, with the changes its steps have made so far."""

    scenario: Scenario
    changes: list[Change]


@dataclass(frozen=True, slots=True)
class _Slot:
    """A moment at which something happens: a routine action, or a step of a story."""

    time: Micros
    action: Action
    story: _Story | None = None
    step: Step | None = None


def generate(
    seed: int,
    count: int,
    shape: Shape | str = Shape.MIXED,
    *,
    organization_id: str = DEMO_ORGANIZATION,
    until: Micros = DEFAULT_UNTIL,
) -> Iterator[dict[str, Any]]:
    """``count`` events in the order of time, the same ones for the same arguments.

    From about a thousand events on, each of the 85 actions and of the stories is among them.

    Args:
        seed: of the random generator.
        count: how many events.
        shape: the envelope.
        organization_id: whose events they are.
        until: no event happens at or after this moment, give or take the milliseconds that keep two events apart.
    """
    rng = random.Random(seed)  # noqa: S311 - sample data must repeat, nobody has to be unable to guess it
    plan = _plan(rng, count, until)
    return _tell(rng, plan, Shape(shape), organization_id)


def _plan(rng: random.Random, count: int, until: Micros) -> list[_Slot]:
    start = start_of(until, count)
    slots = _story_slots(rng, count, start, until)
    decks = {level: _deck([a for a in actions().values() if a.sensitivity == level], rng) for level in _WEIGHTS}
    levels = _deck([level for level, weight in _WEIGHTS.items() for _ in range(weight)], rng)
    for _ in range(count - len(slots)):
        level = next(levels)
        slots.append(_Slot(draw_time(rng, start, until, level), next(decks[level])))
    slots.sort(key=lambda slot: slot.time)
    return slots


def _deck(cards: list[T], rng: random.Random) -> Iterator[T]:
    """Deals shuffled cards for ever, every card once per round."""
    while True:
        rng.shuffle(cards)
        yield from list(cards)


def _story_slots(rng: random.Random, count: int, start: Micros, until: Micros) -> list[_Slot]:
    slots: list[_Slot] = []
    moments = [_moments(rng, scenario, start, until) for scenario in SCENARIOS]
    for number in range(count // _EVENTS_PER_SCENARIO):
        scenario = SCENARIOS[number % len(SCENARIOS)]
        begin = next(moments[number % len(SCENARIOS)], None)
        if begin is None:
            continue
        story = _Story(scenario, [])
        slots += [_Slot(begin + step.after_s * SECOND, actions()[step.action], story, step) for step in scenario.steps]
    return slots


def _moments(rng: random.Random, scenario: Scenario, start: Micros, until: Micros) -> Iterator[Micros]:
    """When the story may begin so that it ends in time, in random order, at most once a day."""
    latest = until - scenario.steps[-1].after_s * SECOND
    return iter(shuffled_moments(rng, start, latest, scenario.weekday, scenario.hour, scenario.minute))


def _tell(rng: random.Random, plan: list[_Slot], shape: Shape, organization_id: str) -> Iterator[dict[str, Any]]:
    configuration = Configuration(rng)
    names = dict(DEMO_CONTEXTS)
    last: Micros = 0
    for slot in plan:
        last = max(slot.time // _MILLISECOND * _MILLISECOND, last + _MILLISECOND)
        event = _happen(rng, configuration, slot, last, organization_id, names)
        if shape is Shape.NESTED or (shape is Shape.MIXED and rng.random() < _NESTED_SHARE):
            yield nested(event)
        else:
            yield flat(event, random_uuid(rng))


def _happen(
    rng: random.Random,
    configuration: Configuration,
    slot: _Slot,
    time: Micros,
    organization_id: str,
    names: dict[str, str],
) -> Happening:
    action = slot.action
    context_id = _context(rng, configuration, slot)
    change = _change(configuration, slot, context_id or organization_id, names)
    taken_back = _taken_back(action, change)
    if action.name == "context.rename" and context_id:
        names[context_id] = change.after
    return Happening(
        time=time,
        action=action,
        told_as=_opposite(action) if taken_back else action.name,
        verb="UPDATE" if taken_back else action.verb,
        actor=_actor(rng, slot),
        organization_id=organization_id,
        context_id=context_id,
        context_name=names[context_id] if context_id else None,
        change=change,
        scenario=slot.story.scenario.name if slot.story else None,
        source_ip=f"192.0.2.{rng.randint(1, 254)}",
    )


def _context(rng: random.Random, configuration: Configuration, slot: _Slot) -> str | None:
    choices = contexts_for(slot.action)
    if not choices:
        return None
    if slot.story:
        return slot.story.scenario.context
    fitting = [context for context in choices if configuration.fits(context, slot.action)]
    return rng.choice(fitting or choices)


def _change(configuration: Configuration, slot: _Slot, place: str, names: Mapping[str, str]) -> Change:
    if slot.action.name == "context.rename":
        home = DEMO_CONTEXTS[place]
        renamed = f"{home} (prod)"
        return Change("context.name", names[place], home if names[place] == renamed else renamed, None)
    story, step = slot.story, slot.step
    if story is None or step is None:
        return configuration.apply(place, slot.action)
    if step.undoes is not None:
        earlier = story.changes[step.undoes]
        change = configuration.apply(place, slot.action, path=earlier.path, after=earlier.before)
    elif step.inside is not None:
        change = configuration.apply(place, slot.action, path=story.changes[step.inside].path + step.path)
    else:
        change = configuration.apply(place, slot.action)
    story.changes.append(change)
    return change


def _actor(rng: random.Random, slot: _Slot) -> Actor:
    if slot.step:
        return slot.step.actor
    people = people_for(slot.action)
    return SYSTEM if rng.random() < _SYSTEM_SHARE and slot.action.verb != "VIEW" else rng.choice(people)


def _taken_back(action: Action, change: Change) -> bool:
    """True if the change goes against what the action's name says: a list got shorter, a switch went back."""
    if action.verb == "ADD" and isinstance(change.before, list):
        return len(change.after) < len(change.before)
    return bool(change.before == action.after and change.before != change.after)


def _opposite(action: Action) -> str:
    """The action that sets the same value the other way, if the catalogue has it; else the name and ``.revert``."""
    for other in actions().values():
        if other.path == action.path and other.before == action.after and other.after == action.before:
            return other.name
    return f"{action.name}.revert"
