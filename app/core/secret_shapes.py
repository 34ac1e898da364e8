"""Credentials recognised by their shape, wherever in a text they stand.

Private keys (PEM, RFC 7468), JSON Web Tokens (RFC 7519), well-known token prefixes, ``name=value`` and
``"name": "value"`` pairs with a secret name, bearer and basic credentials, user and password in a URL, the secret
path of chat webhooks, and long runs of random-looking characters. Every pattern runs in linear time.
"""

from __future__ import annotations

import re
from math import log2

MASK = "***"
"""What stands in place of every secret, whatever its length."""

_NAMES = (
    r"(?:secret|passw|passphrase|(?<!i)psk|pre[-_ ]?shared|token|api[-_ ]?key|private[-_ ]?key|bind[-_ ]?pw"
    r"|authorization)"
)
_FLAGS = re.IGNORECASE | re.DOTALL
_PEM = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY.*?(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY-----|\Z)", _FLAGS)
_DOTTED = re.compile(r"[A-Za-z0-9_-]++(?:\.[A-Za-z0-9_-]++)++\.?")
_JWT_PARTS = re.compile(r"eyJ[A-Za-z0-9_-]{5,}+\.[A-Za-z0-9_-]{5}")
_ASSIGNMENT = re.compile(rf"({_NAMES}[\w-]{{0,32}}+\s?=\s?)[^\s&\"',;]+", _FLAGS)
_PAIR = re.compile(rf"({_NAMES}[\w .-]{{0,32}}+\\*+\"\s{{0,4}}+:\s{{0,4}}+\\*+\")(?:[^\"\\]|\\.)*+", _FLAGS)
_SCHEME = re.compile(r"\b(bearer|basic)(\s{1,4}+)(?=[a-z._~+/=-]{0,200}[0-9=])[A-Za-z0-9+/_=.~-]{8,}+", _FLAGS)
_PREFIXED = re.compile(
    r"(?:gh[pousr]_|github_pat_|glpat-|xox[abeprs]-|xapp-|whsec_|whsk_|[sr]k_live_|AKIA|AIza)[A-Za-z0-9_+/=-]{12,}+"
)
_USER_INFO = re.compile(r"(://)[^/\s@]{1,512}@")
_CHAT_URL = re.compile(
    r"(https?://(?:hooks\.slack(?:-gov)?\.com|(?:[\w-]{1,30}\.)?discord(?:app)?\.com/api/webhooks"
    r"|[\w.-]{1,100}\.webhook\.office\.com|[\w.-]{1,100}\.logic\.azure\.com|[\w.-]{1,100}\.powerplatform\.com"
    r"|chat\.googleapis\.com))[^\s\"'<>\\]*",
    _FLAGS,
)
_RUN = re.compile(r"[A-Za-z0-9+/_=-]{32,}+")
_CLASS_RUNS = re.compile(r"[a-z]+|[A-Z]+|[0-9]+")
_MIN_CLASS_CHANGES = 0.45
"""Changes between lower, upper and digits per character: random base64 has about 0.6, words about 0.3."""
_MIN_BITS = 4.0
"""Shannon entropy per character; hexadecimal digests and UUIDs never exceed it, so fingerprints stay readable."""
_SHORTEST_SHAPE = 16
_WORD = b"w" * 14
"""The shortest JSON Web Token, and any other token with a known prefix, has so many characters in one piece."""
_LONG_WORD = b"w" * 32
_AS_WORDS = bytes(
    ord("w") if chr(code).isascii() and (chr(code).isalnum() or chr(code) in "+/_=.-") else ord(" ")
    for code in range(256)
)
"""Makes every character of a token a ``w``, so that a plain search finds words of a length: faster than a pattern."""


class Harmless(set[str]):
    """Short texts that a rule has passed unchanged. Names, labels and addresses repeat from event to event."""

    def note(self, text: str) -> str:
        """Remember a text; hands it back."""
        if len(text) <= _HARMLESS_LENGTH:
            if len(self) >= _HARMLESS_COUNT:
                self.clear()
            self.add(text)
        return text


_HARMLESS_LENGTH = 64
_HARMLESS_COUNT = 8_192
_HARMLESS = Harmless()


def mask_text(text: str, *, random_looking: bool = True) -> str:
    """The text with every credential in it replaced by the mask.

    Args:
        text: any text; the common harmless one costs a few substring tests, and a repeated one less.
        random_looking: also mask long runs of random characters. False for ids, which are random by nature.
    """
    if text in _HARMLESS:
        return text
    masked = _masked(text, random_looking=random_looking)
    return _HARMLESS.note(text) if random_looking and masked == text else masked


def _masked(text: str, *, random_looking: bool) -> str:
    if "=" in text:
        text = _ASSIGNMENT.sub(r"\1***", text)
    if '"' in text:
        text = _PAIR.sub(r"\1***", text)
    if len(text) < _SHORTEST_SHAPE:
        return text
    lower = text.lower()
    words = text.encode(errors="replace").translate(_AS_WORDS)
    has_token = _WORD in words
    if "-" in text and "-----begin" in lower:
        text = _PEM.sub(MASK, text)
    if has_token and "eyJ" in text:
        text = _DOTTED.sub(_mask_jwt, text)
    if "bearer" in lower or "basic" in lower:
        text = _SCHEME.sub(r"\1\2***", text)
    if ":" in text and "://" in text:
        text = _CHAT_URL.sub(r"\1/***", text)
        text = _USER_INFO.sub(r"\1***@", text)
    if has_token and _has_prefix(text):
        text = _PREFIXED.sub(MASK, text)
    if random_looking and _LONG_WORD in words and "-----BEGIN" not in text:
        text = _RUN.sub(_mask_random, text)
    return text


def _has_prefix(text: str) -> bool:
    return "_" in text or "xox" in text or "xapp-" in text or "glpat-" in text or "AKIA" in text or "AIza" in text


def _mask_jwt(match: re.Match[str]) -> str:
    return MASK if _JWT_PARTS.search(match[0]) else match[0]


def _mask_random(match: re.Match[str]) -> str:
    return MASK if looks_random(match[0]) else match[0]


def looks_random(run: str) -> bool:
    """Whether an unbroken run of 32 or more characters looks generated rather than written."""
    classes = _CLASS_RUNS.findall(run)
    if len(classes) < _MIN_CLASS_CHANGES * len(run) or run.lower() == run or run.upper() == run:
        return False
    if not any(part[0].isdigit() for part in classes):
        return False
    return _bits_per_character(run) >= _MIN_BITS


def _bits_per_character(run: str) -> float:
    total = len(run)
    return -sum(count / total * log2(count / total) for count in map(run.count, set(run)))
