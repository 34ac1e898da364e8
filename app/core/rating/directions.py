"""Which way a change went: the same setting may loosen or tighten a control, depending on its values."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import StrEnum
from ipaddress import IPv4Network, ip_network
from typing import Any

WIDE_IPV4 = 8
"""An IPv4 prefix shorter than this opens an allow-list to strangers."""
WIDE_IPV6 = 32
"""The same for IPv6."""
_LONGEST_NETWORK = 64
_MOST_NETWORKS = 1_000
_ON = frozenset({True, "true", "enabled", "on", "yes"})
_OFF = frozenset({False, "false", "disabled", "paused", "off", "no"})
_EMPTY: tuple[Any, ...] = (None, "", [], {})


class Direction(StrEnum):
    """What a rule may ask of a change; ANY asks nothing."""

    ANY = "any"
    ON = "on"
    OFF = "off"
    SET = "set"
    CLEARED = "cleared"
    OPENED = "opened"
    LOWERED = "lowered"
    GREW = "grew"
    CREATED = "created"
    DELETED = "deleted"
    VIEWED = "viewed"


def went(direction: Direction, action: str, before: Any, after: Any) -> bool:
    """Whether a change went this way.

    Args:
        direction: the way in question.
        action: the event's action.
        before: the value it had.
        after: the value it has now.
    """
    return _TESTS[direction](action, before, after)


def _switched(before: Any, after: Any, wanted: frozenset[object], other: frozenset[object]) -> bool:
    return _folded(after) in wanted and _folded(before) not in wanted and (before is None or _folded(before) in other)


def _folded(value: Any) -> Any:
    if isinstance(value, str):
        return value.strip().lower()
    return value if isinstance(value, bool) else None


def _is_empty(value: Any) -> bool:
    return any(value == empty and type(value) is type(empty) for empty in _EMPTY)


def is_open_to_strangers(networks: Any) -> bool:
    """Whether an allow-list holds a network so wide that it lets strangers in, or nothing at all."""
    if _is_empty(networks):
        return True
    return any(_is_wide(text) for text in _texts(networks))


def _texts(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        return value.replace(",", " ").split()[:_MOST_NETWORKS]
    if isinstance(value, list):
        return [item for item in value[:_MOST_NETWORKS] if isinstance(item, str)]
    return ()


def _is_wide(text: str) -> bool:
    if len(text) > _LONGEST_NETWORK:
        return False
    try:
        network = ip_network(text.strip(), strict=False)
    except ValueError:
        return False
    return network.prefixlen < (WIDE_IPV4 if isinstance(network, IPv4Network) else WIDE_IPV6)


def _number(value: Any) -> tuple[int, ...] | None:
    """A number or a dotted version, comparable with another."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return (value,)
    if isinstance(value, str) and len(value) <= _LONGEST_NETWORK:
        parts = value.lower().removeprefix("tls").strip(" v").split(".")
        if all(part.isdecimal() for part in parts):
            return tuple(int(part) for part in parts)
    return None


def _lowered(before: Any, after: Any) -> bool:
    old, new = _number(before), _number(after)
    return old is not None and new is not None and new < old


def _grew(before: Any, after: Any) -> bool:
    return isinstance(after, list) and any(item not in (before or []) for item in after[:_MOST_NETWORKS])


_TESTS: dict[Direction, Callable[[str, Any, Any], bool]] = {
    Direction.ANY: lambda _action, _before, _after: True,
    Direction.ON: lambda _action, before, after: _switched(before, after, _ON, _OFF),
    Direction.OFF: lambda _action, before, after: _switched(before, after, _OFF, _ON),
    Direction.SET: lambda _action, before, after: _is_empty(before) and not _is_empty(after),
    Direction.CLEARED: lambda _action, before, after: _is_empty(after) and not _is_empty(before),
    Direction.OPENED: lambda _action, _before, after: is_open_to_strangers(after),
    Direction.LOWERED: lambda _action, before, after: _lowered(before, after),
    Direction.GREW: lambda _action, before, after: _grew(before, after),
    Direction.CREATED: lambda action, _before, _after: action in {"create", "add"},
    Direction.DELETED: lambda action, _before, _after: action in {"delete", "remove"},
    Direction.VIEWED: lambda action, _before, _after: action == "view",
}
