"""Filters in the words of others: ``{"dialect": "…", "expression": "…"}``, judged by a plugin instead of a pattern.

Filters are read wherever events are routed, so the dialects belong to the process, as its plugins do.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from app.core.errors import InvalidInputError
from app.core.filters.budget import Budget, FilterFailedError
from app.core.filters.pattern import Condition, Filter, read_filter

log = logging.getLogger(__name__)

MAX_EXPRESSION = 4_096
"""Characters of an expression."""
MAX_COMPILED = 1_000
"""Compiled expressions kept before the memory starts over."""
_KEYS = {"dialect", "expression"}

Judge = Callable[[Mapping[str, Any]], bool]
"""Whether an event passes; raises ``FilterFailedError`` when it cannot tell."""

Compile = Callable[[str], Judge]
"""Reads an expression; raises ``InvalidInputError`` with a sentence when it is wrong."""


class Dialects:
    """What this process understands. Used by any thread."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._compilers: dict[str, Compile] = {}
        self._compiled: dict[tuple[str, str], Judge] = {}

    def understand(self, compilers: Mapping[str, Compile]) -> None:
        """These dialects count from now on, and no others."""
        with self._mutex:
            self._compilers = dict(compilers)
            self._compiled = {}

    def judge(self, dialect: str, expression: str, place: str) -> Judge:
        """An expression, ready to judge events.

        Raises:
            InvalidInputError: there is no such dialect, or it refuses the expression.
        """
        known = self._compiled.get((dialect, expression))
        if known is not None:
            return known
        compiler = self._compilers.get(dialect)
        if compiler is None:
            there_are = ", ".join(sorted(self._compilers)) or "none; a plugin brings them"
            raise InvalidInputError(
                f"there is no dialect {dialect!r}; there are: {there_are}", field=f"{place}.dialect"
            )
        try:
            judge = compiler(expression)
        except InvalidInputError as wrong:
            raise InvalidInputError(wrong.detail, field=f"{place}.expression") from None
        with self._mutex:
            if len(self._compiled) >= MAX_COMPILED:
                self._compiled.clear()
            self._compiled[dialect, expression] = judge
        return judge


DIALECTS = Dialects()


@dataclass(frozen=True, slots=True)
class _Foreign(Condition):
    """The judgement of a dialect. It gets a copy, so that nothing it does to the event reaches anybody else."""

    judge: Judge

    def holds(self, value: Any, budget: Budget) -> bool:
        del budget
        return self.judge(orjson.loads(orjson.dumps(value)))


def read_any_filter(raw: Any, place: str = "filter") -> Filter:
    """A filter as people write it: a pattern, or an expression of a dialect.

    Args:
        raw: its JSON form.
        place: what to call the whole in errors.

    Raises:
        InvalidInputError: naming the place at fault and what to do.
    """
    if not isinstance(raw, Mapping) or "dialect" not in raw:
        return read_filter(raw, place)
    dialect, expression = raw["dialect"], raw.get("expression")
    if raw.keys() != _KEYS or not isinstance(dialect, str):
        raise InvalidInputError('give {"dialect": name, "expression": text} and nothing else', field=place)
    if not isinstance(expression, str) or not 0 < len(expression) <= MAX_EXPRESSION:
        raise InvalidInputError(f"give a text of 1 to {MAX_EXPRESSION} characters", field=f"{place}.expression")
    return Filter(_Foreign(DIALECTS.judge(dialect, expression, place)))


def stored_filter(raw: Any) -> Filter:
    """A filter that was accepted once. When its dialect is gone it cannot tell, so that its events are delivered."""
    try:
        return read_any_filter(raw)
    except InvalidInputError as error:
        if not isinstance(raw, Mapping) or "dialect" not in raw:
            raise
        log.warning("filter cannot be read, its events are delivered", extra={"why": error.detail})
        return Filter(_Foreign(_undecided))


def _undecided(_event: Mapping[str, Any]) -> bool:
    raise FilterFailedError
