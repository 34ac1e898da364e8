"""Change windows as people write them, look at them and try them out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from sqlalchemy import RowMapping

from app.core.clock import Clock, Micros, to_rfc3339
from app.core.errors import InvalidInputError
from app.core.moments import parse_moment
from app.core.windows.decision import decide
from app.core.windows.openings import Opening, next_openings
from app.core.windows.size import check_size, size_of
from app.core.windows.window import ChangeWindow
from app.core.windows.window_input import MAX_COVERED, MAX_GRACE_MINUTES, MAX_INTERVALS, read_window
from app.routing.policies import read_policy
from app.routing.policy_service import PolicyKind, PolicyService
from app.security.scope import Scope
from app.store.engine import Store
from app.store.tables_policies import change_windows

OPENINGS = 5
OPENINGS_OF_A_WEEK = 60
"""Openings looked at for the picture of a week; a window that opens more often is shown in part."""
MAX_NAME = 125
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_NAME)]
Covered = Annotated[
    list[Annotated[str, StringConstraints(min_length=1, max_length=200)]], Field(max_length=MAX_COVERED)
]


class ChangeWindowInput(BaseModel):
    """A window that recurs by ``time_intervals``, or happens once from ``starts_at`` to ``ends_at``."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)
    name: Name
    kind: Literal["allow", "freeze"] = "allow"
    time_intervals: Annotated[list[dict[str, Any]], Field(max_length=MAX_INTERVALS)] | None = None
    starts_at: str | None = None
    ends_at: str | None = None
    grace_minutes: Annotated[int, Field(ge=0, le=MAX_GRACE_MINUTES, strict=True)] = 0
    contexts: Covered | None = None
    tags: Covered | None = None
    actors: Covered | None = None

    @property
    def spec(self) -> dict[str, Any]:
        """Everything but the name, as it is stored."""
        return self.model_dump(exclude={"name"}, exclude_none=True)


class WindowTrial(BaseModel):
    """A made-up event to hold against the stored windows."""

    model_config = ConfigDict(extra="forbid")
    time: str
    context_id: str | None = None
    tags: Annotated[list[str], Field(max_length=MAX_COVERED)] = []
    actor: str | None = None


def _columns(new: ChangeWindowInput, zone: str) -> dict[str, Any]:
    read_window(new.name, new.spec, local_zone=zone)
    return {"name": new.name, "spec": orjson.dumps(new.spec).decode()}


def _view(row: RowMapping) -> dict[str, Any]:
    return {
        "id": row["id"],
        "name": row["name"],
        **orjson.loads(row["spec"]),
        "created_at": to_rfc3339(row["created_at"]),
        "updated_at": to_rfc3339(row["updated_at"]),
    }


def _check_room(new: Mapping[str, Any], others: Sequence[RowMapping], before: RowMapping | None) -> None:
    check_size(
        size_of(orjson.loads(new["spec"])),
        before=0 if before is None else size_of(orjson.loads(before["spec"])),
        others=sum(size_of(orjson.loads(row["spec"])) for row in others),
        field="time_intervals",
    )


CHANGE_WINDOWS = PolicyKind("change window", "cw", change_windows, _columns, _view, _check_room)


class WindowTrials:
    """Looking at change windows before and after they are saved.

    Args:
        store: the database.
        windows: the stored windows' own use cases.
        clock: the time.
    """

    def __init__(self, store: Store, windows: PolicyService, *, clock: Clock) -> None:
        self._store = store
        self._windows = windows
        self._clock = clock

    def openings(self, scope: Scope, organization_id: str, window_id: str) -> list[dict[str, Any]]:
        """The next openings of a stored window.

        Raises:
            NotFoundError: there is none in this scope.
        """
        stored = self._windows.get(scope, organization_id, window_id)
        spec = {name: value for name, value in stored.items() if name in ChangeWindowInput.model_fields}
        return self.preview(scope, organization_id, ChangeWindowInput.model_validate(spec))

    def openings_of_all(self, scope: Scope, organization_id: str) -> dict[str, list[dict[str, Any]]]:
        """The next openings of every stored window, by its name.

        Raises:
            NotFoundError: no such organization in this scope.
        """
        self._windows.zone(scope, organization_id)
        windows = read_policy(self._store, organization_id).windows
        return {window.name: told_openings(window, self._clock()) for window in windows}

    def preview(self, scope: Scope, organization_id: str, new: ChangeWindowInput) -> list[dict[str, Any]]:
        """The next openings of a window that is not saved.

        Raises:
            NotFoundError: no such organization in this scope.
            InvalidInputError: naming the field at fault.
        """
        zone = self._windows.zone(scope, organization_id)
        return told_openings(read_window(new.name, new.spec, local_zone=zone), self._clock())

    def stretches(
        self, scope: Scope, organization_id: str, since: Micros, until: Micros
    ) -> list[tuple[ChangeWindow, Opening]]:
        """When the stored windows are open between two moments; what began before is told from ``since`` on.

        Raises:
            NotFoundError: no such organization in this scope.
        """
        self._windows.zone(scope, organization_id)
        return [
            (window, opening)
            for window in read_policy(self._store, organization_id).windows
            for opening in next_openings(window, since, OPENINGS_OF_A_WEEK, until - since)
            if opening.starts_at < until
        ]

    def judge(self, scope: Scope, organization_id: str, trial: WindowTrial) -> dict[str, Any]:
        """What the stored windows would say of an event.

        Raises:
            NotFoundError: no such organization in this scope.
            InvalidInputError: the time cannot be read.
        """
        self._windows.zone(scope, organization_id)
        at = parse_moment(trial.time)
        if at is None:
            raise InvalidInputError("write a time such as 2026-04-21T02:30:00+02:00", field="time")
        windows = read_policy(self._store, organization_id).windows
        decision = decide(windows, at, context_id=trial.context_id, tags=tuple(trial.tags), actor=trial.actor)
        return {"time": to_rfc3339(at), "outside_change_window": decision.outside, "change_windows": decision.named}


def told_openings(window: ChangeWindow, now: Micros) -> list[dict[str, Any]]:
    """The next openings of a window, as they are shown."""
    return [
        {"starts_at": to_rfc3339(one.starts_at), "ends_at": to_rfc3339(one.ends_at) if one.ends_at else None}
        for one in next_openings(window, now, OPENINGS)
    ]
