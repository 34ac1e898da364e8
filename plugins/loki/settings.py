"""The settings of a Loki webhook."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field, SecretStr, model_validator

from app.sinks import Binding, HeaderSecret, Hint, Settings, Written

MAX_LABELS = 15
"""Loki refuses a stream with more labels than this by default."""

LabelName = Annotated[str, Written(r"^[a-zA-Z_][a-zA-Z0-9_]{0,99}$", "the name of a label: letters, digits and _")]
LabelValue = Annotated[str, Field(min_length=1, max_length=200)]


class EventLabel(StrEnum):
    """Parts of an event that have few values and so may be labels."""

    SERVICE = "service"
    ORGANIZATION = "organization"
    CONTEXT = "context"
    EVENT_TYPE = "event_type"
    ACTION = "action"


class Stamp(StrEnum):
    """Which of an event's times is the line's time."""

    OCCURRED = "occurred"
    RECEIVED = "received"
    """For backfills: Loki refuses lines that are older than a week."""


class LokiConfig(Settings):
    """Which streams the lines go to."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"labels": {"app": "relaypoint", "env": "prod"}, "tenant": "audit"},
                {"event_labels": ["organization"], "timestamp": "received", "basic_user": "12345", "gzip": False},
            ]
        }
    )

    labels: Annotated[
        dict[LabelName, LabelValue],
        Field(max_length=MAX_LABELS - len(EventLabel)),
        Hint(title="Labels", help="The same for every line.", group="Loki", order=1),
    ] = {"app": "relaypoint"}  # noqa: RUF012 - pydantic copies defaults
    event_labels: Annotated[
        tuple[EventLabel, ...],
        Field(max_length=len(EventLabel)),
        Hint(title="Labels from the event", help="Each value makes a stream: choose few.", group="Loki", order=2),
    ] = (EventLabel.SERVICE,)
    timestamp: Annotated[
        Stamp,
        Hint(
            title="Time of a line",
            help="received: when Relaypoint got the event; Loki refuses lines older than a week.",
            group="Loki",
            order=3,
            widget="select",
        ),
    ] = Stamp.OCCURRED
    tenant: Annotated[
        str,
        Written(r"^[A-Za-z0-9!_.*'()\-]{0,150}$", "letters, digits and !_.*'()-, at most 150"),
        Hint(title="Tenant", help="X-Scope-OrgID; empty for a single-tenant Loki.", group="Loki", order=4),
    ] = ""
    basic_user: Annotated[
        str,
        Field(max_length=255),
        Written(r"^[^:\x00-\x1f]*$", "a name without colons and control characters"),
        Hint(title="User name", help="Grafana Cloud: the number of the Loki user.", group="Authorization", order=1),
    ] = ""
    gzip: Annotated[bool, Hint(title="Compress requests", group="Advanced", order=1)] = True
    max_line_bytes: Annotated[
        int,
        Field(ge=10_000, le=2_000_000),
        Hint(title="Bytes per line", help="Your Loki's max_line_size; a larger event fails.", group="Advanced"),
    ] = 256_000


class LokiSecrets(Settings):
    """A password for the user name, or a token. A Loki of your own may need neither."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"basic_password": "glc_eyJvIjoiMTIzNDU2In0"}]})

    basic_password: Annotated[
        SecretStr | None,
        Field(max_length=1000),
        Hint(title="Password", help="Or the access token.", group="Authorization", order=2, widget="password"),
    ] = None
    bearer_token: Annotated[
        HeaderSecret | None, Hint(title="Bearer token", group="Authorization", order=3, widget="password")
    ] = None

    @model_validator(mode="after")
    def _one_authorization(self) -> LokiSecrets:
        if self.basic_password is not None and self.bearer_token is not None:
            raise ValueError("set basic_password or bearer_token, not both")
        return self


LokiBinding = Binding[LokiConfig, LokiSecrets]
