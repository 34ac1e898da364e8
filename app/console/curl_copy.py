"""A request as a command for a shell, which passes on what it shows and runs nothing else.

Its words hold what others chose: names of headers, addresses, text of events. Each is quoted as a whole, for bash, zsh
and every shell that knows ``$'…'`` (POSIX.1-2024, section 2.2.4).
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable

from app.console.visible import is_odd
from app.core.shown_url import MASK
from app.delivery.history import SentRequest

_LONGEST_BODY = 8 * 1024
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_.-]+")
_ESCAPED = re.compile(rb"[^ -&(-\[\]-~]")
"""Bytes that stand as numbers between ``$'`` and ``'``: all but visible ASCII without the quote and the backslash."""
_GLOBS = re.compile(r"[\[\]{}]")
"""What curl takes for a list of addresses, unless it is told not to."""


def curl_of(request: SentRequest) -> str:
    """A command that repeats a request, with a variable in place of each secret."""
    flags = " --globoff" if _GLOBS.search(request.url) else ""
    lines = [f"curl{flags} -X {_word(request.method)} {_address(request.url)}"]
    lines += [f"  -H {_header(name, value)}" for name, value in _pairs(request.headers)]
    if request.body:
        lines.append(f"  {_data(request.body)}")
    return " \\\n".join(lines)


def _pairs(headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(name, value) for name, value in headers if name.lower() != "content-length"]


def _address(url: str) -> str:
    if MASK not in url:
        return _word(url)
    return '"$secret_of_url"'.join(_word(part) if part else "" for part in url.split(MASK))


def _header(name: str, value: str) -> str:
    """One header. The variables are in small letters: no other program's environment must fill them in."""
    if MASK not in value:
        return _word(f"{name}: {value}")
    variable = "$secret_of_" + re.sub(r"\W+", "_", name).lower()
    return f'"{name}: {variable}"' if _PLAIN_NAME.fullmatch(name) else f'{_word(f"{name}: ")}"{variable}"'


def _data(body: bytes) -> str:
    """The body as it is, whatever it begins with; one that no command can hold comes from a file."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        text = "\0"
    if len(body) > _LONGEST_BODY or "\0" in text:
        return "--data-binary @request-body.bin"
    return f"--data-raw {_word(text)}"


def _word(text: str) -> str:
    """One word of the command; what a page shows as a sign, or a browser changes on copying, stands as its bytes."""
    if not is_odd(text) and "\r" not in text:
        return shlex.quote(text)
    escaped = _ESCAPED.sub(lambda found: b"\\%03o" % ord(found[0]), text.encode())
    return f"$'{escaped.decode()}'"
