"""Finds plugins, loads each on its own, and keeps what they brought.

pluggy's own loader stops at the first broken package and hides a second plugin of the same name, so the entry points
are walked here, one by one.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import pluggy

from app.core.errors import ConfigurationError
from app.sinks.bounds import PLUGIN_RAISES, ends_within, takes_at_most
from app.sinks.brought import DIALECTS_HOOK, Brought, HookCall, brought_by
from app.sinks.discovery import Candidate, Source, discover
from app.sinks.hookspecs import PROJECT, RelaypointSpecs
from app.sinks.protocol import Sink
from app.sinks.sources import EventSource
from app.sinks.types import PluginEventType

if TYPE_CHECKING:
    from click import Command

LOAD_S = 10.0
"""How long one plugin may take to load: to be imported, and to bring what it has."""
LOAD_BYTES = 1024 * 1024 * 1024
"""How much memory it may take meanwhile."""


@dataclass(frozen=True, slots=True)
class LoadedPlugin:
    """A plugin that works. ``name`` is its entry point, ``title`` what its sinks and sources call themselves."""

    name: str
    distribution: str
    version: str
    title: str
    sinks: tuple[str, ...]
    sources: tuple[str, ...]
    hooks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FailedPlugin:
    """A plugin that was left out, and why. ``name`` is "" when its distribution's entry points cannot be read."""

    name: str
    distribution: str
    version: str
    error: str


class SinkManager:
    """The sinks of one application. Make one per application; there is no global.

    Args:
        disabled: plugins not to load, by entry-point name (``webhook``) or exactly (``relaypoint:webhook``).
        enabled: if given, the only plugins to load, written the same way.
        strict: raise the first failure instead of recording it, for tests and CI.
    """

    def __init__(
        self, *, disabled: Collection[str] = (), enabled: Collection[str] | None = None, strict: bool = False
    ) -> None:
        self._disabled = frozenset(disabled)
        self._enabled = None if enabled is None else frozenset(enabled)
        self._strict = strict
        self._hooks = pluggy.PluginManager(PROJECT)
        self._hooks.add_hookspecs(RelaypointSpecs)
        self._sinks: dict[str, Sink] = {}
        self._sources: dict[str, EventSource] = {}
        self._event_types: dict[str, PluginEventType] = {}
        self._calls: list[HookCall] = []
        self._commands: dict[str, Command] = {}
        self._dialects: dict[str, HookCall] = {}
        self._dialect_titles: dict[str, str] = {}
        self._owners: dict[tuple[str, str], str] = {}
        self._loaded: list[LoadedPlugin] = []
        self._failed: list[FailedPlugin] = []
        self._blocked: list[str] = []

    @classmethod
    def loaded(
        cls,
        *,
        disabled: Collection[str] = (),
        enabled: Collection[str] | None = None,
        strict: bool = False,
        built_in: bool = True,
    ) -> Self:
        """A manager with everything installed already loaded; without ``built_in``, only what others made."""
        manager = cls(disabled=disabled, enabled=enabled, strict=strict)
        manager.load(built_in=built_in)
        return manager

    @property
    def failed_plugins(self) -> tuple[FailedPlugin, ...]:
        """The plugins that were left out, in the order they were tried."""
        return tuple(self._failed)

    @property
    def blocked_plugins(self) -> tuple[str, ...]:
        """The plugins the operator switched off, as ``distribution:name``."""
        return tuple(self._blocked)

    def load(self, *, built_in: bool = True) -> None:
        """Loads every installed plugin. Built-ins come first, so that nobody takes a built-in's name.

        Args:
            built_in: False leaves them out.

        Raises:
            Exception: only in strict mode, whatever the first broken plugin raised.
        """
        candidates, damaged = discover()
        for candidate in candidates:
            if not built_in and candidate.source.distribution == PROJECT:
                continue
            if self._is_blocked(candidate):
                self._blocked.append(candidate.exact_name)
                continue
            try:
                with ends_within(LOAD_S), takes_at_most(LOAD_BYTES):
                    self._load_one(candidate)
            except PLUGIN_RAISES as error:
                self._fail(candidate.entry.name, candidate.source, error)
        for one in damaged:
            self._fail("", one.source, one.error)

    def get(self, name: str) -> Sink | None:
        """The sink of that name, or None when no loaded plugin brings it."""
        return self._sinks.get(name)

    def names(self) -> list[str]:
        """The names of all sinks, sorted."""
        return sorted(self._sinks)

    def source(self, name: str) -> EventSource | None:
        """The source of that name, or None when no loaded plugin brings it."""
        return self._sources.get(name)

    def source_names(self) -> list[str]:
        """The names of all sources, sorted."""
        return sorted(self._sources)

    def event_types(self) -> list[PluginEventType]:
        """The event types that plugins add to the catalogue, sorted by id."""
        return [self._event_types[name] for name in sorted(self._event_types)]

    def calls(self, hook: str) -> tuple[HookCall, ...]:
        """What plugins want to be called with, of one hook, sorted by plugin; empty as long as none is installed."""
        return tuple(sorted((call for call in self._calls if call.hook == hook), key=lambda call: call.plugin))

    def dialects(self) -> dict[str, HookCall]:
        """The filter dialects by name, each with what compiles its expressions."""
        return dict(sorted(self._dialects.items()))

    def dialect_titles(self) -> dict[str, str]:
        """What the filter dialects call themselves, by name."""
        return dict(sorted(self._dialect_titles.items()))

    def commands(self) -> dict[str, Command]:
        """The commands that plugins bring, by name."""
        return dict(sorted(self._commands.items()))

    def plugins(self) -> list[LoadedPlugin]:
        """The loaded plugins, sorted by name."""
        return sorted(self._loaded, key=lambda plugin: (plugin.name, plugin.distribution))

    def check_pending(self) -> None:
        """Makes sure that every loaded hook implementation has a specification.

        Raises:
            pluggy.PluginValidationError: a plugin implements a hook that does not exist.
        """
        self._hooks.check_pending()

    def _is_blocked(self, candidate: Candidate) -> bool:
        names = {candidate.entry.name, candidate.exact_name}
        return bool(names & self._disabled) or (self._enabled is not None and not names & self._enabled)

    def _fail(self, name: str, source: Source, error: BaseException) -> None:
        if self._strict:
            raise error
        text = f"{type(error).__name__}: {error}"
        self._failed.append(FailedPlugin(name, source.distribution, source.version, text))

    def _load_one(self, candidate: Candidate) -> None:
        module = candidate.entry.load()
        self._hooks.register(module, candidate.exact_name)
        try:
            self._hooks.check_pending()
            brought = brought_by(module, candidate.exact_name, self._hooks.hook)
            self._refuse_taken(brought, candidate)
        except PLUGIN_RAISES:
            self._hooks.unregister(name=candidate.exact_name)
            raise
        self._accept(brought, candidate)

    def _refuse_taken(self, brought: Brought, candidate: Candidate) -> None:
        names = list(brought.names)
        for kind, name in names:
            if names.count((kind, name)) > 1:
                raise ConfigurationError(f"plugin {candidate.exact_name} brings two {kind}s named {name!r}")
            owner = self._owners.get((kind, name))
            if owner is not None:
                raise ConfigurationError(
                    f"{kind} name {name!r} of {candidate.source.label} is taken by {owner}; disable one of them"
                )

    def _accept(self, brought: Brought, candidate: Candidate) -> None:
        source = candidate.source
        self._owners |= dict.fromkeys(brought.names, source.label)
        self._sinks |= {sink.info.name: sink for sink in brought.sinks}
        self._calls += brought.calls
        self._dialects |= {
            one.name: HookCall(candidate.exact_name, DIALECTS_HOOK, one.compile) for one in brought.dialects
        }
        self._dialect_titles |= {one.name: one.title for one in brought.dialects}
        self._commands |= {command.name or "": command for command in brought.commands}
        self._sources |= {one.info.name: one for one in brought.sources}
        self._event_types |= {one.id: one for one in brought.event_types}
        self._loaded.append(
            LoadedPlugin(
                name=candidate.entry.name,
                distribution=source.distribution,
                version=source.version,
                title=", ".join(brought.titles) or candidate.entry.name,
                sinks=tuple(sorted(sink.info.name for sink in brought.sinks)),
                sources=tuple(sorted(one.info.name for one in brought.sources)),
                hooks=brought.hooks,
            )
        )
