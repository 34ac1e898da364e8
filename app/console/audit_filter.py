"""The filter of the audit log, as it stands in the address."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from app.console.forms import Errors, errors_of
from app.console.moments import read_moment
from app.core.actors import ACTIONS
from app.core.clock import Micros
from app.core.errors import InvalidInputError
from app.routing.event_history import EventFilter

_LONGEST = 200
_FREE = ("actor", "tag", "event_type", "q", "context")
WINDOWS = {"outside": True, "inside": False}
SENSITIVITIES = {1: "1, cosmetic", 2: "2, low", 3: "3, medium", 4: "4, high", 5: "5, critical"}


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for: the filter, the fields as they were typed, and what is wrong with them."""

    wanted: EventFilter
    typed: dict[str, str]
    errors: Errors

    @property
    def is_narrow(self) -> bool:
        """Whether anything was asked for at all."""
        return bool(self.typed)


def asked_of(arguments: Mapping[str, str], zone: ZoneInfo) -> Asked:
    """The filter in a query. A field that cannot be read is left out of it, and said to be wrong.

    Args:
        arguments: the query.
        zone: of times, which are those of the page.
    """
    names = (*_FREE, "action", "sensitivity_min", "window", "since", "until")
    typed = {name: arguments[name].strip()[:_LONGEST] for name in names if arguments.get(name, "").strip()}
    errors: Errors = {}
    moments: dict[str, Micros | None] = {}
    for name in ("since", "until"):
        try:
            moments[name] = read_moment(typed.get(name, ""), zone, name)
        except InvalidInputError as error:
            errors |= errors_of(error)
    sensitivity = typed.get("sensitivity_min", "")
    free = {name: typed.get(name) for name in _FREE}
    wanted = EventFilter(
        **free,
        action=typed["action"] if typed.get("action") in ACTIONS else None,
        sensitivity_min=int(sensitivity) if sensitivity in {"1", "2", "3", "4", "5"} else None,
        outside_window=WINDOWS.get(typed.get("window", "")),
        since=moments.get("since"),
        until=moments.get("until"),
    )
    return Asked(wanted, typed, errors)
