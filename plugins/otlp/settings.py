"""The settings of an OTLP webhook."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

from app.sinks import Binding, HeaderSecret, Hint, Settings


class Encoding(StrEnum):
    """How a request is written."""

    PROTOBUF = "protobuf"
    JSON = "json"


class Body(StrEnum):
    """What the body of a log record is."""

    TEXT = "text"
    """The event's description."""
    EVENT = "event"
    """The whole canonical event, as a JSON text."""


class OtlpConfig(Settings):
    """How log records look."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"encoding": "protobuf"}, {"encoding": "json", "body": "event", "gzip": False}]}
    )

    encoding: Annotated[
        Encoding,
        Hint(title="Written as", help="Some receivers take protobuf only.", group="OTLP", order=1, widget="select"),
    ] = Encoding.PROTOBUF
    body: Annotated[
        Body,
        Hint(
            title="Record body",
            help="text: the description. event: the whole event as JSON text.",
            group="OTLP",
            order=2,
            widget="select",
        ),
    ] = Body.TEXT
    service_name: Annotated[
        str,
        Field(min_length=1, max_length=255),
        Hint(title="Service name", help="The resource attribute service.name.", group="OTLP", order=3),
    ] = "relaypoint"
    gzip: Annotated[bool, Hint(title="Compress requests", group="Advanced", order=1)] = True
    max_events: Annotated[int, Field(ge=1, le=10_000), Hint(title="Records per request", group="Advanced", order=2)] = (
        500
    )
    max_bytes: Annotated[
        int,
        Field(ge=10_000, le=16_000_000),
        Hint(title="Bytes per request", help="Uncompressed; a larger event fails.", group="Advanced", order=3),
    ] = 1_000_000


class OtlpSecrets(Settings):
    """What the receiver wants to see; a key in another header is set among the webhook's own headers."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"bearer_token": "otlp-t0ken-1b9e"}]})

    bearer_token: Annotated[
        HeaderSecret | None,
        Hint(title="Bearer token", help="Sent as Authorization.", group="OTLP", order=4, widget="password"),
    ] = None


OtlpBinding = Binding[OtlpConfig, OtlpSecrets]
