"""The settings of a webhook of this sink."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

from app.sinks import Binding, HeaderSecret, Hint, Settings


class Urgency(StrEnum):
    """How urgent the receiver takes an event to be."""

    LOW = "low"
    HIGH = "high"


class PigeonConfig(Settings):
    """What anybody may see."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"source": "relaypoint"}, {"urgency": "high"}]})

    source: Annotated[
        str,
        Field(min_length=1, max_length=100),
        Hint(title="Source", help="Who the events come from.", group="Pigeon", order=1),
    ] = "relaypoint"
    urgency: Annotated[Urgency, Hint(title="How urgent", group="Pigeon", order=2, widget="select")] = Urgency.LOW


class PigeonSecrets(Settings):
    """What can be written but never read."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"api_key": "an-api-key-of-nobody"}]})

    api_key: Annotated[HeaderSecret, Hint(title="API key", group="Pigeon", order=3, widget="password")]


PigeonBinding = Binding[PigeonConfig, PigeonSecrets]
