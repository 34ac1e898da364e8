"""From the bytes of a request to single elements; one bad element never fails the others.

Takes one object, an array, NDJSON, ``{"events": […]}`` and ``{"data": {"events": […]}}`` wrappers, and CloudEvents
in structured, batch and binary mode.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any
from urllib.parse import unquote

import orjson

from app.core.errors import InvalidInputError
from app.core.json_salvage import split_array

MAX_DEPTH = 32
"""Levels of nesting in one element."""
MAX_ELEMENT_BYTES = 256 * 1024
"""Bytes of one element as compact JSON."""

MAX_ELEMENTS = 100_000
"""Events of one body, the bad ones too."""
MAX_PIECES = 6_000_000
"""Commas, brackets and lines of one body: each stands for a value, which takes far more memory than its bytes."""
_SMALL = 1024 * 1024
"""A body of fewer bytes cannot hold too many values."""

_NDJSON = frozenset(
    {"application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonl", "application/jsonlines"}
)
_BOM = b"\xef\xbb\xbf"
_CE_HEADER = "ce-"
_CE_BATCH = "application/cloudevents-batch+json"
_TOO_DEEP = f"one event may be nested {MAX_DEPTH} levels deep"


class UnsupportedContentTypeError(InvalidInputError):
    """The content type is none that can hold events; the API answers 415."""


@dataclass(frozen=True, slots=True)
class Element:
    """One event as received, not yet normalised.

    Args:
        index: its place in the body, from 0.
        data: the JSON object.
        header_id: the ``webhook-id`` header, for a body that holds one event.
        source: the name of the source plugin that read it, None for a body of our own API.
    """

    index: int
    data: dict[str, Any]
    header_id: str | None = None
    source: str | None = None


@dataclass(frozen=True, slots=True)
class BadElement:
    """One element that cannot be an event.

    Args:
        index: its place in the body, from 0.
        type: malformed, not_an_object, too_deep or too_large.
        detail: a sentence for the sender; never quotes the element.
    """

    index: int
    type: str
    detail: str


def split_body(body: bytes, content_type: str, headers: Mapping[str, str]) -> list[Element | BadElement]:
    """The elements of a body, in order. An empty array gives none.

    Args:
        body: the uncompressed bytes.
        content_type: the header as received; empty means JSON.
        headers: the request's headers, for ``webhook-id`` and ``ce-*``.

    Raises:
        UnsupportedContentTypeError: the content type is not JSON of any kind.
        InvalidInputError: nothing in the body can be parsed.
    """
    kind = _media_type(content_type)
    lowered = {name.lower(): value for name, value in headers.items()}
    body = body.removeprefix(_BOM).strip()
    _check_pieces(body)
    if f"{_CE_HEADER}specversion" in lowered and f"{_CE_HEADER}id" in lowered:
        data = _load(body) if body else None
        return [check_element(0, _binary_cloudevent(lowered, data))]
    if not body:
        raise InvalidInputError("the body is empty; send one event, a JSON array or NDJSON")
    parts = list(islice(_parse(body, kind), MAX_ELEMENTS + 1))
    if len(parts) > MAX_ELEMENTS:
        raise InvalidInputError(f"one body may hold {MAX_ELEMENTS} events; send them in several")
    if kind == _CE_BATCH and not body.startswith(b"["):
        raise InvalidInputError("a CloudEvents batch must be a JSON array")
    elements = [check_element(index, part) for index, part in enumerate(parts)]
    if len(elements) == 1 and isinstance(elements[0], Element) and "webhook-id" in lowered:
        return [Element(0, elements[0].data, lowered["webhook-id"])]
    return elements


def _media_type(content_type: str) -> str:
    kind, _, parameters = content_type.partition(";")
    kind = kind.strip().lower()
    known = kind in {"", "application/json", "text/json"} or kind in _NDJSON or kind.endswith("+json")
    charset = parameters.lower().partition("charset=")[2].partition(";")[0].strip(' "')
    if not known or charset not in {"", "utf-8", "utf8", "us-ascii"}:
        raise UnsupportedContentTypeError(
            "send application/json, application/x-ndjson or a CloudEvents JSON type, in UTF-8", field="content-type"
        )
    return kind


def _check_pieces(body: bytes) -> None:
    """Refuse a body that would fill the memory when it is parsed.

    Raises:
        InvalidInputError: it holds too many values.
    """
    if len(body) > _SMALL and sum(body.count(mark) for mark in (b",", b"{", b"[", b"\n")) > MAX_PIECES:
        raise InvalidInputError("the body holds too many values for one; send it in smaller parts")


class _Unparsed:
    """Stands for a part of the body that is no JSON."""


_UNPARSED = _Unparsed()


def _load(raw: bytes) -> Any:
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise InvalidInputError("the body is not JSON in UTF-8") from None


def _load_part(raw: bytes) -> Any:
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        return _UNPARSED


def _parse(body: bytes, kind: str) -> Iterator[Any]:
    if kind in _NDJSON:
        parts = _lines(body)
        if not _hopeless(parts):
            return _flatten(parts)
    whole = _load_part(body)
    if not isinstance(whole, _Unparsed):
        if not isinstance(whole, dict | list):
            raise InvalidInputError("an event must be a JSON object")
        return _unwrap(whole) if isinstance(whole, dict) else _flatten([whole])
    parts = [] if body.startswith(b"[") else _lines(body)
    if not any(isinstance(part, dict) for part in parts):
        parts = [_load_part(raw) for raw in split_array(body)]
    if _hopeless(parts):
        raise InvalidInputError("the body is neither JSON nor NDJSON in UTF-8")
    return _flatten(parts)


def _hopeless(parts: list[Any]) -> bool:
    return not any(isinstance(part, dict | list) for part in parts)


def _lines(body: bytes) -> list[Any]:
    return [_load_part(line) for line in body.split(b"\n") if line.strip()]


def _flatten(parts: list[Any]) -> Iterator[Any]:
    for part in parts:
        for item in part if isinstance(part, list) else (part,):
            if isinstance(item, dict):
                yield from _unwrap(item)
            else:
                yield item


def _unwrap(whole: dict[str, Any]) -> Iterator[Any]:
    """The events in a wrapper, or the object itself. A wrapper's topic or type serves elements that name none."""
    inner = whole.get("data")
    events = whole.get("events")
    if events is None and isinstance(inner, dict):
        events = inner.get("events")
    elif isinstance(inner, list) and "specversion" in whole and len(inner) != 1:
        events = inner
    if not isinstance(events, list) or "eventId" in whole or "changes" in whole:
        yield whole
        return
    topic = whole.get("topic") or (whole.get("type") if "specversion" in whole else None)
    for event in events:
        if isinstance(topic, str) and isinstance(event, dict) and "topic" not in event:
            yield {**event, "topic": topic}
        else:
            yield event


def _binary_cloudevent(headers: Mapping[str, str], data: Any) -> dict[str, Any]:
    event: dict[str, Any] = {
        name.removeprefix(_CE_HEADER): unquote(value, errors="replace")
        for name, value in headers.items()
        if name.startswith(_CE_HEADER)
    }
    event["data"] = data
    return event


def check_element(index: int, part: Any) -> Element | BadElement:
    """One part of a body as an element, if it is an object that is neither too large nor too deep."""
    if isinstance(part, dict):
        try:
            compact = orjson.dumps(part)
        except TypeError:  # orjson writes 254 levels, but reads 1024
            return BadElement(index, "too_deep", _TOO_DEEP)
        if len(compact) > MAX_ELEMENT_BYTES:
            return BadElement(index, "too_large", f"one event may have {MAX_ELEMENT_BYTES // 1024} KiB of JSON")
        if compact.count(b"{") + compact.count(b"[") > MAX_DEPTH and _deeper_than(part, MAX_DEPTH):
            return BadElement(index, "too_deep", _TOO_DEEP)
        return Element(index, part)
    if isinstance(part, _Unparsed):
        return BadElement(index, "malformed", "this element is not JSON in UTF-8")
    return BadElement(index, "not_an_object", "an event must be a JSON object")


def _deeper_than(value: Any, levels: int) -> bool:
    layer = [value]
    for _ in range(levels):
        layer = [
            inner
            for outer in layer
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, dict | list)
        ]
        if not layer:
            return False
    return True
