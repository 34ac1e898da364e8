"""PagerDuty Events API v2: a change event per audit event, which notifies nobody, or an alert if you ask for it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Any

import orjson
from pydantic import BaseModel, ConfigDict, Field

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
    address,
    describe_settings,
    hookimpl,
)
from plugins.pagerduty.answers import classify_answer
from plugins.pagerduty.payload import MAX_PAYLOAD, PATHS, Kind, payload

_FRAME = 128
"""Bytes that the routing key and its name add to a payload, and more."""


class PagerDutyConfig(Settings):
    """What kind of event PagerDuty gets."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{}, {"kind": "alert", "console_url": "https://relaypoint.example"}]}
    )

    kind: Annotated[
        Kind,
        Hint(
            title="Send as",
            help="Change events stand beside incidents and notify nobody. Alerts open incidents.",
            group="PagerDuty",
            order=1,
            widget="select",
        ),
    ] = Kind.CHANGE
    source: Annotated[
        str,
        Field(max_length=100),
        Hint(title="Source", help="Empty: the context or the organization.", group="PagerDuty", order=2),
    ] = ""
    console_url: ConsoleUrl = ""


class PagerDutySecrets(Settings):
    """Which service the events go to."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"routing_key": "0123456789abcdef0123456789abcdef"}]})

    routing_key: Annotated[
        HeaderSecret,
        Hint(title="Integration key", help="Of an Events API v2 integration.", group="PagerDuty", widget="password"),
    ]


PagerDutyBinding = Binding[PagerDutyConfig, PagerDutySecrets]


class PagerDutySink:
    """Changes beside the incidents they may have caused."""

    info = SinkInfo(
        name="pagerduty",
        title="PagerDuty",
        description="Change events, or alerts, through PagerDuty's Events API v2.",
        docs_url="https://developer.pagerduty.com/docs/send-change-events",
        idempotency="`dedup_key` of alerts; change events have none",
        sample_url="https://events.pagerduty.com",
    )
    config_model: type[BaseModel] = PagerDutyConfig
    secrets_model: type[BaseModel] = PagerDutySecrets

    def limits(self, binding: PagerDutyBinding) -> Limits:  # noqa: ARG002 - the protocol's signature
        """One event per request: the API takes no more."""
        return Limits(1, MAX_PAYLOAD + _FRAME, MAX_PAYLOAD, item_overhead=0)

    def format(self, event: Event, binding: PagerDutyBinding) -> Item:
        """The body without the routing key."""
        config = binding.config
        return Item(event.id, orjson.dumps(payload(event, config.kind, config.source, config.console_url)))

    def build_request(self, items: Sequence[Item], binding: PagerDutyBinding) -> OutboundRequest:
        """The body with the routing key, which PagerDuty wants there and nowhere else."""
        key = binding.secrets.routing_key.get_secret_value()
        body = b'{"routing_key":' + orjson.dumps(key) + b"," + items[0].body[1:]
        url = address(binding.endpoint_url, PATHS[binding.config.kind])
        return OutboundRequest(url, body, (("content-type", "application/json"),), secret_texts=(key,))

    def classify(self, answer: Answer, items: Sequence[Item], binding: PagerDutyBinding) -> Outcome:  # noqa: ARG002 - the protocol's signature
        """By the word in the body and the status."""
        return classify_answer(answer, items)

    def probe(self, binding: PagerDutyBinding) -> None:  # noqa: ARG002 - the protocol's signature
        """None: the API cannot be asked without sending an event."""
        return

    def describe(self, binding: PagerDutyBinding) -> dict[str, Any]:
        """The settings for people; the key only as set or not."""
        return describe_settings(binding)


@hookimpl
def relaypoint_sinks() -> Iterable[Sink]:
    """PagerDuty."""
    yield PagerDutySink()
