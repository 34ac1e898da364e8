"""Change windows from files that exist already: an Alertmanager configuration, or a calendar.

Both are read completely before anything is stored, and a window of a name that exists is replaced.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from app.core.clock import Clock, Micros
from app.core.errors import ConflictError, InvalidInputError
from app.core.windows.size import check_size, size_of
from app.core.windows.window import ChangeWindow
from app.core.windows.window_input import read_window
from app.routing.alertmanager_file import alertmanager_entries
from app.routing.calendar_file import calendar_entries
from app.routing.change_windows import ChangeWindowInput, told_openings
from app.routing.own_audit import SYSTEM, Author
from app.routing.policy_service import PolicyService
from app.routing.window_entry import Entry
from app.security.scope import Scope
from app.store.policies import MAX_ROWS

MAX_TEXT = 256 * 1024
MAX_WINDOWS = MAX_ROWS
"""Windows of one file: as many as an organization can have, so that its own export is read back whole."""


class WindowFile(BaseModel):
    """A file to import; ``kind`` is what those of its windows are that do not say it themselves."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)
    format: Literal["alertmanager", "icalendar"]
    text: Annotated[str, Field(max_length=MAX_TEXT)]
    kind: Literal["allow", "freeze"] = "allow"


@dataclass(frozen=True, slots=True)
class ReadWindow:
    """An entry of a file that can be stored: as it is given to the use case, and as it judges events."""

    given: ChangeWindowInput
    window: ChangeWindow


@dataclass(frozen=True, slots=True)
class Refusal:
    """An entry that cannot be stored, and why."""

    entry: Entry
    error: InvalidInputError


class WindowImport:
    """Imports files as change windows.

    Args:
        windows: the use cases of single windows.
        clock: the time, from which a calendar is read on.
    """

    def __init__(self, windows: PolicyService, *, clock: Clock) -> None:
        self._windows = windows
        self._clock = clock

    def preview(self, scope: Scope, organization_id: str, file: WindowFile) -> dict[str, Any]:
        """What a file would store, with the next openings, and every entry that would be refused.

        Raises:
            NotFoundError: no such organization in this scope.
            InvalidInputError: the file as a whole cannot be read.
        """
        known = {one["name"]: one for one in self._windows.all(scope, organization_id)}
        found, refused = self._read(scope, organization_id, file, known)
        now = self._clock()
        shown = [
            {
                "name": one.given.name,
                "kind": one.given.kind,
                "replaces": one.given.name in known,
                "openings": told_openings(one.window, now),
            }
            for one in found
        ]
        told = [{"place": one.entry.place, "name": one.entry.name, "detail": one.error.detail} for one in refused]
        return {"windows": shown, "refused": told}

    def take(self, scope: Scope, organization_id: str, file: WindowFile, by: Author = SYSTEM) -> dict[str, Any]:
        """Import a file; answers the windows it made or replaced.

        Raises:
            NotFoundError: no such organization in this scope.
            ForbiddenError: the key is bound to one context.
            InvalidInputError: the file cannot be read, or one of its windows is wrong; nothing was stored.
            ConflictError: there would be too many windows; nothing was stored.
        """
        known = {one["name"]: one for one in self._windows.all(scope, organization_id)}
        found, refused = self._read(scope, organization_id, file, known)
        if refused:
            raise refused[0].error
        given = [one.given for one in found]
        _check_room([one.name for one in given], known)
        items = [
            self._windows.replace(scope, organization_id, known[one.name]["id"], one, by)
            if one.name in known
            else self._windows.create(scope, organization_id, one, by)
            for one in given
        ]
        return {"items": items, "replaced": sum(one.name in known for one in given)}

    def _read(
        self, scope: Scope, organization_id: str, file: WindowFile, known: Mapping[str, Mapping[str, Any]]
    ) -> tuple[list[ReadWindow], list[Refusal]]:
        """The windows of a file and what cannot be one beside those that are known, each in the file's order."""
        zone = self._windows.zone(scope, organization_id)
        entries = list(islice(_READERS[file.format](file.text, self._clock()), MAX_WINDOWS + 1))
        if not entries:
            raise InvalidInputError("the file holds no change window", field="text")
        if len(entries) > MAX_WINDOWS:
            raise InvalidInputError(
                f"the file holds more than {MAX_WINDOWS} windows; import a part of it", field="text"
            )
        found: dict[str, ReadWindow] = {}
        refused: list[Refusal] = []
        sizes = {name: size_of(one) for name, one in known.items()}
        for entry in entries:
            try:
                one = _window(entry, file.kind, zone)
                _check_once(one.given.name, found)
                size, before = size_of(one.given.spec), sizes.get(one.given.name, 0)
                check_size(size, before=before, others=sum(sizes.values()) - before, field=entry.place)
            except InvalidInputError as error:
                refused.append(Refusal(entry, error))
            else:
                found[one.given.name] = one
                sizes[one.given.name] = size
        return list(found.values()), refused


def _check_once(name: str, found: Collection[str]) -> None:
    if name in found:
        raise InvalidInputError(f"two windows have the name {name!r}; give each its own", field="text")


def _check_room(names: Sequence[str], known: Collection[str]) -> None:
    """Whether all windows of a file can be stored, before the first one is."""
    if len({*names, *known}) > MAX_ROWS:
        raise ConflictError(f"an organization can have {MAX_ROWS} change windows; delete some first")


def _from_alertmanager(text: str, _now: Micros) -> Iterator[Entry]:
    return alertmanager_entries(text)


_READERS: dict[str, Callable[[str, Micros], Iterator[Entry]]] = {
    "alertmanager": _from_alertmanager,
    "icalendar": calendar_entries,
}


def _window(entry: Entry, kind: str, zone: str) -> ReadWindow:
    if isinstance(entry.found, InvalidInputError):
        raise entry.found
    try:
        given = ChangeWindowInput.model_validate({"kind": kind, **entry.found})
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        raise InvalidInputError(first["msg"], field=".".join([entry.place, *map(str, first["loc"])])) from None
    return ReadWindow(given, read_window(given.name, given.spec, local_zone=zone))
