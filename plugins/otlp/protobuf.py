"""Log records in OTLP's protobuf form (opentelemetry-proto, ``logs/v1`` and ``collector/logs/v1``).

Written by hand: five small messages do not need a library, and the tests read every byte back with the official one.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable

from plugins.otlp.record import LogRecord, Value

_VARINT, _FIXED64, _BYTES = 0, 1, 2
"""Wire types of the protobuf encoding."""
_SIGN_BIT = 1 << 63
_CONTINUES = 0x80
_SEVEN_BITS = 0x7F
_LONGEST_VARINT = 10


def varint(number: int) -> bytes:
    """An unsigned number, seven bits to a byte, the lowest first."""
    written = bytearray()
    while number > _SEVEN_BITS:
        written.append(number & _SEVEN_BITS | _CONTINUES)
        number >>= 7
    written.append(number)
    return bytes(written)


def record_field(record: LogRecord) -> bytes:
    """A record as the field ``log_records`` of ``ScopeLogs``, so that many of them only need joining."""
    parts = [
        _fixed64(1, record.time_unix_nano),
        _number(2, record.severity_number),
        _text(3, record.severity_text),
        _message(5, _text(1, record.body)),
        *(_message(6, _attribute(name, value)) for name, value in record.attributes.items()),
        _fixed64(11, record.observed_time_unix_nano),
        _text(12, record.event_name),
    ]
    return _message(2, b"".join(parts))


def export_request(record_fields: Iterable[bytes], service: str, scope: str) -> bytes:
    """``ExportLogsServiceRequest`` with one resource and one scope."""
    resource = _message(1, _message(1, _attribute("service.name", service)))
    scope_logs = b"".join([_message(1, _text(1, scope)), *record_fields])
    return _message(1, resource + _message(2, scope_logs))


def request_overhead(service: str, scope: str) -> int:
    """The most bytes that ``export_request`` adds to the records themselves."""
    return len(export_request([], service, scope)) + 2 * _LONGEST_VARINT


def rejected_records(response: bytes) -> int | None:
    """``partial_success.rejected_log_records`` of an ``ExportLogsServiceResponse``; None when it is none."""
    try:
        partial = dict(_fields(response)).get(1, b"")
        rejected = dict(_fields(partial)).get(1, 0) if isinstance(partial, bytes) else None
    except (IndexError, ValueError):
        return None
    return rejected if isinstance(rejected, int) else None


def _attribute(key: str, value: Value) -> bytes:
    return _text(1, key) + _message(2, _any_value(value))


def _any_value(value: Value) -> bytes:
    if isinstance(value, bool):
        return _tag(2, _VARINT) + varint(value)
    if isinstance(value, int):
        return _tag(3, _VARINT) + varint(value % (_SIGN_BIT << 1))
    if isinstance(value, list):
        return _message(5, b"".join([_message(1, _text(1, one)) for one in value]))
    return _text(1, value)


def _tag(field: int, wire_type: int) -> bytes:
    return varint(field << 3 | wire_type)


def _message(field: int, content: bytes) -> bytes:
    return _tag(field, _BYTES) + varint(len(content)) + content


def _text(field: int, value: str) -> bytes:
    return _message(field, value.encode())


def _number(field: int, value: int) -> bytes:
    return _tag(field, _VARINT) + varint(value)


def _fixed64(field: int, value: int) -> bytes:
    return _tag(field, _FIXED64) + struct.pack("<Q", value) if value else b""


def _fields(message: bytes) -> Iterable[tuple[int, int | bytes]]:
    place = 0
    while place < len(message):
        tag, place = _read_varint(message, place)
        if tag & 7 == _VARINT:
            number, place = _read_varint(message, place)
            yield tag >> 3, number
        elif tag & 7 == _BYTES:
            length, place = _read_varint(message, place)
            if place + length > len(message):
                raise ValueError("the message ends early")
            yield tag >> 3, message[place : place + length]
            place += length
        else:
            raise ValueError("a wire type that the answer does not use")


def _read_varint(message: bytes, place: int) -> tuple[int, int]:
    number = 0
    for shift in range(_LONGEST_VARINT):
        byte = message[place + shift]
        number |= (byte & _SEVEN_BITS) << (7 * shift)
        if not byte & _CONTINUES:
            return number, place + shift + 1
    raise ValueError("a number that does not end")
