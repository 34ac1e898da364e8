"""The settings of a Splunk HEC webhook."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

from app.sinks import Binding, HeaderSecret, Hint, Settings, Written

_INDEX = r"^([a-z0-9_][a-z0-9_\-]{0,79})?$"
_GUID = r"^([0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12})?$"


class Endpoint(StrEnum):
    """Which of the collector's two endpoints takes the events."""

    EVENT = "event"
    """JSON envelopes with time, index and indexed fields."""
    RAW = "raw"
    """The canonical event itself, one per line; Splunk finds the time and the fields by the source type."""


class WrongIndex(StrEnum):
    """What a refused index means (HEC code 7)."""

    PAUSE = "pause"
    REJECT = "reject"


class Acknowledgement(StrEnum):
    """What happens with a token that has indexer acknowledgement on."""

    RESEND = "resend"
    """Wait for it, and send again what is not acknowledged in time."""
    FAIL = "fail"
    """Wait for it, and fail what is not acknowledged in time."""
    UNCONFIRMED = "unconfirmed"
    """Wait for it, and call what is not acknowledged in time delivered, but unconfirmed."""
    IGNORE = "ignore"
    """Do not ask: delivered, but unconfirmed."""


class SplunkConfig(Settings):
    """Where the events go inside Splunk, and how much one request carries."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"index": "audit"},
                {"endpoint": "raw", "index": "audit", "gzip": False},
                {"host": "relay-1", "cim_fields": False, "gzip": False, "max_events": 50, "acknowledgement": "ignore"},
            ]
        }
    )

    endpoint: Annotated[
        Endpoint,
        Hint(
            title="Collector endpoint",
            help="event: envelopes with indexed fields. raw: one JSON line per event, read by the source type.",
            group="Splunk",
            order=1,
            widget="select",
        ),
    ] = Endpoint.EVENT
    index: Annotated[
        str,
        Written(_INDEX, "the name of an index: small letters, digits, _ and -"),
        Hint(title="Index", help="Empty: the token's default index.", group="Splunk", order=2, placeholder="main"),
    ] = ""
    sourcetype: Annotated[
        str,
        Field(min_length=1, max_length=200),
        Hint(title="Source type", help="What your props.conf matches.", group="Splunk", order=3),
    ] = "relaypoint:audit"
    source: Annotated[str, Field(max_length=200), Hint(title="Source", group="Splunk", order=4)] = "relaypoint"
    host: Annotated[
        str,
        Field(max_length=255),
        Hint(title="Host", help="Empty: Splunk fills in the sender's address.", group="Splunk", order=5),
    ] = ""
    cim_fields: Annotated[
        bool,
        Hint(title="CIM Change fields", help="Adds the Change data model's fields (event endpoint).", group="Splunk"),
    ] = True
    on_wrong_index: Annotated[
        WrongIndex,
        Hint(
            title="Refused index",
            help="pause: keep the events and pause the webhook. reject: fail the events and go on.",
            group="Advanced",
            order=1,
            widget="select",
        ),
    ] = WrongIndex.PAUSE
    acknowledgement: Annotated[
        Acknowledgement,
        Hint(
            title="Indexer acknowledgement",
            help="For tokens that have it on. What to do with events that are not acknowledged in time.",
            group="Acknowledgement",
            order=1,
            widget="select",
        ),
    ] = Acknowledgement.RESEND
    ack_poll_s: Annotated[
        int,
        Field(ge=1, le=300),
        Hint(title="Ask every", help="Seconds.", group="Acknowledgement", order=2),
    ] = 10
    ack_wait_s: Annotated[
        int,
        Field(ge=10, le=86_400),
        Hint(title="Wait for", help="Seconds; then it counts as not acknowledged.", group="Acknowledgement", order=3),
    ] = 300
    channel: Annotated[
        str,
        Written(_GUID, "a GUID, or empty"),
        Hint(title="Channel", help="A GUID. Empty: one derived from this webhook's id.", group="Advanced", order=2),
    ] = ""
    gzip: Annotated[bool, Hint(title="Compress requests", group="Advanced", order=3)] = True
    max_events: Annotated[int, Field(ge=1, le=10_000), Hint(title="Events per request", group="Advanced", order=4)] = (
        500
    )
    max_bytes: Annotated[
        int,
        Field(ge=10_000, le=5_000_000),
        Hint(title="Bytes per request", help="Uncompressed; a larger event cannot be sent.", group="Advanced", order=5),
    ] = 1_000_000


class SplunkSecrets(Settings):
    """What proves to Splunk that we may write."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"token": "11111111-2222-3333-4444-555555555555"}]})

    token: Annotated[
        HeaderSecret,
        Hint(title="HEC token", help="Settings, Data inputs, HTTP Event Collector.", group="Splunk", widget="password"),
    ]


SplunkBinding = Binding[SplunkConfig, SplunkSecrets]
