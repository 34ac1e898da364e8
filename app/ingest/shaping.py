"""What plugins may do to an event on its way in: mask more of it, and rate it higher."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from app.core.aliases import text_of
from app.core.clock import Clock, Micros
from app.core.errors import InvalidInputError
from app.core.event import CanonicalEvent, Change
from app.core.masking import MASK, MAX_TEXT, has_mask
from app.core.normalise import MAX_TAGS
from app.routing.hook_faults import HookFaults
from app.routing.hook_guard import GuardedHook, HookFailedError
from app.sinks.manager import SinkManager
from app.sinks.types import Classification, Event

_MAX_TAG = 64
_SENSITIVITIES = range(1, 6)
Step = Callable[[str, str], str]
"""Answers what may be stored of a text at a path."""


class Shaping:
    """The masks and classifiers of all plugins, in the order of their names. False when there are none.

    Args:
        masks: asked about every text of an event.
        classifiers: asked about every event that is rated; RADIUS records are not.
    """

    def __init__(self, masks: Sequence[GuardedHook] = (), classifiers: Sequence[GuardedHook] = ()) -> None:
        self._masks = tuple(masks)
        self._classifiers = tuple(classifiers)

    @classmethod
    def of(cls, sinks: SinkManager, faults: HookFaults, clock: Clock) -> Shaping:
        """That of the loaded plugins."""
        masks, classifiers = (
            [GuardedHook(call, faults, clock) for call in sinks.calls(hook)]
            for hook in ("relaypoint_mask", "relaypoint_classify")
        )
        return cls(masks, classifiers)

    def __bool__(self) -> bool:
        return bool(self._masks or self._classifiers)

    def shaped(self, event: CanonicalEvent, received_at: Micros) -> CanonicalEvent:
        """The event as it may be stored, rated by the plugins too; an organization's own rules come after."""
        for hook in self._masks:
            event = _masked(event, hook)
        if event.sensitivity is not None:
            for hook in self._classifiers:
                event = _classified(event, hook, received_at)
        return event


def _masked(event: CanonicalEvent, hook: GuardedHook) -> CanonicalEvent:
    """Every text as the hook lets it pass. A text that it fails on is masked; all of them, when it does not end."""

    def step(path: str, text: str) -> str:
        try:
            answer = hook.function(path, text)
        except Exception as error:  # noqa: BLE001 - a plugin may raise anything; the text is masked then
            hook.fault(error)
            return MASK
        if isinstance(answer, str) and len(answer) <= MAX_TEXT and _can_be_stored(answer):
            return answer
        hook.fault(TypeError())
        return MASK

    try:
        return hook.run(lambda: _walked(event, step))
    except HookFailedError:
        return _walked(event, lambda _path, _text: MASK)


def _can_be_stored(text: str) -> bool:
    """Whether a text is UTF-8 without NUL, which no database and no JSON refuses."""
    try:
        return b"\0" not in text.encode()
    except UnicodeEncodeError:
        return False


def _walked(event: CanonicalEvent, step: Step) -> CanonicalEvent:
    """A copy with every text passed through a step."""

    def shown(path: str, text: str | None) -> str | None:
        return None if text is None else _text(path, text, step)

    return event._replace(
        organization_name=shown("organization.name", event.organization_name),
        context_name=shown("context.name", event.context_name),
        actor_id=shown("actor.id", event.actor_id),
        actor_email=shown("actor.email", event.actor_email),
        entity_id=shown("entity.id", event.entity_id),
        entity_name=shown("entity.name", event.entity_name),
        description=_text("description", event.description, step),
        changes=tuple([_change(f"changes[{index}]", change, step) for index, change in enumerate(event.changes)]),
        metadata=_tree("metadata", event.metadata, step),
    )


def _change(path: str, change: Change, step: Step) -> Change:
    before, after = (_tree(f"{path}.{side}", change[side], step) for side in ("before", "after"))
    return {
        "field": _text(f"{path}.field", change["field"], step),
        "path": change["path"],
        "before": before,
        "after": after,
        "secret": change["secret"] or has_mask(before) or has_mask(after),
    }


def _tree(path: str, value: Any, step: Step) -> Any:
    if type(value) is str:
        return _text(path, value, step)
    if type(value) is list:
        return [_tree(f"{path}[{index}]", item, step) for index, item in enumerate(value)]
    if type(value) is dict:
        return {key: _tree(f"{path}.{key}", item, step) for key, item in value.items()}
    return value


def _text(path: str, text: str, step: Step) -> str:
    return text if not text or text == MASK else step(path, text)


def _classified(event: CanonicalEvent, hook: GuardedHook, received_at: Micros) -> CanonicalEvent:
    """The event with the hook's word; without it when there is none, or none that can be understood."""
    shown = Event(event.id, event.type, event.to_json(received_at=received_at))
    try:
        answer = hook(shown)
    except HookFailedError:
        return event
    try:
        return event if answer is None else _rated(event, hook.plugin, answer)
    except (InvalidInputError, TypeError) as error:
        hook.fault(error)
        return event


def _rated(event: CanonicalEvent, plugin: str, answer: Any) -> CanonicalEvent:
    """The event with tags added, and its sensitivity raised.

    Raises:
        InvalidInputError: the answer is no proper classification.
    """
    if not isinstance(answer, Classification):
        raise InvalidInputError("the answer is no Classification")
    if answer.sensitivity is not None and answer.sensitivity not in _SENSITIVITIES:
        raise InvalidInputError("the sensitivity is not one of 1 to 5")
    new = {text for tag in answer.tags[:MAX_TAGS] if (text := text_of(tag, _MAX_TAG)) and _can_be_stored(text)}
    new -= set(event.tags)
    room = max(0, MAX_TAGS - len(event.tags))
    event = event._replace(tags=tuple(sorted([*event.tags, *sorted(new)[:room]])))
    if answer.sensitivity is None or answer.sensitivity <= (event.sensitivity or 0):
        return event
    return event._replace(sensitivity=answer.sensitivity, sensitivity_rule=f"plugin {plugin}")
