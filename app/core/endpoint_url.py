"""What an endpoint URL must look like to be saved.

This is no verdict about where the URL leads: the HTTP client's own parser and resolver decide that, and every address
it wants to dial is judged then. Here we refuse the forms in which parsers are known to disagree, so that a person
reading the URL and the client see the same host.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import lru_cache
from ipaddress import AddressValueError, IPv6Address

from app.core.errors import InvalidInputError

MAX_URL_LENGTH = 2048
WEB_SCHEMES = ("https", "http")
"""What every sink may send to."""

SYSLOG_TLS = "syslog+tls"
SYSLOG_TCP = "syslog+tcp"
SYSLOG_UDP = "syslog+udp"
SYSLOG_SCHEMES = (SYSLOG_TLS, SYSLOG_TCP, SYSLOG_UDP)
"""Syslog over TLS (RFC 5425), over plain TCP (RFC 6587) and over UDP (RFC 5426), for sinks that say so."""

ENDPOINT_SCHEMES = (*WEB_SCHEMES, *SYSLOG_SCHEMES)
_DEFAULT_PORTS = {"http": 80, "https": 443, SYSLOG_TLS: 6514, SYSLOG_TCP: 514, SYSLOG_UDP: 514}
_ENCRYPTED = {"https", SYSLOG_TLS}
_HIGHEST_PORT = 65_535
_LONGEST_SCHEME = max(map(len, _DEFAULT_PORTS))
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*(?=:)")
_HOST = re.compile(r"\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<name>[A-Za-z0-9._-]+)")
_AUTHORITY_END = re.compile(r"[/?]")


def check_endpoint_url(url: str, schemes: Collection[str] = WEB_SCHEMES) -> None:
    """Accepts an absolute URL of one of the schemes, without anything that parsers read differently.

    Raises:
        InvalidInputError: with ``field="endpoint_url"`` and a sentence that says what to change.
    """
    scheme, _, _ = _split(url)
    if scheme not in schemes:
        raise _wrong(f"This sink cannot send to {scheme}:; use {' or '.join(f'{known}://' for known in schemes)}.")


def origin(url: str) -> str:
    """``scheme://host:port`` in lower case, with the port always written out (RFC 6454 section 4).

    Raises:
        InvalidInputError: the URL is not acceptable.
    """
    scheme, host, port = _split(url)
    return f"{scheme}://{host}:{port}"


def scheme_of(url: str) -> str:
    """The scheme in lower case when the text plainly starts with a known one and ``://``, else ""."""
    scheme, found, _ = url[: _LONGEST_SCHEME + 3].partition("://")
    return scheme.lower() if found and scheme.lower() in _DEFAULT_PORTS else ""


def is_encrypted(scheme: str) -> bool:
    """Whether what goes out under this scheme is encrypted; anything unknown counts as not."""
    return scheme in _ENCRYPTED


@lru_cache(maxsize=4096)
def is_syslog(url: str) -> bool:
    """Whether the URL names a syslog receiver, which takes bytes and gives no answer."""
    return scheme_of(url) in SYSLOG_SCHEMES


def _split(url: str) -> tuple[str, str, int]:
    _check_characters(url)
    scheme = _check_scheme(url)
    authority = _AUTHORITY_END.split(url[len(scheme) + 3 :], maxsplit=1)[0]
    _check_authority(authority)
    matched = _HOST.match(authority)
    if matched is None:
        raise _wrong("The URL has no host name that can be used.")
    if matched["v6"] is not None and not _is_ipv6(matched["v6"]):
        raise _wrong("What stands in brackets is no IPv6 address.")
    if scheme in SYSLOG_SCHEMES and url[len(scheme) + 3 + len(authority) :] not in {"", "/"}:
        raise _wrong(f"Write {scheme}://host:port alone; syslog has no path.")
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


def _is_ipv6(text: str) -> bool:
    try:
        IPv6Address(text)
    except AddressValueError:
        return False
    return True


def _port(rest: str, scheme: str) -> int:
    if not rest:
        return _DEFAULT_PORTS[scheme]
    digits = rest[1:]
    if rest[0] != ":":
        raise _wrong("The host may hold letters, digits, dots and hyphens only.")
    if not digits.isdecimal() or len(digits) > len(str(_HIGHEST_PORT)) or not 1 <= int(digits) <= _HIGHEST_PORT:
        raise _wrong(f"The port must be a number from 1 to {_HIGHEST_PORT}.")
    return int(digits)
