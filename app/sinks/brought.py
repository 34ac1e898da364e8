"""What one plugin brings: each of its hooks called once, alone, and everything it yields checked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, cast

import pluggy

from app.core.errors import ConfigurationError
from app.core.event_types import find_event_type
from app.sinks.dialects import FilterDialect
from app.sinks.protocol import Sink
from app.sinks.sources import EventSource
from app.sinks.types import PluginEventType
from app.sinks.validity import check_command, check_dialect, check_event_type, check_sink, check_source

if TYPE_CHECKING:
    from click import Command

ThingT = TypeVar("ThingT")


DIALECTS_HOOK = "relaypoint_filter_dialects"
CALLED = ("relaypoint_classify", "relaypoint_mask", "relaypoint_observe")
"""Hooks that are called with what happens, and not once for what they bring."""


@dataclass(frozen=True, slots=True)
class HookCall:
    """A plugin's implementation of a hook that is called with what happens.

    Args:
        plugin: the plugin, exactly (``distribution:name``).
        hook: the hook's name.
        function: takes the hook's arguments in their order.
    """

    plugin: str
    hook: str
    function: Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Brought:
    """The checked things of one plugin. ``hooks`` names the hooks it implements, sorted."""

    hooks: tuple[str, ...]
    calls: tuple[HookCall, ...]
    sinks: tuple[Sink, ...]
    event_types: tuple[PluginEventType, ...]
    sources: tuple[EventSource, ...]
    commands: tuple[Command, ...]
    dialects: tuple[FilterDialect, ...]

    @property
    def titles(self) -> Iterator[str]:
        """What its sinks and sources call themselves."""
        yield from (sink.info.title for sink in self.sinks)
        yield from (source.info.title for source in self.sources)

    @property
    def names(self) -> Iterator[tuple[str, str]]:
        """Every name it takes, each with what is named so: no two plugins may take the same."""
        yield from (("sink", sink.info.name) for sink in self.sinks)
        yield from (("source", source.info.name) for source in self.sources)
        yield from (("dialect", dialect.name) for dialect in self.dialects)
        yield from (("command", command.name or "") for command in self.commands)
        yield from (("event type", event_type.id) for event_type in self.event_types)


def brought_by(module: object, plugin: str, hooks: pluggy.HookRelay) -> Brought:
    """Everything a registered plugin brings.

    Args:
        module: the plugin.
        plugin: its exact name.
        hooks: pluggy's, with the plugin registered.

    Raises:
        ConfigurationError: something of it is refused, it implements no hook, or its hooks yield nothing.
        Exception: whatever the plugin itself raises.
    """
    implemented = _implemented(module, hooks)
    if not implemented:
        raise ConfigurationError("the plugin brings no sink, and no other hook: are its functions marked @hookimpl?")
    event_types = _yielded(implemented, "relaypoint_event_types", check_event_type)
    _refuse_listed(event_types)
    brought = Brought(
        hooks=tuple(sorted(implemented)),
        calls=tuple([_call(plugin, implemented[hook], getattr(hooks, hook)) for hook in CALLED if hook in implemented]),
        sinks=_yielded(implemented, "relaypoint_sinks", check_sink),
        event_types=event_types,
        sources=_yielded(implemented, "relaypoint_sources", check_source),
        commands=_yielded(implemented, "relaypoint_commands", check_command),
        dialects=_yielded(implemented, DIALECTS_HOOK, check_dialect),
    )
    if not list(brought.names) and not brought.calls:
        raise ConfigurationError("the plugin brings no sink, and its other hooks yield nothing either")
    return brought


def _implemented(module: object, hooks: pluggy.HookRelay) -> dict[str, pluggy.HookImpl]:
    """This plugin's hooks alone: pluggy's broadcast would let one plugin's error hide the others."""
    callers: dict[str, pluggy.HookCaller] = vars(hooks)
    return {
        name: implementation
        for name, caller in callers.items()
        for implementation in caller.get_hookimpls()
        if implementation.plugin is module
    }


def _call(plugin: str, implementation: pluggy.HookImpl, caller: pluggy.HookCaller) -> HookCall:
    """The hook with all of its arguments in order, though an implementation may leave out those it does not need."""
    function, named = implementation.function, implementation.argnames
    wanted = caller.spec.argnames if caller.spec is not None else named
    places = [wanted.index(name) for name in named]
    whole = places == list(range(len(wanted)))
    return HookCall(plugin, caller.name, function if whole else lambda *given: function(*[given[at] for at in places]))


def _yielded(
    implemented: dict[str, pluggy.HookImpl], hook: str, check: Callable[[object], ThingT]
) -> tuple[ThingT, ...]:
    implementation = implemented.get(hook)
    if implementation is None:
        return ()
    return tuple([check(one) for one in cast("Iterable[object]", implementation.function())])


def _refuse_listed(event_types: Iterable[PluginEventType]) -> None:
    for event_type in event_types:
        if find_event_type(event_type.id) is not None:
            raise ConfigurationError(f"event type {event_type.id!r} is in the catalogue already")
