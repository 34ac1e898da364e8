"""Change windows from files that exist already: an Alertmanager configuration, or a calendar.

Both are read completely before anything is stored, and a window of a name that exists is replaced.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import islice
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from app.core.clock import Clock, Micros
from app.core.errors import ConflictError, InvalidInputError
from app.routing.calendar_file import calendar_windows
from app.routing.change_windows import ChangeWindowInput
from app.routing.own_audit import SYSTEM, Author
from app.routing.policy_service import PolicyService
from app.security.scope import Scope
from app.store.policies import MAX_ROWS

MAX_TEXT = 256 * 1024
MAX_WINDOWS = 100
"""Windows of one file."""


class WindowFile(BaseModel):
    """A file to import; ``kind`` is what all its windows are."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)
    format: Literal["alertmanager", "icalendar"]
    text: Annotated[str, Field(max_length=MAX_TEXT)]
    kind: Literal["allow", "freeze"] = "allow"


class WindowImport:
    """Imports files as change windows.

    Args:
        windows: the use cases of single windows.
        clock: the time, from which a calendar is read on.
    """

    def __init__(self, windows: PolicyService, *, clock: Clock) -> None:
        self._windows = windows
        self._clock = clock

    def take(self, scope: Scope, organization_id: str, file: WindowFile, by: Author = SYSTEM) -> dict[str, Any]:
        """Import a file; answers the windows it made or replaced.

        Raises:
            NotFoundError: no such organization in this scope.
            ForbiddenError: the key is bound to one context.
            InvalidInputError: the file cannot be read, or one of its windows is wrong; nothing was stored.
            ConflictError: there would be too many windows; nothing was stored.
        """
        known = {one["name"]: one["id"] for one in self._windows.all(scope, organization_id)}
        found = list(islice(_READERS[file.format](file, self._clock()), MAX_WINDOWS + 1))
        if not found:
            raise InvalidInputError("the file holds no change window", field="text")
        if len(found) > MAX_WINDOWS:
            raise InvalidInputError(
                f"the file holds more than {MAX_WINDOWS} windows; import a part of it", field="text"
            )
        _check_names([one.name for one in found], known)
        for one in found:
            self._windows.check(scope, organization_id, one)
        items = [
            self._windows.replace(scope, organization_id, known[one.name], one, by)
            if one.name in known
            else self._windows.create(scope, organization_id, one, by)
            for one in found
        ]
        return {"items": items, "replaced": sum(one.name in known for one in found)}


def _check_names(names: Sequence[str], known: Collection[str]) -> None:
    """Whether all windows of a file can be stored, before the first one is."""
    twice = next((name for name, times in Counter(names).items() if times > 1), None)
    if twice is not None:
        raise InvalidInputError(f"two windows have the name {twice!r}; give each its own", field="text")
    if len({*names, *known}) > MAX_ROWS:
        raise ConflictError(f"an organization can have {MAX_ROWS} change windows; delete some first")


class _PlainLoader(yaml.BaseLoader):
    """Every scalar is a text, so that 09:00 stays a time; no aliases, so that a small file stays small."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        """One node of the document."""
        if self.check_event(yaml.AliasEvent):
            raise InvalidInputError("write the file without YAML aliases", field="text")
        return super().compose_node(parent, index)


def _from_alertmanager(file: WindowFile, _now: Micros) -> Iterator[ChangeWindowInput]:
    try:
        document = yaml.load(file.text, Loader=_PlainLoader)  # noqa: S506 - builds texts, lists and objects only
    except (yaml.YAMLError, RecursionError):
        raise InvalidInputError("not readable as YAML", field="text") from None
    if not isinstance(document, dict):
        raise InvalidInputError("give an Alertmanager file with time_intervals", field="text")
    for key in ("time_intervals", "mute_time_intervals"):
        named = document.get(key) or []
        if not isinstance(named, list):
            raise InvalidInputError("must be a list", field=f"text.{key}")
        for index, one in enumerate(named):
            if not isinstance(one, dict):
                raise InvalidInputError("must have a name and time_intervals", field=f"text.{key}.{index}")
            yield _window(f"text.{key}.{index}", {**one, "kind": file.kind})


def _from_calendar(file: WindowFile, now: Micros) -> Iterator[ChangeWindowInput]:
    for place, spec in calendar_windows(file.text, now):
        yield _window(place, {**spec, "kind": file.kind})


_READERS: dict[str, Callable[[WindowFile, Micros], Iterator[ChangeWindowInput]]] = {
    "alertmanager": _from_alertmanager,
    "icalendar": _from_calendar,
}


def _window(place: str, spec: dict[str, Any]) -> ChangeWindowInput:
    try:
        return ChangeWindowInput.model_validate(spec)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        raise InvalidInputError(first["msg"], field=".".join([place, *map(str, first["loc"])])) from None
