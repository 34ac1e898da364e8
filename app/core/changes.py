"""Before and after: six conventions of sources, folded to one list of masked changes.

A list of entries; an object keyed by field; two whole snapshots; one old and new value per event; ``x`` beside
``x_was``; and entries that carry only the old value. A pair of equal masks is a rotation and stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from app.core.aliases import AFTER, BEFORE, FIELD, SNAPSHOTS, find, first_key, text_of
from app.core.event import Change
from app.core.masking import EMPTY_TEXTS, MASK, has_mask, is_secret_name, last_segment, mask_all, mask_tree

_WAS = "_was"
_UNNAMED = "value"
_ENTRY_KEYS = frozenset(BEFORE + AFTER)
_READ_FROM = {key: frozenset({key}) for key in ("changes", "change", "modifiedProperties")}


def fold_changes(element: Mapping[str, Any], *, trusted: bool) -> tuple[list[Change], frozenset[str]]:
    """The changes of an element, and the top-level keys they were read from.

    Args:
        element: the element as received.
        trusted: the element is in our own canonical shape, so a secret entry that holds masks was masked exactly.
    """
    change = element.get("change")
    for key, entries in (
        ("changes", element.get("changes")),
        ("change", change.get("fields") if type(change) is dict else None),
        ("modifiedProperties", element.get("modifiedProperties")),
    ):
        if type(entries) is list or type(entries) is dict:
            return _from_entries(entries, trusted=trusted), _READ_FROM[key]
    return _from_snapshots(element)


def _from_entries(entries: Any, *, trusted: bool) -> list[Change]:
    if type(entries) is list:
        return [
            _from_entry(entry, None, trusted=trusted)
            if type(entry) is dict
            else make_change(str(entry), None, None, None)
            for entry in entries
            if type(entry) is dict or type(entry) is str
        ]
    return [
        _from_entry(entry, str(key), trusted=trusted)
        if type(entry) is dict and not _ENTRY_KEYS.isdisjoint(entry)
        else make_change(str(key), None, None, entry)
        for key, entry in entries.items()
    ]


def _from_entry(entry: dict[str, Any], key: str | None, *, trusted: bool) -> Change:
    label = text_of(find(entry, FIELD))
    path = text_of(entry.get("path")) or key
    before_key, after_key = first_key(entry, BEFORE), first_key(entry, AFTER)
    return make_change(
        label or path or _UNNAMED,
        path,
        None if before_key is None else entry[before_key],
        entry.get("value") if after_key is None else entry[after_key],
        secret=entry.get("secret") is True or entry.get("secret") == "true",
        trusted=trusted,
    )


def _from_snapshots(element: Mapping[str, Any]) -> tuple[list[Change], frozenset[str]]:
    holder = element.get("snapshots")
    for old, new in SNAPSHOTS:
        if type(holder) is dict and (old in holder or new in holder):
            return _from_pair(holder.get(old), holder.get(new)), frozenset({"snapshots"})
        if old in element and new in element:
            return _from_pair(element[old], element[new]), frozenset({old, new})
    changes: list[Change] = []
    used: set[str] = set()
    for key, value in element.items():
        name = key.removesuffix(_WAS)
        if name != key and name in element:
            changes.append(make_change(name, name, value, element[name]))
            used.update((key, name))
    return changes, frozenset(used)


def _from_pair(before: Any, after: Any) -> list[Change]:
    if not (type(before) is dict or type(after) is dict):
        return [make_change(_UNNAMED, None, before, after)]
    old = before if type(before) is dict else {}
    new = after if type(after) is dict else {}
    return [
        make_change(str(key), str(key), old.get(key), new.get(key))
        for key in dict.fromkeys([*old, *new])
        if old.get(key) != new.get(key) or has_mask(old.get(key))
    ]


def make_change(
    label: str, path: str | None, before: Any, after: Any, *, secret: bool = False, trusted: bool = False
) -> Change:
    """One masked change. Null, ``""``, ``Empty`` and missing are all None.

    Args:
        label: the field as people see it.
        path: its dotted path, where known.
        before: any JSON value.
        after: any JSON value.
        secret: the source says that the values are secret: both sides become the mask.
        trusted: a secret value that already holds masks was masked exactly, and is kept.
    """
    field = text_of(label) or _UNNAMED
    path = text_of(path)
    named = _names_secret(field, path)
    old, old_hit = _masked(before, named=named)
    new, new_hit = _masked(after, named=named)
    rotated = MASK in (old, new)
    if secret or rotated:
        exact = trusted and not rotated and (has_mask(old) or has_mask(new))
        if not exact:
            old, new = mask_all(old), mask_all(new)
        secret = True
    return {"field": field, "path": path, "before": old, "after": new, "secret": secret or old_hit or new_hit}


@lru_cache(maxsize=4096)
def _names_secret(field: str, path: str | None) -> bool:
    return is_secret_name(field) or (path is not None and is_secret_name(last_segment(path)))


def _masked(value: Any, *, named: bool) -> tuple[Any, bool]:
    if value is None or value is True or value is False or (type(value) is str and value in EMPTY_TEXTS):
        return value if type(value) is bool else None, False
    copy = mask_tree(value, named=named)
    if type(copy) is str:
        return copy or None, copy == MASK or (copy != value and MASK in copy)
    return copy, has_mask(copy)
