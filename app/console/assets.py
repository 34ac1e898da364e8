"""Style, script and pictures: read once, named by their content, kept by browsers for ever."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from flask import Response, request

from app.core.errors import NotFoundError

FOLDER = Path(__file__).parent / "static"
PREFIX = "/static/"
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_IMMUTABLE = "public, max-age=31536000, immutable"
_DIGITS = 10


@dataclass(frozen=True, slots=True)
class Asset:
    """One file, plain and compressed."""

    kind: str
    plain: bytes
    packed: bytes


@dataclass(frozen=True, slots=True)
class Assets:
    """Every file by its hashed name, and the hashed names by the plain ones."""

    by_name: Mapping[str, Asset]
    names: Mapping[str, str]

    def url(self, name: str) -> str:
        """Where a file such as ``app.css`` or ``vendor/htmx.min.js`` is served."""
        return PREFIX + self.names[name]

    def serve(self, name: str) -> Response:
        """The answer to a request for a file.

        Raises:
            NotFoundError: no file has this name and content.
        """
        asset = self.by_name.get(name)
        if asset is None:
            raise NotFoundError("no such file")
        packed = bool(request.accept_encodings["gzip"])
        answer = Response(asset.packed if packed else asset.plain, mimetype=asset.kind)
        answer.headers["cache-control"] = _IMMUTABLE
        answer.headers["vary"] = "accept-encoding"
        if packed:
            answer.headers["content-encoding"] = "gzip"
        return answer


@cache
def load_assets() -> Assets:
    """Read the folder; once per process."""
    by_name: dict[str, Asset] = {}
    names: dict[str, str] = {}
    for path in sorted(FOLDER.rglob("*")):
        kind = _TYPES.get(path.suffix)
        if kind is None:
            continue
        plain = path.read_bytes()
        digest = hashlib.sha256(plain).hexdigest()[:_DIGITS]
        hashed = f"{path.stem}.{digest}{path.suffix}"
        by_name[hashed] = Asset(kind, plain, gzip.compress(plain, 9, mtime=0))
        names[path.relative_to(FOLDER).as_posix()] = hashed
    return Assets(by_name, names)
