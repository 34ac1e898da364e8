"""The checks that what a plugin brings must pass before the host takes it in."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pydantic import BaseModel

from app.core.errors import ConfigurationError
from app.sinks.dialects import FilterDialect
from app.sinks.protocol import Sink
from app.sinks.sources import EventSource, SourceInfo
from app.sinks.types import API_VERSION, PluginEventType, SinkInfo

if TYPE_CHECKING:
    from click import Command

SINK_NAME = re.compile(r"[a-z][a-z0-9_]{1,31}")
"""A name of a sink or a source is a word in the API, in entry points and in environment variables."""

EVENT_TYPE = re.compile(r"[a-z][a-z0-9_]{0,63}(?:\.[a-z0-9_]{1,64}){1,4}")
"""Dotted words, as the vendor's own types are; the first is the service."""


_COMMAND_NAME = re.compile(r"[a-z][a-z0-9-]{1,31}")


def check_sink(candidate: object) -> Sink:
    """Answers the candidate as a ``Sink``.

    Raises:
        ConfigurationError: it is none, or speaks another plugin API; the message says what to mend.
    """
    info = getattr(candidate, "info", None)
    kind = type(candidate).__name__
    if not isinstance(info, SinkInfo):
        raise ConfigurationError(f"{kind} is not a sink: it has no SinkInfo in `info`")
    _check_info("sink", info)
    if not isinstance(candidate, Sink):
        raise ConfigurationError(f"{kind} is not a sink: it lacks {_missing(candidate, _SINK_MEMBERS)}")
    for model in ("config_model", "secrets_model"):
        _check_model("sink", info, model, getattr(candidate, model))
    return candidate


def check_source(candidate: object) -> EventSource:
    """Answers the candidate as an ``EventSource``.

    Raises:
        ConfigurationError: it is none, or speaks another plugin API; the message says what to mend.
    """
    info = getattr(candidate, "info", None)
    kind = type(candidate).__name__
    if not isinstance(info, SourceInfo):
        raise ConfigurationError(f"{kind} is not a source: it has no SourceInfo in `info`")
    _check_info("source", info)
    if not isinstance(candidate, EventSource):
        raise ConfigurationError(f"{kind} is not a source: it lacks {_missing(candidate, _SOURCE_MEMBERS)}")
    _check_model("source", info, "config_model", candidate.config_model)
    return candidate


def check_event_type(candidate: object) -> PluginEventType:
    """Answers the candidate as a ``PluginEventType``.

    Raises:
        ConfigurationError: it is none, or its id is no event type.
    """
    if not isinstance(candidate, PluginEventType):
        raise ConfigurationError(f"{type(candidate).__name__} is not a PluginEventType")
    if not EVENT_TYPE.fullmatch(str(candidate.id)):
        raise ConfigurationError(f"event type {candidate.id!r} does not match {EVENT_TYPE.pattern}")
    if not str(candidate.title).strip():
        raise ConfigurationError(f"event type {candidate.id!r} has no title")
    return candidate


def check_dialect(candidate: object) -> FilterDialect:
    """Answers the candidate as a ``FilterDialect``.

    Raises:
        ConfigurationError: it is none, or has a name that it cannot have.
    """
    if not isinstance(candidate, FilterDialect):
        raise ConfigurationError(
            f"{type(candidate).__name__} is not a filter dialect: it lacks {_missing(candidate, _DIALECT_MEMBERS)}"
        )
    if not SINK_NAME.fullmatch(str(candidate.name)):
        raise ConfigurationError(f"dialect name {candidate.name!r} does not match {SINK_NAME.pattern}")
    return candidate


def check_command(candidate: object) -> Command:
    """Answers the candidate as a command.

    Raises:
        ConfigurationError: it is none, or has a name that it cannot have.
    """
    from click import Command  # noqa: PLC0415 - only a plugin that brings commands needs it here

    if not isinstance(candidate, Command):
        raise ConfigurationError(f"{type(candidate).__name__} is not a click command")
    if not _COMMAND_NAME.fullmatch(str(candidate.name)):
        raise ConfigurationError(f"command name {candidate.name!r} does not match {_COMMAND_NAME.pattern}")
    return candidate


_SINK_MEMBERS = ("config_model", "secrets_model", "limits", "format", "build_request", "classify", "probe", "describe")
_DIALECT_MEMBERS = ("name", "title", "compile")
_SOURCE_MEMBERS = ("config_model", "verify", "handshake", "delivery_id", "events")


def _missing(candidate: object, members: Sequence[str]) -> str:
    return ", ".join(name for name in members if not hasattr(candidate, name))


def _check_info(word: str, info: SinkInfo | SourceInfo) -> None:
    if info.api_version != API_VERSION:
        raise ConfigurationError(
            f"{word} {info.name!r} speaks plugin API {info.api_version}, this Relaypoint speaks {API_VERSION}"
        )
    if not SINK_NAME.fullmatch(str(info.name)):
        raise ConfigurationError(f"{word} name {info.name!r} does not match {SINK_NAME.pattern}")


def _check_model(word: str, info: SinkInfo | SourceInfo, name: str, model: object) -> None:
    if not isinstance(model, type) or not issubclass(model, BaseModel):
        raise ConfigurationError(f"{word} {info.name!r}: {name} is not a pydantic model class")
    if model.model_config.get("extra") != "forbid":
        raise ConfigurationError(f"{word} {info.name!r}: {name} must refuse unknown keys (extra='forbid')")
