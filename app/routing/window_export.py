"""Change windows written to a file: in the form that says everything about them, or as a calendar to look at."""

from __future__ import annotations

from typing import Literal

from app.core.clock import Clock
from app.routing.alertmanager_text import alertmanager_text
from app.routing.calendar_text import calendar_text
from app.routing.policy_service import PolicyService
from app.security.scope import Scope

Format = Literal["alertmanager", "icalendar"]
"""The same names as of an import."""


class WindowExport:
    """Writes an organization's windows.

    Args:
        windows: the use cases of single windows.
        clock: the time, from which a calendar is written on.
    """

    def __init__(self, windows: PolicyService, *, clock: Clock) -> None:
        self._windows = windows
        self._clock = clock

    def text(self, scope: Scope, organization_id: str, wanted: Format) -> str:
        """All windows as the text of a file that an import takes.

        Raises:
            NotFoundError: no such organization in this scope.
        """
        zone = self._windows.zone(scope, organization_id)
        found = self._windows.all(scope, organization_id)
        if wanted == "alertmanager":
            return alertmanager_text(found, zone)
        return calendar_text(found, zone, self._clock())
