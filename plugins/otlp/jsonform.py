"""Log records in OTLP's JSON form: the protobuf's own JSON mapping, 64-bit numbers as texts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson

from plugins.otlp.record import LogRecord, Value


def record_json(record: LogRecord) -> bytes:
    """One element of ``logRecords``."""
    written: dict[str, Any] = {
        "severityNumber": record.severity_number,
        "severityText": record.severity_text,
        "body": {"stringValue": record.body},
        "attributes": [{"key": name, "value": _any_value(value)} for name, value in record.attributes.items()],
        "eventName": record.event_name,
    }
    if record.time_unix_nano:
        written["timeUnixNano"] = str(record.time_unix_nano)
    if record.observed_time_unix_nano:
        written["observedTimeUnixNano"] = str(record.observed_time_unix_nano)
    return orjson.dumps(written)


def export_request_json(records: Iterable[bytes], service: str, scope: str) -> bytes:
    """``ExportLogsServiceRequest`` with one resource and one scope."""
    resource = orjson.dumps({"attributes": [{"key": "service.name", "value": _any_value(service)}]})
    head = b'{"resourceLogs":[{"resource":' + resource + b',"scopeLogs":[{"scope":' + orjson.dumps({"name": scope})
    return head + b',"logRecords":[' + b",".join(records) + b"]}]}]}"


def rejected_records_json(response: bytes) -> int | None:
    """``partialSuccess.rejectedLogRecords`` of an ``ExportLogsServiceResponse``; None when it is none."""
    try:
        answer = orjson.loads(response or b"{}")
        rejected = (answer.get("partialSuccess") or {}).get("rejectedLogRecords", 0)
        return int(rejected)
    except (orjson.JSONDecodeError, AttributeError, TypeError, ValueError):
        return None


def _any_value(value: Value) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, list):
        return {"arrayValue": {"values": [{"stringValue": one} for one in value]}}
    return {"stringValue": value}
