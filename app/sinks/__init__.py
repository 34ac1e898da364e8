"""The plugin API: the only package a sink plugin may import.

A plugin is a module that an entry point of group ``relaypoint`` names, with one hook in it::

    from app.sinks import hookimpl

    @hookimpl
    def relaypoint_sinks():
        yield MySink()

``docs/hooks.md`` is the hook reference, ``app.sinks.contract`` the tests every sink inherits.
"""

from app.sinks.hookspecs import hookimpl
from app.sinks.protocol import AnyBinding, Sink
from app.sinks.settings import HeaderSecret, Hint, NoSecrets, Settings, describe_settings, sink_schema
from app.sinks.statuses import classify_by_status, is_client_error, is_redirect, is_success, retry_after, too_large
from app.sinks.types import (
    API_VERSION,
    Answer,
    Binding,
    Event,
    Item,
    Limits,
    OutboundRequest,
    Outcome,
    Reject,
    SinkInfo,
    Verdict,
)

__all__ = [
    "API_VERSION",
    "Answer",
    "AnyBinding",
    "Binding",
    "Event",
    "HeaderSecret",
    "Hint",
    "Item",
    "Limits",
    "NoSecrets",
    "OutboundRequest",
    "Outcome",
    "Reject",
    "Settings",
    "Sink",
    "SinkInfo",
    "Verdict",
    "classify_by_status",
    "describe_settings",
    "hookimpl",
    "is_client_error",
    "is_redirect",
    "is_success",
    "retry_after",
    "sink_schema",
    "too_large",
]
