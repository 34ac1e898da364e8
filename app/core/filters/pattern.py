"""Reading a pattern into a tree of conditions, and matching events with it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.core.errors import InvalidInputError
from app.core.filters.budget import Budget
from app.core.filters.operators import MAX_TEXT, MISSING, Test, check_scalar, equals, is_scalar, read_operator

MAX_DEPTH = 8
"""Levels of nesting, of fields and of ``any``, ``all``, ``not`` together."""
MAX_LEAVES = 200
"""Alternatives in all leaves of a pattern together."""
MAX_NAME = 200
"""Characters of one field name."""
COMPOSERS = ("any", "all", "not")


class Condition(ABC):
    """One node of a pattern."""

    @abstractmethod
    def holds(self, value: Any, budget: Budget) -> bool:
        """Whether a value of the event satisfies this node."""

    def refusal(self, value: Any, budget: Budget) -> str | None:
        """The place in the pattern that says no, None when it holds."""
        return None if self.holds(value, budget) else ""


@dataclass(frozen=True, slots=True)
class Filter:
    """A pattern ready to match events.

    Args:
        root: the pattern's outermost condition.
    """

    root: Condition

    def matches(self, event: Mapping[str, Any]) -> bool:
        """Whether an event, in its canonical JSON form, passes.

        Raises:
            FilterTooCostlyError: the event is so large that the answer would take too long.
        """
        return self.root.holds(event, Budget())

    def refusal(self, event: Mapping[str, Any]) -> str | None:
        """The first place of the pattern that says no, as a JSON pointer; None when the event passes.

        Raises:
            FilterTooCostlyError: as for :meth:`matches`.
        """
        return self.root.refusal(event, Budget())


def read_filter(raw: Any, place: str = "filter") -> Filter:
    """A filter from its JSON form.

    Args:
        raw: the pattern, a non-empty object.
        place: what to call the whole in errors; the rest of an error's field is a JSON pointer into the pattern.

    Raises:
        InvalidInputError: naming the place at fault and what to do.
    """
    return Filter(_Reader().pattern(raw, place, MAX_DEPTH))


@dataclass(frozen=True, slots=True)
class _Every(Condition):
    """Named conditions that must all hold of the same value."""

    parts: tuple[tuple[str, Condition], ...]

    def holds(self, value: Any, budget: Budget) -> bool:
        return all(part.holds(value, budget) for _, part in self.parts)

    def refusal(self, value: Any, budget: Budget) -> str | None:
        for name, part in self.parts:
            deeper = part.refusal(value, budget)
            if deeper is not None:
                return f"/{name}{deeper}"
        return None


@dataclass(frozen=True, slots=True)
class _Some(Condition):
    """Conditions of which one must hold."""

    parts: tuple[Condition, ...]

    def holds(self, value: Any, budget: Budget) -> bool:
        return any(part.holds(value, budget) for part in self.parts)


@dataclass(frozen=True, slots=True)
class _Not(Condition):
    """A condition that must not hold."""

    part: Condition

    def holds(self, value: Any, budget: Budget) -> bool:
        budget.spend()
        return not self.part.holds(value, budget)


@dataclass(frozen=True, slots=True)
class _Field(Condition):
    """A condition on one key of an object; of a list, one element must satisfy the whole of it."""

    name: str
    inner: Condition

    def holds(self, value: Any, budget: Budget) -> bool:
        budget.spend()
        return self.inner.holds(_get(value, self.name), budget)

    def refusal(self, value: Any, budget: Budget) -> str | None:
        budget.spend()
        return self.inner.refusal(_get(value, self.name), budget)


@dataclass(frozen=True, slots=True)
class _Nested(Condition):
    """A pattern below a key. A list matches when one and the same element satisfies all of it."""

    inner: _Every

    def holds(self, value: Any, budget: Budget) -> bool:
        if not isinstance(value, list):
            return self.inner.holds(value, budget)
        return any(self.inner.holds(element, budget) for element in value or (MISSING,))

    def refusal(self, value: Any, budget: Budget) -> str | None:
        if not isinstance(value, list) or not value:
            return self.inner.refusal(MISSING if isinstance(value, list) else value, budget)
        return None if self.holds(value, budget) else ""


@dataclass(frozen=True, slots=True)
class _Leaf(Condition):
    """Alternatives for one value; of a list, any element may satisfy any of them."""

    tests: tuple[Test, ...]
    texts: frozenset[str]

    def holds(self, value: Any, budget: Budget) -> bool:
        if isinstance(value, list):
            return any(self._one(element, budget) for element in value or (value,))
        return self._one(value, budget)

    def _one(self, value: Any, budget: Budget) -> bool:
        budget.spend(1 + len(self.tests))
        if isinstance(value, str) and len(value) <= MAX_TEXT and value in self.texts:
            return True
        return any(test(value, budget) for test in self.tests)


def _get(value: Any, name: str) -> Any:
    return value.get(name, MISSING) if isinstance(value, dict) else MISSING


class _Reader:
    """Reads one pattern, counting its leaves."""

    def __init__(self) -> None:
        self._leaves = 0

    def pattern(self, raw: Any, place: str, depth: int) -> _Every:
        """An object of conditions."""
        if not isinstance(raw, Mapping) or not raw:
            hint = 'a pattern is an object that is not empty, such as {"tags": ["trusted_ca"]}'
            raise InvalidInputError(hint, field=place)
        if depth == 0:
            raise InvalidInputError(f"nest at most {MAX_DEPTH} levels", field=place)
        return _Every(tuple((name, self._named(name, inner, f"{place}/{name}", depth)) for name, inner in raw.items()))

    def _named(self, name: Any, raw: Any, place: str, depth: int) -> Condition:
        if not isinstance(name, str) or len(name) > MAX_NAME:
            raise InvalidInputError(f"give field names of at most {MAX_NAME} characters", field=place[:MAX_NAME])
        if name == "not":
            return _Not(self.pattern(raw, place, depth - 1))
        if name in COMPOSERS:
            return self._composed(name, raw, place, depth)
        if isinstance(raw, Mapping):
            return _Field(name, _Nested(self.pattern(raw, place, depth - 1)))
        return _Field(name, self._leaf(raw, place))

    def _composed(self, name: str, raw: Any, place: str, depth: int) -> Condition:
        if not isinstance(raw, list) or not raw:
            raise InvalidInputError(f"{name} takes a list of patterns", field=place)
        parts = [self.pattern(inner, f"{place}/{index}", depth - 1) for index, inner in enumerate(raw)]
        if name == "any":
            return _Some(tuple(parts))
        return _Every(tuple((str(index), part) for index, part in enumerate(parts)))

    def _leaf(self, raw: Any, place: str) -> _Leaf:
        if not isinstance(raw, list) or not raw:
            raise InvalidInputError('a leaf is a list of alternatives, such as ["update", "delete"]', field=place)
        self._count(raw, place)
        texts: set[str] = set()
        tests: list[Test] = []
        for index, alternative in enumerate(raw):
            where = f"{place}/{index}"
            if isinstance(alternative, Mapping):
                tests.append(read_operator(alternative, where))
            elif is_scalar(alternative):
                scalar = check_scalar(alternative, where)
                if isinstance(scalar, str):
                    texts.add(scalar)
                else:
                    tests.append(equals(scalar))
            else:
                raise InvalidInputError("an alternative is a value or an operator, not a list", field=where)
        return _Leaf(tuple(tests), frozenset(texts))

    def _count(self, alternatives: Sequence[Any], place: str) -> None:
        self._leaves += len(alternatives)
        if self._leaves > MAX_LEAVES:
            raise InvalidInputError(f"use at most {MAX_LEAVES} alternatives in the whole pattern", field=place)
