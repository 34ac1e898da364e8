"""Finds plugins, loads each on its own, and keeps what they brought.

pluggy's own loader stops at the first broken package and hides a second plugin of the same name, so the entry points
are walked here, one by one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Self, cast

import pluggy

from app.core.errors import ConfigurationError
from app.core.event_types import find_event_type
from app.sinks.discovery import Candidate, Source, discover
from app.sinks.hookspecs import PROJECT, RelaypointSpecs
from app.sinks.protocol import Sink
from app.sinks.types import PluginEventType
from app.sinks.validity import check_event_type, check_sink


@dataclass(frozen=True, slots=True)
class LoadedPlugin:
    """A plugin that works. ``name`` is its entry point, ``title`` what its sinks call themselves."""

    name: str
    distribution: str
    version: str
    title: str
    sinks: tuple[str, ...]


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
        self._event_types: dict[str, PluginEventType] = {}
        self._owners: dict[str, str] = {}
        self._loaded: list[LoadedPlugin] = []
        self._failed: list[FailedPlugin] = []
        self._blocked: list[str] = []

    @classmethod
    def loaded(
        cls, *, disabled: Collection[str] = (), enabled: Collection[str] | None = None, strict: bool = False
    ) -> Self:
        """A manager with everything installed already loaded."""
        manager = cls(disabled=disabled, enabled=enabled, strict=strict)
        manager.load()
        return manager

    @property
    def failed_plugins(self) -> tuple[FailedPlugin, ...]:
        """The plugins that were left out, in the order they were tried."""
        return tuple(self._failed)

    @property
    def blocked_plugins(self) -> tuple[str, ...]:
        """The plugins the operator switched off, as ``distribution:name``."""
        return tuple(self._blocked)

    def load(self) -> None:
        """Loads every installed plugin. Built-ins come first, so that nobody takes a built-in's name.

        Raises:
            Exception: only in strict mode, whatever the first broken plugin raised.
        """
        candidates, damaged = discover()
        for candidate in candidates:
            if self._is_blocked(candidate):
                self._blocked.append(candidate.exact_name)
                continue
            try:
                self._load_one(candidate)
            except Exception as error:  # noqa: BLE001 - a plugin may raise anything; only it is left out
                self._fail(candidate.entry.name, candidate.source, error)
        for one in damaged:
            self._fail("", one.source, one.error)

    def get(self, name: str) -> Sink | None:
        """The sink of that name, or None when no loaded plugin brings it."""
        return self._sinks.get(name)

    def names(self) -> list[str]:
        """The names of all sinks, sorted."""
        return sorted(self._sinks)

    def event_types(self) -> list[PluginEventType]:
        """The event types that plugins add to the catalogue, sorted by id."""
        return [self._event_types[name] for name in sorted(self._event_types)]

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

    def _fail(self, name: str, source: Source, error: Exception) -> None:
        if self._strict:
            raise error
        text = f"{type(error).__name__}: {error}"
        self._failed.append(FailedPlugin(name, source.distribution, source.version, text))

    def _load_one(self, candidate: Candidate) -> None:
        exact = candidate.exact_name
        module = candidate.entry.load()
        self._hooks.register(module, exact)
        try:
            self._hooks.check_pending()
            sinks = [check_sink(one) for one in self._brought(self._hooks.hook.relaypoint_sinks, module)]
            for sink in sinks:
                self._refuse_duplicate(sink, candidate, [other.info.name for other in sinks])
            event_types = self._listed(module)
            _refuse_nothing(sinks, event_types)
        except Exception:
            self._hooks.unregister(name=exact)
            raise
        self._event_types |= event_types
        self._accept(sinks, candidate)

    def _brought(self, hook: pluggy.HookCaller, module: object) -> list[object]:
        """Calls this plugin's hook alone: pluggy's broadcast would let one plugin's error hide the others."""
        found: list[object] = []
        for implementation in hook.get_hookimpls():
            if implementation.plugin is module:
                found.extend(cast("Iterable[object]", implementation.function()))
        return found

    def _listed(self, module: object) -> dict[str, PluginEventType]:
        """The event types of one plugin, each new and well formed."""
        found: dict[str, PluginEventType] = {}
        for one in self._brought(self._hooks.hook.relaypoint_event_types, module):
            checked = check_event_type(one)
            if find_event_type(checked.id) is not None or checked.id in self._event_types or checked.id in found:
                raise ConfigurationError(f"event type {checked.id!r} is in the catalogue already")
            found[checked.id] = checked
        return found

    def _refuse_duplicate(self, sink: Sink, candidate: Candidate, siblings: list[str]) -> None:
        name = sink.info.name
        if siblings.count(name) > 1:
            raise ConfigurationError(f"plugin {candidate.exact_name} brings two sinks named {name!r}")
        if name in self._owners:
            raise ConfigurationError(
                f"sink name {name!r} of {candidate.source.label} is taken by {self._owners[name]}; disable one of them"
            )

    def _accept(self, sinks: list[Sink], candidate: Candidate) -> None:
        source = candidate.source
        for sink in sinks:
            self._sinks[sink.info.name] = sink
            self._owners[sink.info.name] = source.label
        title = ", ".join(sink.info.title for sink in sinks) or candidate.entry.name
        names = tuple(sorted(sink.info.name for sink in sinks))
        self._loaded.append(LoadedPlugin(candidate.entry.name, source.distribution, source.version, title, names))


def _refuse_nothing(sinks: Collection[Sink], event_types: Collection[str]) -> None:
    if not sinks and not event_types:
        hint = "are its functions marked with @hookimpl?"
        raise ConfigurationError(f"the plugin brings no sink and no event type: {hint}")
