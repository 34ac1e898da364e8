"""ServiceNow: records of Event Management (``em_event``), or rows of a table such as ``incident``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Annotated, Any

import orjson
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from app.sinks import (
    Answer,
    Binding,
    ConsoleUrl,
    Event,
    HeaderSecret,
    Hint,
    Item,
    Limits,
    OutboundRequest,
    Outcome,
    Settings,
    Sink,
    SinkInfo,
    Story,
    Written,
    address,
    basic,
    bearer,
    describe_settings,
    hookimpl,
    tell,
)
from plugins.servicenow.answers import classify_answer
from plugins.servicenow.records import event_record, table_row

EVENT_PATH = "/api/global/em/jsonv2"
TABLE_PATH = "/api/now/table"

MAX_RECORDS = 500
"""Records of one request; ServiceNow names no number."""
MAX_BYTES = 4 * 1024 * 1024
MAX_ITEM = 128 * 1024
MAX_DIGEST = 16 * 1024 * 1024
MAX_EVENTS = 20_000
_FRAME = 32


class Target(StrEnum):
    """Where the events go."""

    EVENT = "em_event"
    TABLE = "table"


class Grouping(StrEnum):
    """What becomes of a batch in a table."""

    EVENT = "event"
    BATCH = "batch"


class ServiceNowConfig(Settings):
    """Which records are made."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"user": "relaypoint"}, {"user": "relaypoint", "target": "table"}]}
    )

    target: Annotated[
        Target,
        Hint(
            title="Send to",
            help="Event Management takes many events at once and knows repeated ones; a table takes one record each.",
            group="ServiceNow",
            order=1,
            widget="select",
        ),
    ] = Target.EVENT
    table: Annotated[
        str,
        Written(r"^[a-z][a-z0-9_]{1,79}$", "the name of a table: small letters, digits and _"),
        Hint(title="Table", help="Such as incident, change_request or u_audit.", group="ServiceNow", order=2),
    ] = "incident"
    group_by: Annotated[
        Grouping,
        Hint(
            title="In batch mode",
            help="For a table: one record per event, or one per batch.",
            group="ServiceNow",
            order=3,
            widget="select",
        ),
    ] = Grouping.BATCH
    source: Annotated[
        str,
        Field(min_length=1, max_length=100),
        Hint(title="Source", help="For Event Management: who sends the events.", group="ServiceNow", order=4),
    ] = "Relaypoint"
    user: Annotated[
        str,
        Field(max_length=100),
        Written(r"^[^:\x00-\x1f]*$", "a name without colons and control characters"),
        Hint(title="User", help="With a password. Empty when an OAuth token is used.", group="Account", order=1),
    ] = ""
    console_url: ConsoleUrl = ""


class ServiceNowSecrets(Settings):
    """What proves to ServiceNow that we may write: the user's password, or a token."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"password": "example-passw0rd"}, {"token": "example-t0ken"}]}
    )

    password: Annotated[
        SecretStr | None, Field(max_length=1024), Hint(title="Password", group="Account", order=2, widget="password")
    ] = None
    token: Annotated[
        HeaderSecret | None,
        Hint(
            title="OAuth token", help="Used instead of user and password.", group="Account", order=3, widget="password"
        ),
    ] = None


ServiceNowBinding = Binding[ServiceNowConfig, ServiceNowSecrets]


class ServiceNowSink:
    """Events and tickets for operations and change management."""

    info = SinkInfo(
        name="servicenow",
        title="ServiceNow",
        description="Records of Event Management, or of a table such as incident.",
        docs_url="https://www.servicenow.com/docs/bundle/yokohama-it-operations-management/page/product/event-management/task/send-events-via-web-service.html",
        idempotency="`message_key` of events; `correlation_id` of table records is only searchable",
        sample_url="https://example.service-now.com",
    )
    config_model: type[BaseModel] = ServiceNowConfig
    secrets_model: type[BaseModel] = ServiceNowSecrets

    def limits(self, binding: ServiceNowBinding) -> Limits:
        """Many events at once for Event Management, one or a whole batch in one record for a table."""
        config = binding.config
        if config.target is Target.EVENT and binding.batch:
            return Limits(MAX_RECORDS, MAX_BYTES, MAX_ITEM, item_overhead=1)
        if config.target is Target.TABLE and _is_digest(binding):
            return Limits(MAX_EVENTS, MAX_DIGEST, MAX_ITEM, item_overhead=0)
        return Limits(1, MAX_ITEM + _FRAME, MAX_ITEM, item_overhead=0)

    def format(self, event: Event, binding: ServiceNowBinding) -> Item:
        """A record of Event Management, or the story of a table's record."""
        config = binding.config
        if config.target is Target.TABLE:
            return Item(event.id, tell(event).to_bytes())
        return Item(event.id, orjson.dumps(event_record(event, config.source, config.console_url)))

    def build_request(self, items: Sequence[Item], binding: ServiceNowBinding) -> OutboundRequest:
        """An array of records, or one record."""
        config = binding.config
        if config.target is Target.EVENT:
            path, body = EVENT_PATH, b'{"records":[' + b",".join([item.body for item in items]) + b"]}"
        else:
            path = f"{TABLE_PATH}/{config.table}"
            body = orjson.dumps(table_row([Story.from_bytes(item.body) for item in items], config.console_url))
        headers = (("content-type", "application/json"), ("accept", "application/json"), *_authorization(binding))
        return OutboundRequest(
            address(binding.endpoint_url, path), body, headers, secret_headers=frozenset({"authorization"})
        )

    def classify(self, answer: Answer, items: Sequence[Item], binding: ServiceNowBinding) -> Outcome:  # noqa: ARG002 - the protocol's signature
        """By status, and by the body where the status may lie."""
        return classify_answer(answer, items)

    def probe(self, binding: ServiceNowBinding) -> OutboundRequest | None:
        """Reads nothing from the table that is written to: the account and the table's name are judged."""
        table = binding.config.table if binding.config.target is Target.TABLE else "em_event"
        url = address(binding.endpoint_url, f"{TABLE_PATH}/{table}", {"sysparm_limit": "1", "sysparm_fields": "sys_id"})
        headers = (("accept", "application/json"), *_authorization(binding))
        return OutboundRequest(url, b"", headers, "GET", frozenset({"authorization"}))

    def describe(self, binding: ServiceNowBinding) -> dict[str, Any]:
        """The settings for people; password and token only as set or not."""
        return describe_settings(binding)


def _is_digest(binding: ServiceNowBinding) -> bool:
    return binding.batch and binding.config.group_by is Grouping.BATCH


def _authorization(binding: ServiceNowBinding) -> tuple[tuple[str, str], ...]:
    secrets = binding.secrets
    if secrets.token:
        return (bearer(secrets.token),)
    if secrets.password:
        return (basic(binding.config.user, secrets.password),)
    return ()


@hookimpl
def relaypoint_sinks() -> Iterable[Sink]:
    """ServiceNow."""
    yield ServiceNowSink()
