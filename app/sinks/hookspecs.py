"""The hooks a plugin may implement. There are only hooks that the host really calls."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import pluggy

from app.sinks.dialects import FilterDialect
from app.sinks.protocol import Sink
from app.sinks.sources import EventSource
from app.sinks.types import Classification, Event, ObservedAttempt, PluginEventType

if TYPE_CHECKING:
    from click import Command

PROJECT = "relaypoint"
"""pluggy's project name, the entry-point group, and the prefix of every hook."""

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


class RelaypointSpecs:
    """The hook specifications of plugin API version 1."""

    @hookspec
    def relaypoint_sinks(self) -> Iterable[Sink]:
        """The kinds of receiver this plugin brings.

        Called once per process, when the application starts, before any event is delivered. It takes no parameters
        and must not do I/O. Afterwards the host calls the returned objects directly, by ``info.name``.

        Returns:
            Any iterable of ``Sink`` objects; a generator is fine. Every name must be new: a second sink of the same
            name is refused, and a built-in is replaced only by disabling it first. A sink that names another
            ``api_version`` is refused.

        If it raises, or yields one sink that is refused, the whole plugin is left out and shown in ``failed_plugins``
        with the reason; every other plugin works on. Webhooks whose sink is missing are parked, not failed.

        Example::

            @hookimpl
            def relaypoint_sinks():
                yield PagerSink()

        Since: plugin API version 1.
        """
        return ()

    @hookspec
    def relaypoint_event_types(self) -> Iterable[PluginEventType]:
        """Event types that sources of this plugin's kind send, for the catalogue.

        Called once per process, when the application starts. It takes no parameters and must not do I/O. The catalogue
        is no fence: events of other types are accepted, stored and delivered all the same. A listed type has a title in
        forms and pages before its first event.

        Returns:
            Any iterable of ``PluginEventType``. A type that the catalogue or another plugin lists already is refused.

        If it raises, or yields something that is refused, the whole plugin is left out and shown in ``failed_plugins``.

        Example::

            @hookimpl
            def relaypoint_event_types():
                yield PluginEventType("wifi.radio.audit", "Radio configuration changed")

        Since: plugin API version 1.
        """
        return ()

    @hookspec
    def relaypoint_sources(self) -> Iterable[EventSource]:
        """The kinds of foreign system whose requests this plugin understands.

        Called once per process, when the application starts. It takes no parameters and must not do I/O. Afterwards the
        host calls the returned objects directly, by ``info.name``, for each request to the address of such a source.

        Returns:
            Any iterable of ``EventSource`` objects. Every name must be new among the sources.

        If it raises, or yields one source that is refused, the whole plugin is left out and shown in
        ``failed_plugins``. Requests to its sources are then answered 503, so that their senders try again.

        Example::

            @hookimpl
            def relaypoint_sources():
                yield DoorSource()

        Since: plugin API version 1.
        """
        return ()

    @hookspec
    def relaypoint_classify(self, event: Event) -> Classification | None:
        """Tags for an event, or a higher sensitivity, beyond what the built-in rules say.

        Called for every event that is accepted, after it was normalised, rated and masked and before it is stored, on a
        thread of its own; not for RADIUS records, which nothing rates. An organization's own sensitivity rules come
        afterwards and have the last word.

        Args:
            event: the canonical event; read-only.

        Returns:
            A ``Classification``, or None to say nothing.

        If it raises, answers anything else or takes too long, the event is accepted without its word.

        Example::

            @hookimpl
            def relaypoint_classify(event):
                if event.data["actor"]["email"] == "breakglass@example.com":
                    return Classification(tags=("break_glass",), sensitivity=5)

        Since: plugin API version 1.
        """
        del event
        return None

    @hookspec
    def relaypoint_mask(self, path: str, text: str) -> str:
        """What may be stored of one text of an event, beyond the built-in masking.

        Called for every text of every event that is accepted, before anything of it is stored, rated again or sent, on
        a thread of its own. Ids that scope or route the event, keys, numbers and booleans are not asked about.

        Args:
            path: where it stands, such as ``actor.email`` or ``changes[0].after.users[2]``.
            text: the text, already masked by the built-in rules.

        Returns:
            The text as it may be stored.

        If it raises, answers anything but a text or takes too long, the whole text is masked.

        Example::

            @hookimpl
            def relaypoint_mask(path, text):
                return "***" if path == "actor.email" else text

        Since: plugin API version 1.
        """
        del path
        return text

    @hookspec
    def relaypoint_observe(self, attempts: Sequence[ObservedAttempt]) -> None:
        """What was tried, after it was recorded: for counters, dashboards and alarms of one's own.

        Called in worker processes with each recorded group, on a thread of its own for each plugin, so that it may
        take its time and do I/O. A plugin that cannot keep up misses groups; deliveries never wait for it.

        Args:
            attempts: the attempts of one group, in no order.

        If it raises, the next group is handed over all the same.

        Example::

            @hookimpl
            def relaypoint_observe(attempts):
                for attempt in attempts:
                    OUTCOMES.labels(attempt.sink, attempt.outcome).inc()

        Since: plugin API version 1.
        """

    @hookspec
    def relaypoint_filter_dialects(self) -> Iterable[FilterDialect]:
        """Languages in which people can write filters of webhooks, beside the built-in patterns.

        Called once per process, when the application starts. It takes no parameters and must not do I/O. Afterwards
        the host lets a dialect compile an expression when a filter is saved or read, and asks the result about events.

        Returns:
            Any iterable of ``FilterDialect`` objects with new names.

        If it raises, or yields one that is refused, the whole plugin is left out; filters in its dialects then let
        every event pass. So does a filter whose judgement raises, takes too long or is neither True nor False.

        Example::

            @hookimpl
            def relaypoint_filter_dialects():
                yield WordDialect()

        Since: plugin API version 1.
        """
        return ()

    @hookspec
    def relaypoint_commands(self) -> Iterable[Command]:
        """Commands beside the built-in ones: ``relaypoint <name>``.

        Called once per process, when plugins are loaded. It takes no parameters and must not do I/O.

        Returns:
            Any iterable of click commands or groups with new names. A built-in command cannot be replaced: one of its
            name is not offered.

        If it raises, or yields one that is refused, the whole plugin is left out and shown in ``failed_plugins``.

        Example::

            @hookimpl
            def relaypoint_commands():
                yield inventory

        Since: plugin API version 1.
        """
        return ()
