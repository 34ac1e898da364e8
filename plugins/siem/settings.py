"""The settings of a SIEM webhook."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Self

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from app.sinks import Binding, Hint, PemSecret, Settings, Written


class Format(StrEnum):
    """How one event is written."""

    CEF = "cef"
    LEEF = "leef"
    ECS = "ecs"
    OCSF = "ocsf"
    JSON = "json"
    """The canonical event; over HTTPS one object, or an array of a batch."""
    NDJSON = "ndjson"
    """The canonical event; over HTTPS always one per line."""


class Header(StrEnum):
    """What stands before the event on a syslog line."""

    RFC5424 = "rfc5424"
    RFC3164 = "rfc3164"
    QRADAR = "qradar"
    """RFC 5424 as far as the host name, as QRadar documents it before LEEF."""
    NONE = "none"


class Framing(StrEnum):
    """How a receiver finds the end of a message on a TCP or TLS connection."""

    OCTET_COUNTING = "octet_counting"
    """The length before each message (RFC 5425, RFC 6587 section 3.4.1)."""
    NEWLINE = "newline"
    """A line feed after each message (RFC 6587 section 3.4.2); no format here has one inside."""


class HttpFraming(StrEnum):
    """How one HTTPS request carries its events."""

    AUTO = "auto"
    """Lines for CEF, LEEF and NDJSON; for the others one object in instant mode, an array in batch mode."""
    ARRAY = "array"
    LINES = "lines"


class LeefDelimiter(StrEnum):
    """What stands between two LEEF attributes."""

    TAB = "tab"
    CARET = "caret"


def _one_line(value: str) -> str:
    if not value.isprintable():
        raise ValueError("must be printable characters on one line")
    return value


Line = Annotated[str, AfterValidator(_one_line)]
_VISIBLE = r"^[!-~]*$"
_SD_ID = r"^[!#-<>?A-\\^-~]{1,20}@[0-9]{1,10}(\.[0-9]{1,5}){0,2}$"
"""A structured data id of one's own: a name, and the enterprise number that owns it (RFC 5424, 7.2.2)."""
_MEDIA_TYPE = r"^([A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+(; ?charset=[A-Za-z0-9_-]+)?)?$"


class SiemConfig(Settings):
    """What is written, and how the receiver wants it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"format": "cef"},
                {"format": "leef", "header": "qradar", "framing": "newline"},
                {"format": "ocsf", "http_framing": "lines"},
                {"format": "json", "app_name": "relaypoint", "facility": 16},
                {"format": "ecs", "header": "none", "framing": "newline"},
                {"format": "cef", "header": "rfc3164", "bom": True},
            ]
        }
    )

    format: Annotated[
        Format,
        Hint(
            title="Event format",
            help="CEF for ArcSight and Sentinel, LEEF for QRadar, ECS for Elastic, OCSF for data lakes.",
            group="Format",
            order=1,
            widget="select",
        ),
    ] = Format.CEF
    vendor: Annotated[
        Line,
        Field(min_length=1, max_length=63),
        Hint(title="Vendor", help="Whose product the events are about.", group="Format", order=2),
    ] = "Netgraph"
    product: Annotated[
        Line,
        Field(max_length=63),
        Hint(title="Product", help="Empty: the service that each event is of.", group="Format", order=3),
    ] = ""
    product_version: Annotated[
        Line, Field(min_length=1, max_length=31), Hint(title="Product version", group="Format", order=4)
    ] = "1.0"
    leef_delimiter: Annotated[LeefDelimiter, Hint(title="LEEF delimiter", group="Format", order=5, widget="select")] = (
        LeefDelimiter.TAB
    )
    include_original: Annotated[
        bool,
        Hint(title="Original event", help="ECS: keep the canonical event in event.original.", group="Format", order=6),
    ] = False
    header: Annotated[
        Header,
        Hint(
            title="Syslog header",
            help="qradar is RFC 5424 without application, process, message id and structured data.",
            group="Syslog",
            order=1,
            widget="select",
        ),
    ] = Header.RFC5424
    framing: Annotated[
        Framing,
        Hint(
            title="Message framing",
            help="On TCP and TLS. QRadar and plain TCP inputs want newline.",
            group="Syslog",
            order=2,
            widget="select",
        ),
    ] = Framing.OCTET_COUNTING
    hostname: Annotated[
        str,
        Field(min_length=1, max_length=255),
        Written(_VISIBLE, "visible ASCII characters without spaces"),
        Hint(title="Host name", help="Who sends, in the syslog header.", group="Syslog", order=3),
    ] = "relaypoint"
    app_name: Annotated[
        str,
        Field(max_length=48),
        Written(_VISIBLE, "visible ASCII characters without spaces"),
        Hint(title="Application", help="Empty: the service that each event is of.", group="Syslog", order=4),
    ] = ""
    facility: Annotated[
        int,
        Field(ge=0, le=23),
        Hint(title="Facility", help="13 is log audit, 10 authpriv, 16 to 23 local.", group="Syslog", order=5),
    ] = 13
    structured_data: Annotated[
        bool, Hint(title="Structured data", help="RFC 5424 only: id, actor, action and more.", group="Syslog", order=6)
    ] = True
    sd_id: Annotated[
        str,
        Field(max_length=32),
        Written(_SD_ID, "a name, @ and an enterprise number, such as cfgaudit@32473"),
        Hint(title="Structured data id", help="A name and your enterprise number.", group="Syslog", order=7),
    ] = "cfgaudit@32473"
    bom: Annotated[
        bool,
        Hint(title="Byte order mark", help="RFC 5424 only; most receivers would store it.", group="Syslog", order=8),
    ] = False
    max_message_bytes: Annotated[
        int | None,
        Field(ge=480, le=1_000_000),
        Hint(
            title="Bytes per message",
            help="Longer values are cut. Empty: 4,096 for LEEF, 2,048 over UDP, else 8,192.",
            group="Syslog",
            order=9,
        ),
    ] = None
    http_framing: Annotated[HttpFraming, Hint(title="HTTPS framing", group="HTTPS", order=1, widget="select")] = (
        HttpFraming.AUTO
    )
    content_type: Annotated[
        str,
        Field(max_length=100),
        Written(_MEDIA_TYPE, "a media type such as application/json, or empty"),
        Hint(title="Content type", help="Empty: what goes with the framing.", group="HTTPS", order=2),
    ] = ""
    max_events: Annotated[int, Field(ge=1, le=10_000), Hint(title="Events per request", group="Advanced", order=1)] = (
        500
    )
    max_bytes: Annotated[
        int,
        Field(ge=10_000, le=8_000_000),
        Hint(title="Bytes per request", help="Uncompressed.", group="Advanced", order=2),
    ] = 1_000_000

    @model_validator(mode="after")
    def _only_json_in_arrays(self) -> Self:
        if self.http_framing is HttpFraming.ARRAY and self.format in {Format.CEF, Format.LEEF}:
            raise ValueError(f"{self.format} is text, not JSON: it cannot stand in an array; choose auto or lines")
        return self


class SiemSecrets(Settings):
    """What proves to the receiver who is sending. Over HTTPS, credentials are headers of the webhook."""

    client_certificate: Annotated[
        PemSecret | None,
        Hint(title="Client certificate", help="PEM, with its chain.", group="TLS", order=1, widget="textarea"),
    ] = None
    client_key: Annotated[
        PemSecret | None,
        Hint(title="Client key", help="PEM, without a passphrase.", group="TLS", order=2, widget="textarea"),
    ] = None

    @model_validator(mode="after")
    def _both_or_none(self) -> Self:
        if (self.client_certificate is None) != (self.client_key is None):
            raise ValueError("client_certificate and client_key belong together")
        return self


SiemBinding = Binding[SiemConfig, SiemSecrets]
