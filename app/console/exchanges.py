"""A request and its response as a page shows them: bytes as text, headers in order, a command to repeat it."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import orjson

from app.console.curl_copy import curl_of
from app.delivery.history import GotResponse, SentRequest

SHOWN = 64 * 1024
"""Bytes of a body on a page; the whole of it is a download away."""
_GZIP = zlib.MAX_WBITS | 16
"""For zlib: a gzip file, header and all."""


@dataclass(frozen=True, slots=True)
class Body:
    """Bytes as text. ``note`` says what is special about them, "" = nothing; JSON can be laid out for the eye."""

    text: str
    size: int
    note: str
    is_json: bool = False


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and what came back."""

    request: SentRequest | None
    request_body: Body
    response: GotResponse | None
    response_body: Body
    curl: str


def shown_exchange(
    request: SentRequest | None, response: GotResponse | None, removed: str = "", *, raw: bool = False
) -> Exchange:
    """The exchange for a page.

    Args:
        request: what was sent, None = nothing.
        response: what came back, None = nothing.
        removed: what to say of bytes that retention has taken.
        raw: JSON as it was sent, not laid out.
    """
    truncated = response is not None and response.truncated
    return Exchange(
        request,
        _shown_sent(request, removed, raw=raw) if request else shown_body(b""),
        response,
        shown_body(response.body if response else b"", truncated=truncated, removed=removed, raw=raw),
        curl_of(request) if request else "",
    )


def _shown_sent(request: SentRequest, removed: str, *, raw: bool) -> Body:
    """The body of a request, unpacked for the eye when it was sent compressed."""
    body = request.body
    if body and any((name.lower(), value) == ("content-encoding", "gzip") for name, value in request.headers):
        unpacking = zlib.decompressobj(_GZIP)
        try:
            plain = unpacking.decompress(body, SHOWN)
        except zlib.error:
            return shown_body(body, removed=removed, raw=raw)
        begun = "" if unpacking.eof else f" Its first {len(plain):,} bytes follow."
        text, is_json = _text(plain, whole=unpacking.eof, raw=raw)
        return Body(text, len(body), f"Sent compressed with gzip, shown unpacked.{begun}", is_json)
    return shown_body(body, removed=removed, raw=raw)


def shown_body(body: bytes | None, *, truncated: bool = False, removed: str = "", raw: bool = False) -> Body:
    """A body as text: other bytes as a hex dump, JSON with indents unless ``raw``. None = it was ``removed``."""
    if body is None:
        return Body("", 0, removed)
    notes = [f"The receiver sent more; {len(body):,} bytes were kept."] if truncated else []
    part = body[:SHOWN]
    if len(body) > SHOWN:
        notes.append(f"The first {SHOWN:,} of {len(body):,} bytes; download the rest.")
    text, is_json = _text(part, whole=len(body) <= SHOWN, raw=raw)
    return Body(text, len(body), " ".join(notes), is_json)


def _text(part: bytes, *, whole: bool, raw: bool) -> tuple[str, bool]:
    """The bytes as text, and whether they are JSON."""
    text = part.decode("utf-8", "replace")
    if whole:
        try:
            laid_out = orjson.dumps(orjson.loads(part), option=orjson.OPT_INDENT_2).decode()
        except orjson.JSONDecodeError:
            pass
        else:
            return text if raw else laid_out, True
    if text.count("\N{REPLACEMENT CHARACTER}") > len(text) // 20:
        return part.hex(" ", 4), False
    return text, False
