"""The API of a filter dialect: another language in which people say which events a webhook gets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol, runtime_checkable


@runtime_checkable
class FilterDialect(Protocol):
    """A language for filters. Pure, as a sink is; its objects are used by several threads.

    ``name`` is the word in the API (``[a-z][a-z0-9_]{1,31}``), ``title`` the one for people.
    """

    name: str
    title: str

    def compile(self, expression: str) -> Callable[[Mapping[str, Any]], bool]:
        """A function that says whether a canonical event, in its JSON form, passes.

        Raises:
            ValueError: with one sentence that says what is wrong with the expression; people read it.
        """
        ...
