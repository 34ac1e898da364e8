"""gzip for request bodies: the same bytes in, the same bytes out, on every machine and at every time."""

from __future__ import annotations

import zlib

GZIP = ("content-encoding", "gzip")
"""The header that goes with a compressed body."""

_GZIP_WINDOW = 16 + zlib.MAX_WBITS
_OS_BYTE = 9
_UNKNOWN_OS = b"\xff"
_FAST = 1
"""zlib's level: a megabyte of events costs a few milliseconds of the delivering thread and shrinks about as well."""


def gzip_body(body: bytes) -> bytes:
    """The body as one gzip member (RFC 1952) that names neither a time nor an operating system."""
    packer = zlib.compressobj(_FAST, zlib.DEFLATED, _GZIP_WINDOW)
    packed = packer.compress(body) + packer.flush()
    return packed[:_OS_BYTE] + _UNKNOWN_OS + packed[_OS_BYTE + 1 :]


def gunzip_body(body: bytes) -> bytes:
    """The inverse of :func:`gzip_body`, for previews and tests.

    Raises:
        ValueError: the bytes are no gzip member.
    """
    try:
        return zlib.decompress(body, _GZIP_WINDOW)
    except zlib.error as error:
        raise ValueError("not a gzip body") from error
