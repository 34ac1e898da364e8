"""The SIEM family: CEF, LEEF, ECS, OCSF and plain JSON, by HTTPS or as syslog over TLS, TCP or UDP."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from pydantic import BaseModel

from app.sinks import (
    SYSLOG_METHOD,
    SYSLOG_SCHEMES,
    SYSLOG_UDP,
    WEB_SCHEMES,
    Answer,
    ClientCertificate,
    Event,
    Item,
    Limits,
    OutboundRequest,
    Outcome,
    Reject,
    Sink,
    SinkInfo,
    Verdict,
    classify_by_status,
    describe_settings,
    hookimpl,
    is_syslog,
    scheme_of,
    too_large,
)
from plugins.siem.limits import LINE_FORMATS, as_lines, is_single, request_limits
from plugins.siem.records import record
from plugins.siem.settings import Format, SiemBinding, SiemConfig, SiemSecrets
from plugins.siem.syslog import framed

TEXT = "text/plain; charset=utf-8"
JSON = "application/json"
JSON_LINES = "application/x-ndjson"


class SiemSink:
    """Audit events for what watches over many systems."""

    info = SinkInfo(
        name="siem",
        title="SIEM",
        description="CEF, LEEF, ECS, OCSF or JSON, by HTTPS or as syslog over TLS, TCP or UDP.",
        idempotency="the event id in every record (CEF externalId, LEEF eventId, ECS event.id, OCSF metadata.uid)",
        sample_url="syslog+tls://siem.example:6514",
        schemes=(*SYSLOG_SCHEMES, *WEB_SCHEMES),
    )
    config_model: type[BaseModel] = SiemConfig
    secrets_model: type[BaseModel] = SiemSecrets

    def limits(self, binding: SiemBinding) -> Limits:
        """By transport and settings."""
        return request_limits(binding)

    def format(self, event: Event, binding: SiemBinding) -> Item | Reject:
        """One syslog line, or one record."""
        return record(event, binding)

    def build_request(self, items: Sequence[Item], binding: SiemBinding) -> OutboundRequest:
        """Framed messages for syslog; an object, an array or lines for HTTPS."""
        url = binding.endpoint_url
        if scheme_of(url) == SYSLOG_UDP:
            (only,) = items
            return OutboundRequest(url, only.body, method=SYSLOG_METHOD)
        if is_syslog(url):
            body = framed(items, binding.config.framing)
            return OutboundRequest(url, body, method=SYSLOG_METHOD, client_certificate=_certificate(binding))
        headers = (("content-type", _content_type(binding)),)
        return OutboundRequest(url, _http_body(items, binding), headers, client_certificate=_certificate(binding))

    def classify(self, answer: Answer, items: Sequence[Item], binding: SiemBinding) -> Outcome:  # noqa: ARG002 - the protocol's signature
        """By status: these receivers have no common words. Syslog never answers."""
        outcome = classify_by_status(answer)
        return too_large(items) if outcome.verdict is Verdict.SPLIT else outcome

    def probe(self, binding: SiemBinding) -> None:  # noqa: ARG002 - the protocol's signature
        """None: there is no request that every receiver takes without effect."""
        return

    def describe(self, binding: SiemBinding) -> dict[str, Any]:
        """The settings for people."""
        return describe_settings(binding)


def _certificate(binding: SiemBinding) -> ClientCertificate | None:
    certificate, key = binding.secrets.client_certificate, binding.secrets.client_key
    if certificate is None or key is None:
        return None
    return ClientCertificate(certificate.get_secret_value().encode(), key.get_secret_value().encode())


def _http_body(items: Sequence[Item], binding: SiemBinding) -> bytes:
    if as_lines(binding):
        return b"".join([item.body + b"\n" for item in items])
    if is_single(binding):
        (only,) = items
        return only.body
    return b"[" + b",".join([item.body for item in items]) + b"]"


def _content_type(binding: SiemBinding) -> str:
    config = binding.config
    if config.content_type:
        return config.content_type
    if config.format in LINE_FORMATS - {Format.NDJSON}:
        return TEXT
    return JSON_LINES if as_lines(binding) else JSON


@hookimpl
def relaypoint_sinks() -> Iterable[Sink]:
    """The SIEM family."""
    yield SiemSink()
