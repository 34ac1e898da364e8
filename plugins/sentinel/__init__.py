"""Microsoft Sentinel: rows for a custom table, through the Logs Ingestion API."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum
from http import HTTPStatus
from typing import Annotated, Any
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from app.sinks import (
    GZIP,
    Answer,
    Binding,
    Event,
    Hint,
    Item,
    Limits,
    OutboundRequest,
    Outcome,
    Reject,
    Settings,
    Sink,
    SinkInfo,
    Token,
    Verdict,
    Written,
    address,
    bearer,
    classify_by_status,
    client_credentials_request,
    describe_settings,
    gzip_body,
    hookimpl,
    is_success,
    read_token_answer,
    too_large,
)
from plugins.sentinel.row import row

API_VERSION = "2023-01-01"
MAX_BYTES = 1_000_000
"""A call takes 1 MB, before and after compression; this leaves room for how Azure counts."""
MAX_EVENTS = 10_000
_LARGE = MAX_BYTES // 4
"""A request above this many bytes that gets 404 may have been too large; a smaller one has the wrong address."""


class Cloud(StrEnum):
    """Which of Microsoft's clouds the workspace is in."""

    PUBLIC = "public"
    US_GOVERNMENT = "us_government"
    CHINA = "china"


_LOGIN = {
    Cloud.PUBLIC: "https://login.microsoftonline.com",
    Cloud.US_GOVERNMENT: "https://login.microsoftonline.us",
    Cloud.CHINA: "https://login.partner.microsoftonline.cn",
}
_SCOPE = {
    Cloud.PUBLIC: "https://monitor.azure.com/.default",
    Cloud.US_GOVERNMENT: "https://monitor.azure.us/.default",
    Cloud.CHINA: "https://monitor.azure.cn/.default",
}

_GUID = r"^[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$"


class SentinelConfig(Settings):
    """Which table, and who writes to it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "dcr_id": "dcr-00112233445566778899aabbccddeeff",
                    "stream": "Custom-Relaypoint_CL",
                    "tenant_id": "11111111-2222-3333-4444-555555555555",
                    "client_id": "66666666-7777-8888-9999-000000000000",
                }
            ]
        }
    )

    dcr_id: Annotated[
        str,
        Written(r"^dcr-[0-9a-f]{32}$", "dcr- and 32 hexadecimal digits"),
        Hint(title="Data collection rule", help="Its immutable id.", group="Sentinel", order=1, placeholder="dcr-…"),
    ]
    stream: Annotated[
        str,
        Written(r"^Custom-[A-Za-z0-9_]{1,100}$", "Custom- and the name of a table, such as Custom-Relaypoint_CL"),
        Hint(title="Stream", help="As the rule declares it.", group="Sentinel", order=2),
    ] = "Custom-Relaypoint_CL"
    tenant_id: Annotated[
        str,
        Written(_GUID, "a GUID such as 01234567-89ab-cdef-0123-456789abcdef"),
        Hint(title="Tenant id", group="Authorization", order=1),
    ]
    client_id: Annotated[
        str,
        Written(_GUID, "a GUID such as 01234567-89ab-cdef-0123-456789abcdef"),
        Hint(title="Client id", group="Authorization", order=2),
    ]
    cloud: Annotated[Cloud, Hint(title="Microsoft cloud", group="Authorization", order=4, widget="select")] = (
        Cloud.PUBLIC
    )
    gzip: Annotated[bool, Hint(title="Compress requests", group="Advanced", order=1)] = True


class SentinelSecrets(Settings):
    """What the app registration signs in with."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"client_secret": "Q8x~s3ntinel-cl1ent-secret"}]})

    client_secret: Annotated[
        SecretStr,
        Field(min_length=1, max_length=1000),
        Hint(title="Client secret", group="Authorization", order=3, widget="password"),
    ]


SentinelBinding = Binding[SentinelConfig, SentinelSecrets]


class SentinelSink:
    """One row per event."""

    info = SinkInfo(
        name="sentinel",
        title="Microsoft Sentinel",
        description="Rows of a custom table, through the Logs Ingestion API.",
        docs_url="https://learn.microsoft.com/azure/azure-monitor/logs/logs-ingestion-api-overview",
        sample_url="https://relaypoint-a1b2.westeurope-1.ingest.monitor.azure.com",
    )
    config_model: type[BaseModel] = SentinelConfig
    secrets_model: type[BaseModel] = SentinelSecrets

    def limits(self, binding: SentinelBinding) -> Limits:  # noqa: ARG002 - the protocol's signature
        """1 MB, counted before compression."""
        return Limits(MAX_EVENTS, MAX_BYTES, MAX_BYTES - 3, item_overhead=1, request_overhead=2)

    def format(self, event: Event, binding: SentinelBinding) -> Item | Reject:  # noqa: ARG002 - the protocol's signature
        """One row."""
        written = row(event)
        return Reject(event.id, "the event has no time, which a row must have") if written is None else written

    def build_request(self, items: Sequence[Item], binding: SentinelBinding) -> OutboundRequest:
        """An array, also for a single row: a lone object is answered 204 and lost."""
        body = b"[" + b",".join([item.body for item in items]) + b"]"
        headers = [("content-type", "application/json")]
        if binding.access_token is not None:
            headers.append(bearer(binding.access_token))
        if binding.config.gzip:
            headers.append(GZIP)
            body = gzip_body(body)
        config = binding.config
        path = f"/dataCollectionRules/{config.dcr_id}/streams/{quote(config.stream)}"
        url = address(binding.endpoint_url, path, {"api-version": API_VERSION})
        return OutboundRequest(url, body, tuple(headers), secret_headers=frozenset({"authorization"}))

    def classify(self, answer: Answer, items: Sequence[Item], binding: SentinelBinding) -> Outcome:  # noqa: ARG002 - the protocol's signature
        """204 is success; a 404 may mean that the request was too large."""
        if is_success(answer.status) and answer.status != HTTPStatus.NO_CONTENT:
            return Outcome(Verdict.SINK_BROKEN, f"status {answer.status}, where the ingestion API answers 204")
        if answer.status == HTTPStatus.NOT_FOUND:
            return _not_found(items)
        outcome = classify_by_status(answer)
        return too_large(items) if outcome.verdict is Verdict.SPLIT else outcome

    def probe(self, binding: SentinelBinding) -> OutboundRequest | None:
        """An empty array, which is answered 204; None while there is no access token."""
        return self.build_request([], binding) if binding.access_token is not None else None

    def token_request(self, binding: SentinelBinding) -> OutboundRequest:
        """The app registration's sign-in."""
        config = binding.config
        url = f"{_LOGIN[config.cloud]}/{config.tenant_id}/oauth2/v2.0/token"
        secret = binding.secrets.client_secret
        return client_credentials_request(url, config.client_id, secret, _SCOPE[config.cloud])

    def read_token(self, answer: Answer, binding: SentinelBinding) -> Token | Outcome:  # noqa: ARG002 - the protocol's signature
        """The access token in the answer."""
        return read_token_answer(answer)

    def describe(self, binding: SentinelBinding) -> dict[str, Any]:
        """The settings for people; the secret only as set or not."""
        return describe_settings(binding)


def _not_found(items: Sequence[Item]) -> Outcome:
    size = sum(len(item.body) for item in items)
    if len(items) > 1 and size > _LARGE:
        return Outcome(Verdict.SPLIT, "the receiver answered 404, which may mean too large; sending fewer rows at once")
    return Outcome(Verdict.SINK_BROKEN, "the receiver answered 404: check the endpoint, the rule's id and the stream")


@hookimpl
def relaypoint_sinks() -> Iterable[Sink]:
    """Microsoft Sentinel."""
    yield SentinelSink()
