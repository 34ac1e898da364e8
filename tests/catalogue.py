"""The 85 changes of the catalogue as real events: told by a source, normalised, masked, as a sink gets them.

Every sink renders all of them. Where the catalogue has a masked secret the source tells the secret itself here, so that
a sink's bytes prove that it was masked on the way in.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import orjson

from app.core.clock import SECOND, Micros
from app.core.normalise import normalise
from app.demo.cast import DEMO_CONTEXTS, DEMO_ORGANIZATION, DEMO_ORGANIZATION_NAME, contexts_for, people_for
from app.demo.catalogue import Action, actions
from app.demo.shapes import Happening, flat, nested
from app.demo.state import Change
from app.sinks import Event

BEGIN: Micros = 1_776_566_096 * SECOND + 118_000
"""2026-04-19T02:34:56.118Z, a Sunday night; each action follows the one before it by 97 seconds."""

PLANTED = {"before": "Wint3r-is-c0ming!", "after": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJyYWRpdXMifQ.c2lnbmF0dXJl"}
"""What the secret settings held and hold. Neither may ever come out of a sink."""

_ONE_INSIDE_OF = 4
"""Every fourth change is made inside a change window."""


def payload(name: str) -> dict[str, Any]:
    """One change as its source tells it: flat and nested envelopes take turns."""
    action = actions()[name]
    number = list(actions()).index(name)
    contexts, people = contexts_for(action), people_for(action)
    context = contexts[number % len(contexts)] if contexts else None
    happening = Happening(
        time=BEGIN + number * 97 * SECOND,
        action=action,
        told_as=name,
        verb=action.verb,
        actor=people[number % len(people)],
        organization_id=DEMO_ORGANIZATION,
        context_id=context,
        context_name=DEMO_CONTEXTS[context] if context else None,
        change=_change(action),
        scenario=None,
        source_ip=f"192.0.2.{number + 1}",
    )
    return nested(happening) if number % 2 else flat(happening, f"00000000-0000-4000-8000-{number:012d}")


@cache
def event(name: str) -> Event:
    """One change as a sink gets it; the catalogue's own tag and sensitivity stand in for the rules that rate events."""
    number = list(actions()).index(name)
    canonical = normalise(payload(name), received_at=BEGIN, default_organization=None)
    body = orjson.loads(canonical.to_json(received_at=canonical.occurred_at, organization_name=DEMO_ORGANIZATION_NAME))
    body |= {"tags": [actions()[name].tag], "sensitivity": actions()[name].sensitivity}
    inside = number % _ONE_INSIDE_OF == 0
    body["outside_change_window"] = not inside
    body["change_windows"] = [{"name": "eu-network-nights", "kind": "allow"}] if inside else []
    body["id"] = f"evt_{number + 1:03d}"
    return Event(body["id"], canonical.type, orjson.dumps(body))


def events() -> dict[str, Event]:
    """All of them, by the name of the action, in the catalogue's order."""
    return {name: event(name) for name in actions()}


def planted_in(data: bytes) -> list[str]:
    """The planted secrets that stand in some bytes: none, if all is well."""
    return [secret for secret in PLANTED.values() if secret.encode() in data]


def _change(action: Action) -> Change:
    name = action.path.rpartition("]")[0].rpartition("[")[2]
    key = None if name.isdigit() else name or None
    if not action.secret:
        return Change(action.path, action.before, action.after, key)
    return Change(action.path, _unmasked(action.before, "before"), _unmasked(action.after, "after"), key)


def _unmasked(value: Any, side: str) -> Any:
    if isinstance(value, dict):
        return {name: _unmasked(inner, side) for name, inner in value.items()}
    return PLANTED[side] if value == "***" else value
