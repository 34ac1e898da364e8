"""The plugin API: the only package a plugin may import.

A plugin is a module that an entry point of group ``relaypoint`` names, with one hook in it::

    from app.sinks import hookimpl

    @hookimpl
    def relaypoint_sinks():
        yield MySink()

``docs/hooks.md`` is the hook reference, ``app.sinks.contract`` the tests every sink inherits.
"""

from app.core.endpoint_url import SYSLOG_SCHEMES, SYSLOG_UDP, WEB_SCHEMES, is_syslog, scheme_of
from app.core.written import Written
from app.sinks.addresses import address, beside
from app.sinks.capabilities import ChecksSettings, ChoosesSignatures
from app.sinks.compression import GZIP, gunzip_body, gzip_body
from app.sinks.confirmations import Confirmation, Confirms, OnExpiry, Receipt
from app.sinks.credentials import basic, bearer
from app.sinks.dialects import FilterDialect
from app.sinks.digest import Digest, counted
from app.sinks.hookspecs import hookimpl
from app.sinks.protocol import AnyBinding, Sink
from app.sinks.reading import actor_name, changes, epoch_us, json_text, source_ip, text, text_at, texts
from app.sinks.settings import (
    Address,
    ConsoleUrl,
    DigestLines,
    HeaderSecret,
    Hint,
    NoSecrets,
    PemSecret,
    SensitiveFrom,
    Settings,
    describe_settings,
    event_link,
    sink_schema,
)
from app.sinks.sources import (
    BadDeliveryError,
    EventSource,
    Handshake,
    Inbound,
    SourceInfo,
    same_text,
    signed_with,
)
from app.sinks.statuses import (
    asks_for_less,
    classify_by_status,
    classify_whole,
    halved,
    is_client_error,
    is_redirect,
    is_success,
    retry_after,
    too_large,
)
from app.sinks.story import Changed, Story, tell
from app.sinks.tokens import Token, UsesToken, client_credentials_request, read_token_answer
from app.sinks.types import (
    API_VERSION,
    SYSLOG_METHOD,
    Answer,
    Binding,
    Classification,
    ClientCertificate,
    Event,
    Item,
    Limits,
    ObservedAttempt,
    OutboundRequest,
    Outcome,
    PluginEventType,
    Reject,
    SignatureKind,
    SinkInfo,
    Verdict,
)

__all__ = [
    "API_VERSION",
    "GZIP",
    "SYSLOG_METHOD",
    "SYSLOG_SCHEMES",
    "SYSLOG_UDP",
    "WEB_SCHEMES",
    "Address",
    "Answer",
    "AnyBinding",
    "BadDeliveryError",
    "Binding",
    "Changed",
    "ChecksSettings",
    "ChoosesSignatures",
    "Classification",
    "ClientCertificate",
    "Confirmation",
    "Confirms",
    "ConsoleUrl",
    "Digest",
    "DigestLines",
    "Event",
    "EventSource",
    "FilterDialect",
    "Handshake",
    "HeaderSecret",
    "Hint",
    "Inbound",
    "Item",
    "Limits",
    "NoSecrets",
    "ObservedAttempt",
    "OnExpiry",
    "OutboundRequest",
    "Outcome",
    "PemSecret",
    "PluginEventType",
    "Receipt",
    "Reject",
    "SensitiveFrom",
    "Settings",
    "SignatureKind",
    "Sink",
    "SinkInfo",
    "SourceInfo",
    "Story",
    "Token",
    "UsesToken",
    "Verdict",
    "Written",
    "actor_name",
    "address",
    "asks_for_less",
    "basic",
    "bearer",
    "beside",
    "changes",
    "classify_by_status",
    "classify_whole",
    "client_credentials_request",
    "counted",
    "describe_settings",
    "epoch_us",
    "event_link",
    "gunzip_body",
    "gzip_body",
    "halved",
    "hookimpl",
    "is_client_error",
    "is_redirect",
    "is_success",
    "is_syslog",
    "json_text",
    "read_token_answer",
    "retry_after",
    "same_text",
    "scheme_of",
    "signed_with",
    "sink_schema",
    "source_ip",
    "tell",
    "text",
    "text_at",
    "texts",
    "too_large",
]
