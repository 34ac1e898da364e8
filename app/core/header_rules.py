"""Which headers may leave with a request.

The HTTP client writes header lines as they are, so a line break in a value would become a second header, and a
``Content-Length`` of the user's would replace the true one. These rules stand between; they are applied when a
header is saved and once more when a request is built.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from app.core.errors import InvalidInputError

MAX_HEADERS = 20
"""Headers a user may set on one webhook."""
MAX_BUILT_HEADERS = 64
"""Headers of one built request: the user's, the sink's and the signature's."""
MAX_VALUE_LENGTH = 4096
MAX_NAME_LENGTH = 128

REFUSED_NAMES = frozenset(
    {
        *("host", "content-length", "transfer-encoding", "connection", "te", "trailer", "upgrade"),
        *("expect", "accept-encoding", "keep-alive"),
    }
)
"""They frame the message or steer the connection, which is the client's business alone."""

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""RFC 9110 section 5.6.2."""
_VALUE = re.compile(r"[!-~](?:[\t -~]*[!-~])?")
"""RFC 9110 section 5.5 without obs-text: visible ASCII, spaces and tabs inside only."""


def check_headers(pairs: Sequence[tuple[str, str]], *, field: str = "headers") -> None:
    """Accepts the headers a user wants to set on a webhook.

    Args:
        pairs: names and values.
        field: the dotted name of the field for the error.

    Raises:
        InvalidInputError: naming the header at fault, never its value.
    """
    if len(pairs) > MAX_HEADERS:
        raise InvalidInputError(f"At most {MAX_HEADERS} headers can be set.", field=field)
    for name, value in pairs:
        _check_name(name, field)
        if name.lower().startswith("webhook-"):
            raise InvalidInputError(f"The header {name} is written by the signature.", field=f"{field}.{name}")
        _check_value(name, value, field)


def is_token(name: str) -> bool:
    """Whether a text can be the name of a header (RFC 9110, section 5.6.2)."""
    return _TOKEN.fullmatch(name) is not None


def header_lines(pairs: Sequence[tuple[str, str]]) -> list[str]:
    """The lines ``name: value`` of a built request, every one checked; our own signature headers are welcome.

    Raises:
        InvalidInputError: a line that must not be sent, with ``field="headers"`` or ``"headers.<name>"``.
    """
    if len(pairs) > MAX_BUILT_HEADERS:
        raise InvalidInputError(f"At most {MAX_BUILT_HEADERS} headers can be sent.", field="headers")
    lines = []
    for name, value in pairs:
        if not _is_sendable(name):
            _check_name(name, "headers")
        if _VALUE.fullmatch(value) is None or len(value) > MAX_VALUE_LENGTH:
            _check_value(name, value, "headers")
        lines.append(f"{name}: {value}")
    return lines


@lru_cache(maxsize=1024)
def _is_sendable(name: str) -> bool:
    """The verdict of ``_check_name`` remembered, since every request carries the same few names."""
    try:
        _check_name(name, "")
    except InvalidInputError:
        return False
    return True


def _check_name(name: str, field: str) -> None:
    if _TOKEN.fullmatch(name) is None or len(name) > MAX_NAME_LENGTH:
        raise InvalidInputError(
            f"{name[:40]!r} is not a header name; use letters, digits and hyphens, at most {MAX_NAME_LENGTH}.",
            field=field,
        )
    lower = name.lower()
    if lower in REFUSED_NAMES or lower.startswith("proxy-"):
        raise InvalidInputError(f"The header {name} cannot be set; the client writes it.", field=f"{field}.{name}")


def _check_value(name: str, value: str, field: str) -> None:
    if not 1 <= len(value) <= MAX_VALUE_LENGTH:
        raise InvalidInputError(
            f"The value of {name} must have 1 to {MAX_VALUE_LENGTH} characters.", field=f"{field}.{name}"
        )
    if _VALUE.fullmatch(value) is None:
        raise InvalidInputError(
            f"The value of {name} may hold visible ASCII characters, with spaces or tabs between them only.",
            field=f"{field}.{name}",
        )
