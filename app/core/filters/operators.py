"""The tests a leaf can hold, each read from its JSON form into a function of one value."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any, Final

from app.core.errors import InvalidInputError
from app.core.filters.budget import Budget

MAX_TEXT = 1_024
"""Characters of one text in a pattern."""
MAX_WILDCARDS = 5
"""Stars in one wildcard."""
MAX_LISTED = 200
"""Values in one list of ``anything-but``."""
_LONGEST_ADDRESS = 64
_CIDR_STEPS = 10

Network = IPv4Network | IPv6Network
Scalar = str | int | float | bool | None

Test = Callable[[Any, Budget], bool]
"""Answers for one value of the event; never raises but for the budget."""


class Missing:
    """Stands for a key that the event does not have."""


MISSING: Final = Missing()


def equals(wanted: Scalar) -> Test:
    """The value is this one. A number is never a truth value, though Python thinks so."""
    if isinstance(wanted, bool) or wanted is None:
        return lambda value, _: value is wanted
    if isinstance(wanted, str):
        return lambda value, _: isinstance(value, str) and value == wanted
    return lambda value, _: _is_number(value) and value == wanted


def read_operator(raw: Mapping[str, Any], place: str) -> Test:
    """One operator with its argument, such as ``{"prefix": "radius."}``.

    Raises:
        InvalidInputError: naming the place in the pattern.
    """
    if len(raw) != 1:
        raise InvalidInputError("an operator is an object with exactly one key", field=place)
    name, argument = next(iter(raw.items()))
    reader = _READERS.get(name)
    if reader is None:
        raise InvalidInputError(f"there is no such operator; use one of {', '.join(_READERS)}", field=f"{place}/{name}")
    return reader(argument, f"{place}/{name}")


def is_scalar(value: Any) -> bool:
    """Whether a JSON value is neither an object nor a list."""
    return value is None or isinstance(value, str | int | float)


def check_scalar(value: Any, place: str) -> Scalar:
    """A value that a leaf may hold.

    Raises:
        InvalidInputError: it is too long, or no number.
    """
    if isinstance(value, str):
        return _text(value, place, empty=True)
    if isinstance(value, float) and not math.isfinite(value):
        raise InvalidInputError("not a number that JSON knows", field=place)
    if not is_scalar(value):
        raise InvalidInputError("give a text, a number, true, false or null", field=place)
    scalar: Scalar = value
    return scalar


def _text(raw: Any, place: str, *, empty: bool = False) -> str:
    if not isinstance(raw, str) or (not raw and not empty):
        raise InvalidInputError("give a text", field=place)
    if len(raw) > MAX_TEXT:
        raise InvalidInputError(f"give at most {MAX_TEXT} characters", field=place)
    return raw


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _prefix(raw: Any, place: str) -> Test:
    start = _text(raw, place)
    return lambda value, _: isinstance(value, str) and value.startswith(start)


def _suffix(raw: Any, place: str) -> Test:
    end = _text(raw, place)
    return lambda value, _: isinstance(value, str) and value.endswith(end)


def _equals_ignore_case(raw: Any, place: str) -> Test:
    wanted = _text(raw, place, empty=True).casefold()
    # Folding makes a text at most three times as long (Unicode, SpecialCasing), so longer ones cannot be equal.
    longest = 3 * len(wanted)

    def test(value: Any, budget: Budget) -> bool:
        if not isinstance(value, str) or len(value) > longest:
            return False
        budget.read(value)
        return value.casefold() == wanted

    return test


def _wildcard(raw: Any, place: str) -> Test:
    pattern = _text(raw, place)
    first, *middle = pattern.split("*")
    if not middle:
        return equals(pattern)
    if len(middle) > MAX_WILDCARDS:
        raise InvalidInputError(f"use at most {MAX_WILDCARDS} stars", field=place)
    last = middle.pop()
    shortest = len(pattern) - pattern.count("*")

    def test(value: Any, budget: Budget) -> bool:
        if not isinstance(value, str) or len(value) < shortest:
            return False
        if not (value.startswith(first) and value.endswith(last)):
            return False
        position, end = len(first), len(value) - len(last)
        for part in middle:
            budget.read(value)
            position = value.find(part, position, end)
            if position < 0:
                return False
            position += len(part)
        return True

    return test


def _anything_but(raw: Any, place: str) -> Test:
    """The value exists and is none of these. On a list it is enough that one element is none of these."""
    if isinstance(raw, Mapping):
        if set(raw) - {"prefix", "suffix", "wildcard", "equals-ignore-case"}:
            hint = "anything-but takes values, or one of prefix, suffix, wildcard, equals-ignore-case"
            raise InvalidInputError(hint, field=place)
        tests = [read_operator(raw, place)]
    else:
        values = raw if isinstance(raw, list) else [raw]
        if not values or len(values) > MAX_LISTED:
            raise InvalidInputError(f"give from 1 to {MAX_LISTED} values", field=place)
        tests = [equals(check_scalar(value, f"{place}/{index}")) for index, value in enumerate(values)]

    def test(value: Any, budget: Budget) -> bool:
        budget.spend(len(tests))
        return is_scalar(value) and not any(one(value, budget) for one in tests)

    return test


_COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt,
    "<=": operator.le,
    "=": operator.eq,
    ">=": operator.ge,
    ">": operator.gt,
}


def _numeric(raw: Any, place: str) -> Test:
    """One or two comparisons, as in ``[">", 0, "<=", 5]``; both must hold."""
    if not isinstance(raw, list) or len(raw) not in {2, 4}:
        raise InvalidInputError('give one or two comparisons, such as [">=", 4]', field=place)
    pairs = []
    for index in range(0, len(raw), 2):
        sign, bound = raw[index], raw[index + 1]
        compare = _COMPARISONS.get(sign) if isinstance(sign, str) else None
        if compare is None:
            raise InvalidInputError(f"use one of {' '.join(_COMPARISONS)}", field=f"{place}/{index}")
        if not _is_number(bound) or not math.isfinite(bound):
            raise InvalidInputError("give a number", field=f"{place}/{index + 1}")
        pairs.append((compare, bound))
    return lambda value, _: _is_number(value) and all(compare(value, bound) for compare, bound in pairs)


def _exists(raw: Any, place: str) -> Test:
    if not isinstance(raw, bool):
        raise InvalidInputError("give true or false", field=place)
    return lambda value, _: (value is not MISSING) is raw


def _cidr(raw: Any, place: str) -> Test:
    """The value is an address of this network, or a network within it."""
    network = _network(_text(raw, place))
    if network is None:
        raise InvalidInputError("give a network such as 10.0.0.0/8 or 2001:db8::/32", field=place)

    def test(value: Any, budget: Budget) -> bool:
        if not isinstance(value, str):
            return False
        budget.spend(_CIDR_STEPS)
        found = _network(value)
        return found is not None and _within(found, network)

    return test


def _within(inner: Network, outer: Network) -> bool:
    if isinstance(inner, IPv4Network) and isinstance(outer, IPv4Network):
        return inner.subnet_of(outer)
    return isinstance(inner, IPv6Network) and isinstance(outer, IPv6Network) and inner.subnet_of(outer)


def _network(text: str) -> Network | None:
    if len(text) > _LONGEST_ADDRESS:
        return None
    try:
        return ip_network(text, strict=False)
    except ValueError:
        return None


_READERS: dict[str, Callable[[Any, str], Test]] = {
    "prefix": _prefix,
    "suffix": _suffix,
    "equals-ignore-case": _equals_ignore_case,
    "wildcard": _wildcard,
    "anything-but": _anything_but,
    "numeric": _numeric,
    "exists": _exists,
    "cidr": _cidr,
}
