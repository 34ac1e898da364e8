"""What an endpoint URL must look like to be saved.

This is no verdict about where the URL leads: the HTTP client's own parser and resolver decide that, and every address
it wants to dial is judged then. Here we refuse the forms in which parsers are known to disagree, so that a person
reading the URL and the client see the same host.
"""

from __future__ import annotations

import re

from app.core.errors import InvalidInputError

MAX_URL_LENGTH = 2048
_DEFAULT_PORTS = {"http": 80, "https": 443}
_HIGHEST_PORT = 65_535
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*(?=:)")
_HOST = re.compile(r"\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<name>[A-Za-z0-9._-]+)")
_AUTHORITY_END = re.compile(r"[/?]")


def check_endpoint_url(url: str) -> None:
    """Accepts an absolute http or https URL without anything that parsers read differently.

    Raises:
        InvalidInputError: with ``field="endpoint_url"`` and a sentence that says what to change.
    """
    _split(url)


def origin(url: str) -> str:
    """``scheme://host:port`` in lower case, with the port always written out (RFC 6454 section 4).

    Raises:
        InvalidInputError: the URL is not acceptable.
    """
    scheme, host, port = _split(url)
    return f"{scheme}://{host}:{port}"


def is_https(url: str) -> bool:
    """True only when the text plainly starts with ``https://``; anything unusual counts as not encrypted."""
    return url[:8].lower() == "https://"


def _split(url: str) -> tuple[str, str, int]:
    _check_characters(url)
    scheme = _check_scheme(url)
    authority = _AUTHORITY_END.split(url[len(scheme) + 3 :], maxsplit=1)[0]
    _check_authority(authority)
    matched = _HOST.match(authority)
    if matched is None:
        raise _wrong("The URL has no host name that can be used.")
    return scheme, matched[0].lower(), _port(authority[matched.end() :], scheme)


def _wrong(sentence: str) -> InvalidInputError:
    return InvalidInputError(sentence, field="endpoint_url")


def _check_characters(url: str) -> None:
    if not url:
        raise _wrong("Give the URL that shall receive the events.")
    if len(url) > MAX_URL_LENGTH:
        raise _wrong(f"The URL is longer than {MAX_URL_LENGTH} characters.")
    if any(character <= " " or character == "\x7f" for character in url):
        raise _wrong("The URL holds a space or a control character; write %20 for a space.")
    if not url.isascii():
        raise _wrong("The URL holds a character that is not ASCII; write the host as xn--… and the path with %XX.")
    if "\\" in url:
        raise _wrong("The URL holds a backslash; write / or %5C.")
    if "#" in url:
        raise _wrong("The URL has a fragment (#…), which is never sent; leave it out.")


def _check_scheme(url: str) -> str:
    matched = _SCHEME.match(url)
    if matched is None or (not url[matched.end() :].startswith("://") and "." in matched[0]):
        raise _wrong("The URL has no scheme; start it with https://.")
    scheme = matched[0].lower()
    if scheme not in _DEFAULT_PORTS:
        raise _wrong(f"The scheme {scheme!r} cannot receive events; use https.")
    if not url[matched.end() :].startswith("://"):
        raise _wrong(f"Write two slashes after {scheme}:.")
    return scheme


def _check_authority(authority: str) -> None:
    if "@" in authority:
        raise _wrong("The URL holds a user name or password before @; send credentials as a header instead.")
    if "%" in authority:
        raise _wrong("The host holds a percent sign (an encoded character or a zone id); write the plain host.")


def _port(rest: str, scheme: str) -> int:
    if not rest:
        return _DEFAULT_PORTS[scheme]
    digits = rest[1:]
    if rest[0] != ":":
        raise _wrong("The host may hold letters, digits, dots and hyphens only.")
    if not digits.isdecimal() or len(digits) > len(str(_HIGHEST_PORT)) or not 1 <= int(digits) <= _HIGHEST_PORT:
        raise _wrong(f"The port must be a number from 1 to {_HIGHEST_PORT}.")
    return int(digits)
