"""The checks a sink object must pass before the host takes it in."""

from __future__ import annotations

import re

from pydantic import BaseModel

from app.core.errors import ConfigurationError
from app.sinks.protocol import Sink
from app.sinks.types import API_VERSION, PluginEventType, SinkInfo

SINK_NAME = re.compile(r"[a-z][a-z0-9_]{1,31}")
"""A sink's name is a word in the API, in entry points and in environment variables."""


EVENT_TYPE = re.compile(r"[a-z][a-z0-9_]{0,63}(?:\.[a-z0-9_]{1,64}){1,4}")
"""Dotted words, as the vendor's own types are; the first is the service."""


def check_sink(candidate: object) -> Sink:
    """Answers the candidate as a ``Sink``.

    Raises:
        ConfigurationError: it is none, or speaks another plugin API; the message says what to mend.
    """
    info = getattr(candidate, "info", None)
    kind = type(candidate).__name__
    if not isinstance(info, SinkInfo):
        raise ConfigurationError(f"{kind} is not a sink: it has no SinkInfo in `info`")
    if info.api_version != API_VERSION:
        raise ConfigurationError(
            f"sink {info.name!r} speaks plugin API {info.api_version}, this Relaypoint speaks {API_VERSION}"
        )
    if not SINK_NAME.fullmatch(str(info.name)):
        raise ConfigurationError(f"sink name {info.name!r} does not match {SINK_NAME.pattern}")
    if not isinstance(candidate, Sink):
        raise ConfigurationError(f"{kind} is not a sink: it lacks {', '.join(_missing(candidate))}")
    _check_models(candidate)
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


def _missing(candidate: object) -> list[str]:
    wanted = ("config_model", "secrets_model", "limits", "format", "build_request", "classify", "probe", "describe")
    return [name for name in wanted if not hasattr(candidate, name)]


def _check_models(sink: Sink) -> None:
    for name in ("config_model", "secrets_model"):
        model = getattr(sink, name)
        if not isinstance(model, type) or not issubclass(model, BaseModel):
            raise ConfigurationError(f"sink {sink.info.name!r}: {name} is not a pydantic model class")
        if model.model_config.get("extra") != "forbid":
            raise ConfigurationError(f"sink {sink.info.name!r}: {name} must refuse unknown keys (extra='forbid')")
