"""Text of strangers on a page: what would hide or reorder it is made visible.

Escaping keeps markup from working. It does not keep a right-to-left override from turning ``gpj.exe`` round, nor a NUL
from being dropped by a browser.
"""

from __future__ import annotations

import re

from markupsafe import Markup

_PICTURES = 0x2400
"""Unicode's pictures of the control characters stand here, in the same order."""
_DELETE = 0x7F
_ODD = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069]")


def is_odd(text: str) -> bool:
    """Whether a page shows any of a text as a sign."""
    return _ODD.search(text) is not None


def visible(value: object) -> object:
    """A value that a template is about to write; control characters and overrides of the direction become signs."""
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    return signs(value)


def signs(text: str) -> str:
    """Text of strangers for a page, before markup is put around or into it."""
    return _ODD.sub(_sign, text)


def _sign(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code == _DELETE:
        return "\N{SYMBOL FOR DELETE}"
    return chr(_PICTURES + code) if code < _DELETE else f"[U+{code:04X}]"
