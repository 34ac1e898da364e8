"""Datadog Logs: JSON arrays to the v2 intake."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from http import HTTPStatus
from typing import Annotated, Any

import orjson
from pydantic import BaseModel, ConfigDict, Field

from app.sinks import (
    GZIP,
    Answer,
    Binding,
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
    Verdict,
    Written,
    actor_name,
    address,
    classify_by_status,
    describe_settings,
    epoch_us,
    gzip_body,
    hookimpl,
    source_ip,
    text,
    text_at,
    texts,
    too_large,
)

LOGS_PATH = "/api/v2/logs"
MAX_EVENTS = 1000
MAX_BYTES = 4_250_000
MAX_LOG = 1_000_000
"""Datadog takes 5 MB and 1,000 logs of 1 MB each; a larger log it would cut and still call taken, so we refuse it."""

_MILLISECOND = 1000
_TAG_JUNK = re.compile(r"[^\w\-:./]")
_LONGEST_TAG = 200
_WARNS_FROM = 4


class DatadogConfig(Settings):
    """How logs are filed."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"tags": ["env:prod"]}, {"host": "relay-1"}]})

    source: Annotated[
        str,
        Field(min_length=1, max_length=100),
        Hint(title="Source", help="Datadog chooses the pipeline by it.", group="Datadog", order=1),
    ] = "relaypoint"
    host: Annotated[str, Field(max_length=255), Hint(title="Host", group="Datadog", order=2)] = ""
    tags: Annotated[
        tuple[
            Annotated[str, Field(min_length=1, max_length=200), Written(r"^[^,\x00-\x1f]+$", "a tag without commas")],
            ...,
        ],
        Field(max_length=20),
        Hint(title="Tags", help="Added to every log, such as env:prod.", group="Datadog", order=3),
    ] = ()
    gzip: Annotated[bool, Hint(title="Compress requests", group="Advanced", order=1)] = True


class DatadogSecrets(Settings):
    """What proves to Datadog that we may write."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"api_key": "0123456789abcdef0123456789abcdef"}]})

    api_key: Annotated[
        HeaderSecret,
        Hint(title="API key", help="Organization settings, API keys.", group="Datadog", order=4, widget="password"),
    ]


DatadogBinding = Binding[DatadogConfig, DatadogSecrets]


class DatadogSink:
    """One log per event, the event itself as attributes."""

    info = SinkInfo(
        name="datadog",
        title="Datadog Logs",
        description="Logs with the event as searchable attributes.",
        docs_url="https://docs.datadoghq.com/api/latest/logs/",
        sample_url="https://http-intake.logs.datadoghq.eu",
    )
    config_model: type[BaseModel] = DatadogConfig
    secrets_model: type[BaseModel] = DatadogSecrets

    def limits(self, binding: DatadogBinding) -> Limits:  # noqa: ARG002 - the protocol's signature
        """Datadog's own, counted before compression."""
        return Limits(MAX_EVENTS, MAX_BYTES, MAX_LOG, item_overhead=1, request_overhead=2)

    def format(self, event: Event, binding: DatadogBinding) -> Item:
        """One log."""
        return Item(event.id, _log(event, binding.config))

    def build_request(self, items: Sequence[Item], binding: DatadogBinding) -> OutboundRequest:
        """An array of logs."""
        body = b"[" + b",".join([item.body for item in items]) + b"]"
        headers = [
            ("content-type", "application/json"),
            ("dd-api-key", binding.secrets.api_key.get_secret_value()),
        ]
        if binding.config.gzip:
            headers.append(GZIP)
            body = gzip_body(body)
        url = address(binding.endpoint_url, LOGS_PATH)
        return OutboundRequest(url, body, tuple(headers), secret_headers=frozenset({"dd-api-key"}))

    def classify(self, answer: Answer, items: Sequence[Item], binding: DatadogBinding) -> Outcome:  # noqa: ARG002 - the protocol's signature
        """By status; a refused batch is halved until the log at fault stands alone."""
        outcome = classify_by_status(answer)
        if outcome.verdict is Verdict.SPLIT:
            return too_large(items)
        if answer.status == HTTPStatus.BAD_REQUEST and len(items) > 1:
            return Outcome(Verdict.SPLIT, "Datadog refuses a log of this request without saying which")
        return outcome

    def probe(self, binding: DatadogBinding) -> OutboundRequest:
        """An empty array, which is taken without effect when the key is right."""
        return self.build_request([], binding)

    def describe(self, binding: DatadogBinding) -> dict[str, Any]:
        """The settings for people; the key only as set or not."""
        return describe_settings(binding)


def _log(event: Event, config: DatadogConfig) -> bytes:
    """Datadog's standard attributes beside the canonical event, whose stored bytes are spliced in as ``event``."""
    data = event.data
    sensitivity = data.get("sensitivity")
    log: dict[str, Any] = {
        "ddsource": config.source,
        "ddtags": ",".join(_tags(event, config)),
        "service": text(data.get("service")) or config.source,
        "message": text(data.get("description")) or event.type,
        "status": "warn" if isinstance(sensitivity, int) and sensitivity >= _WARNS_FROM else "info",
        "evt": {"name": event.type, "outcome": "success"},
        "usr": _known(id=text_at(data, "actor", "id"), email=text_at(data, "actor", "email"), name=actor_name(data)),
        "network": {"client": _known(ip=source_ip(data))},
    }
    if config.host:
        log["hostname"] = config.host
    occurred = epoch_us(data.get("occurred_at"))
    if occurred is not None:
        log["timestamp"] = occurred // _MILLISECOND
    return orjson.dumps(log)[:-1] + b',"event":' + event.json + b"}"


def _known(**values: str) -> dict[str, str]:
    return {name: value for name, value in values.items() if value}


def _tags(event: Event, config: DatadogConfig) -> list[str]:
    data = event.data
    named = {
        "event_type": event.type,
        "organization": text_at(data, "organization", "id"),
        "context": text_at(data, "context", "id"),
    }
    found = [f"{name}:{value}" for name, value in named.items() if value]
    found += [f"tag:{tag}" for tag in texts(data.get("tags"))]
    return [*config.tags, *(_TAG_JUNK.sub("_", tag)[:_LONGEST_TAG].lower() for tag in found)]


@hookimpl
def relaypoint_sinks() -> Iterable[Sink]:
    """Datadog Logs."""
    yield DatadogSink()
