"""Reading request bodies without trusting them: bounded on the wire and after decompression."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from http import HTTPStatus
from typing import TYPE_CHECKING, TypeVar

import orjson
from flask import Request
from pydantic import BaseModel, ValidationError
from werkzeug.wsgi import get_content_length, get_input_stream

from app.api.problems import ProblemError, from_validation

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

JSON_LIMIT = 1024 * 1024
"""Largest body of a call that configures something."""
_CHUNK = 64 * 1024
_GZIP_WINDOW = 31
"""zlib's window size for data with a gzip header (RFC 1952)."""

ModelT = TypeVar("ModelT", bound=BaseModel)


def read_bounded(environ: WSGIEnvironment, limit: int) -> bytes:
    """The whole body of a WSGI request, decompressed when it is gzip.

    Raises:
        ProblemError: 413 over the limit before or after decompression, 415 unknown encoding, 400 broken gzip.
    """
    encoding = environ.get("HTTP_CONTENT_ENCODING", "identity").strip().lower()
    if encoding not in {"identity", "gzip", "x-gzip"}:
        raise ProblemError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "the body may be plain or gzip")
    if (get_content_length(environ) or 0) > limit:
        raise _too_large(limit)
    chunks = _wire_chunks(environ)
    return _joined(_gunzipped(chunks, limit) if encoding != "identity" else chunks, limit)


def require_plain(environ: WSGIEnvironment) -> None:
    """Refuse a body that is not as it was signed.

    Raises:
        ProblemError: 415, it is compressed.
    """
    if environ.get("HTTP_CONTENT_ENCODING", "identity").strip().lower() != "identity":
        raise ProblemError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "send the body as it was signed, not compressed")


def read_model(request: Request, model: type[ModelT]) -> ModelT:
    """A JSON body as a model; no body counts as an empty object.

    Raises:
        ProblemError: 413, 415, 400 not JSON, 422 naming the fields at fault.
    """
    body = read_bounded(request.environ, JSON_LIMIT)
    if body and request.mimetype not in {"application/json", ""} and not request.mimetype.endswith("+json"):
        raise ProblemError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "send application/json")
    try:
        content = orjson.loads(body) if body else {}
    except orjson.JSONDecodeError as error:
        raise ProblemError(HTTPStatus.BAD_REQUEST, f"the body is not JSON: line {error.lineno}") from None
    if not isinstance(content, dict):
        raise ProblemError(HTTPStatus.BAD_REQUEST, "the body must be a JSON object")
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise from_validation(error) from None


def _too_large(limit: int) -> ProblemError:
    return ProblemError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the body may hold at most {limit} bytes")


def _wire_chunks(environ: WSGIEnvironment) -> Iterator[bytes]:
    stream = get_input_stream(environ)
    while chunk := stream.read(_CHUNK):
        yield chunk


def _joined(chunks: Iterator[bytes], limit: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > limit:
            raise _too_large(limit)
        parts.append(chunk)
    return b"".join(parts)


def _gunzipped(chunks: Iterator[bytes], limit: int) -> Iterator[bytes]:
    """Decompress in steps of at most a chunk, so that a small bomb never becomes a large allocation."""
    member = zlib.decompressobj(_GZIP_WINDOW)
    wire = 0
    try:
        for chunk in chunks:
            wire += len(chunk)
            if wire > limit:
                raise _too_large(limit)
            rest = chunk
            while rest:
                if member.eof:
                    member = zlib.decompressobj(_GZIP_WINDOW)
                yield member.decompress(rest, _CHUNK)
                rest = member.unused_data if member.eof else member.unconsumed_tail
        while not member.eof and (piece := member.decompress(member.unconsumed_tail, _CHUNK)):
            yield piece
    except zlib.error:
        raise ProblemError(HTTPStatus.BAD_REQUEST, "the body is not valid gzip") from None
    if not member.eof:
        raise ProblemError(HTTPStatus.BAD_REQUEST, "the gzip body is cut short")
