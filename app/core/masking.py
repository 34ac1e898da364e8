"""Masking: no secret reaches the database, a receiver or a screen.

A value is masked when its name says secret, when the source masked it already, or when its shape is that of a
credential. The replacement is always ``***``, whatever the length, and the change itself is kept: a rotation stays
visible. Masking what is masked already changes nothing.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, NamedTuple

from app.core.secret_shapes import MASK, Harmless, mask_text

__all__ = ["EMPTY_TEXTS", "MASK", "has_mask", "is_mask_token", "is_secret_name", "mask_all", "mask_text", "mask_tree"]

MAX_TEXT = 32_768
"""Characters kept of one string; a chain of certificates (30 KB) fits."""

MAX_DEPTH = 64
"""Levels of a tree that are copied. What lies deeper is replaced by the mask."""

EMPTY_TEXTS = frozenset({"", "Empty"})
"""What sources print for "no value"."""

_SECRET_NAME = re.compile(
    r"secret|passw|passphrase|(?<!i)psk|pre[-_ ]?shared|token|api.?key|private.?key|bind.?pw|authorization",
    re.IGNORECASE,
)
_MASK_TOKENS = frozenset({"***", "hidden value *", "[redacted]", "hidden_due_to_security_reasons"})
_INDEX = re.compile(r"\[[^\]]*\]")
_LONGEST_NAME = 256
_LONGEST_TOKEN = 64
_MIN_ASTERISKS = 3
_INT64 = range(-(2**63), 2**64)
_LABEL_KEYS = ("name", "field", "key", "label", "header", "property", "displayName")
_LABELS = frozenset(_LABEL_KEYS)
_VALUE_KEYS = frozenset({"value", "before", "after", "old", "new", "oldvalue", "newvalue", "from", "to", "current"})
_VALUE_KEYS_ALL = _VALUE_KEYS | {"previous", "oldtext", "newtext", "text", "data", "plain", "plaintext"}
_PLAIN_LEAVES = Harmless()
_REMEMBERED_KEYS = 8_192
_REMEMBERED_LENGTH = 64
_PLAIN_IDS = frozenset({"source_id", "request_id", "correlation_id", "trace_id"})
"""Keys whose values are ids: random by nature, so the test for random-looking text does not apply to them."""


@lru_cache(maxsize=4096)
def _names_a_secret(name: str) -> bool:
    return _SECRET_NAME.search(name) is not None


def is_secret_name(name: str) -> bool:
    """Whether a label or a key speaks of a secret. ``psk`` counts, the product name ``ipsk`` does not."""
    return _names_a_secret(name if len(name) <= _LONGEST_NAME else name[:_LONGEST_NAME])


def last_segment(path: str) -> str:
    """The last part of a dotted path, without list members: ``groups[g1].psk`` gives ``psk``."""
    plain = _INDEX.sub("", path) if "[" in path else path
    return plain.rpartition(".")[2]


def is_mask_token(value: object) -> bool:
    """Whether a source wrote this instead of a secret."""
    if type(value) is not str or not value or value[0] not in "*[hH" or len(value) > _LONGEST_TOKEN:
        return False
    text = value.strip().casefold()
    return text in _MASK_TOKENS or (len(text) >= _MIN_ASTERISKS and not text.strip("*"))


def has_mask(value: object) -> bool:
    """Whether the mask stands anywhere in a value, be it inside a longer text."""
    if type(value) is str:
        return MASK in value
    if type(value) is list:
        return any(has_mask(item) for item in value)
    if type(value) is dict:
        return any(has_mask(item) for item in value.values())
    return False


def mask_all(value: Any) -> Any:
    """The mask in place of a whole value; an empty value stays, because "was empty" is no secret."""
    empty = value is None or value in ([], {}) or (type(value) is str and value in EMPTY_TEXTS)
    return value if empty else MASK


def mask_tree(value: Any, *, named: bool = False, _depth: int = 0) -> Any:
    """A masked, bounded copy of any JSON value; NUL characters are dropped.

    Args:
        value: what ``orjson.loads`` gives.
        named: the name of this value says secret: its strings are masked. Numbers and booleans are not, and objects
            are judged key by key, so that "token lifetime" and the name of an API token stay readable.
    """
    kind = type(value)
    if kind is str:
        return _mask_leaf(value, named=named)
    if value is None or kind is bool or kind is float or (kind is int and value in _INT64):
        return value
    if _depth >= MAX_DEPTH:
        return MASK
    if kind is list:
        return [mask_tree(item, named=named, _depth=_depth + 1) for item in value]
    if kind is dict:
        return _mask_object(value, named=named, depth=_depth)
    return _mask_leaf(str(value), named=named)


def _mask_leaf(text: str, *, named: bool) -> str:
    if not named and text in _PLAIN_LEAVES:
        return text
    masked = _masked_leaf(text, named=named)
    return _PLAIN_LEAVES.note(text) if not named and masked == text else masked


def _masked_leaf(text: str, *, named: bool) -> str:
    if "\x00" in text:
        text = text.replace("\x00", "")
    if text in EMPTY_TEXTS:
        return text
    if named or is_mask_token(text):
        return MASK
    return bounded(mask_text(text), MAX_TEXT)


def bounded(text: str, limit: int) -> str:
    """At most ``limit`` characters; a cut shows as an ellipsis."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


class _Key(NamedTuple):
    """What a key says: how it is shown, and whether it speaks of a secret, of the value of one, or of a random id."""

    shown: str
    is_secret: bool
    is_value: bool
    is_id: bool


_KEYS: dict[str, _Key] = {}
"""Short keys that were read before; sources use the same ones in every event."""


def _read_key(key: Any) -> _Key:
    text = str(key)
    shown = bounded(mask_text(text.replace("\x00", "")), _LONGEST_NAME)
    read = _Key(shown, is_secret_name(shown), shown.casefold() in _VALUE_KEYS_ALL, shown in _PLAIN_IDS)
    if len(text) <= _REMEMBERED_LENGTH:
        if len(_KEYS) >= _REMEMBERED_KEYS:
            _KEYS.clear()
        _KEYS[key] = read
    return read


def _is_labelled_secret(value: dict[Any, Any]) -> bool:
    """Whether an object like ``{"name": "Shared secret", "value": …}`` says so of its value."""
    label = next((value[key] for key in _LABEL_KEYS if type(value.get(key)) is str), None)
    return label is not None and is_secret_name(label)


def _mask_object(value: dict[Any, Any], *, named: bool, depth: int) -> dict[str, Any]:
    labelled = not _LABELS.isdisjoint(value) and _is_labelled_secret(value)
    copy: dict[str, Any] = {}
    for key, item in value.items():
        read = _KEYS.get(key) or _read_key(key)
        if read.is_id and type(item) is str:
            copy[read.shown] = bounded(mask_text(item.replace("\x00", ""), random_looking=False), MAX_TEXT)
        else:
            is_named = read.is_secret or (read.is_value and (named or labelled))
            copy[read.shown] = mask_tree(item, named=is_named, _depth=depth + 1)
    return copy
