"""Pages on the wire: compressed, in a length that tells nothing."""

from __future__ import annotations

import gzip
import io
import secrets

from flask import Response

_WORTH = 1024
"""Smaller pages go as they are."""
_PADDING = 100
"""Each page is longer by a random number of bytes below this one. A form token stands on every page, and what somebody
else typed into an address may stand there too; how well the two compress together must not be seen from outside."""


def compress_page(answer: Response) -> None:
    """Compress an answer with gzip. Its ETag has to be a weak one: the bytes differ each time.

    The padding is the file name that a gzip header has room for.
    """
    plain = answer.get_data()
    if len(plain) < _WORTH:
        return
    packed = io.BytesIO()
    with gzip.GzipFile("a" * (1 + secrets.randbelow(_PADDING)), "wb", 6, packed, mtime=0) as file:
        file.write(plain)
    answer.set_data(packed.getvalue())
    answer.headers["content-encoding"] = "gzip"
