"""The configuration that the sample events change, so that every ``before`` is what the last ``after`` was."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from typing import Any

from app.demo.catalogue import Action
from app.demo.values import new_member, next_value, random_mac

_KEYED = re.compile(r"(\w+)\[([^\]]+)\]")
_MAC_KEYS = frozenset({"connected_devices", "sessions"})
_MOST_MEMBERS = 40
_UNSET = object()


@dataclass(frozen=True, slots=True)
class Change:
    """What one event changes. ``path`` names the real member; ``entity_id`` is the innermost key, if any."""

    path: str
    before: Any
    after: Any
    entity_id: str | None


class Configuration:
    """The values of every setting and the members of every collection, per place (a context or the organization)."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._values: dict[tuple[str, str], Any] = {}
        self._members: dict[tuple[str, str], list[str]] = {}
        self._made = 0

    def fits(self, place: str, action: Action) -> bool:
        """True if the action can happen there as the catalogue tells it (a disabled thing is not disabled again)."""
        return "[" in action.path or self._values.get((place, action.path), _UNSET) != action.after

    def apply(self, place: str, action: Action, *, path: str | None = None, after: Any = _UNSET) -> Change:
        """Changes the configuration and tells what changed.

        Args:
            place: a context id, or the organization's.
            action: what to do.
            path: the member to do it to, as an earlier change named it; chosen if not given.
            after: the new value; chosen if not given or if the setting has it already.
        """
        if path is None:
            path = self._choose(place, action)
        before = self._values.get((place, path), action.before)
        if action.verb in {"VIEW", "EXECUTE"}:
            return Change(path, action.before, action.after, _innermost(path))
        if path.endswith("]") and action.after is None:
            return self._remove(place, path, before)
        if path.endswith("]") and action.before is None:
            value = new_member(action.after, self._made, self._rng)
        else:
            value = next_value(action, before, self._rng) if after is _UNSET or after == before else after
        self._values[place, path] = value
        return Change(path, before, value, _innermost(path))

    def _remove(self, place: str, path: str, before: Any) -> Change:
        collection, _, key = path[:-1].rpartition("[")
        members = self._members.get((place, collection), [])
        if key in members:
            members.remove(key)
        below = [known for known in self._values if known[0] == place and known[1].startswith(path)]
        for known in below:
            del self._values[known]
        return Change(path, before, None, key)

    def _choose(self, place: str, action: Action) -> str:
        """The action's path with a real member for each sample key."""
        done, rest = "", action.path
        while (found := _KEYED.search(rest)) is not None:
            collection = done + rest[: found.start()] + found[1]
            tail = rest[found.end() :]
            if _counts(action):
                key = self._new_key(collection, found[2])
            else:
                key = self._member(place, collection, found[2], creates=not tail and action.before is None)
            done = f"{collection}[{key}]"
            rest = tail
        return done + rest

    def _member(self, place: str, collection: str, sample: str, *, creates: bool) -> str:
        if sample.isdigit():
            return sample
        members = self._members.setdefault((place, collection), [])
        if not creates and members and (len(members) >= _MOST_MEMBERS or self._rng.random() < 0.8):  # noqa: PLR2004 - four in five changes touch something seen before
            return self._rng.choice(members)
        key = self._new_key(collection, sample)
        members.append(key)
        return key

    def _new_key(self, collection: str, sample: str) -> str:
        self._made += 1
        if collection.rpartition(".")[2] in _MAC_KEYS:
            return random_mac(self._rng)
        prefix, underscore, _ = sample.rpartition("_")
        return f"{prefix}_{self._made + 100}" if underscore else self._rng.randbytes(4).hex()


def _counts(action: Action) -> bool:
    """A bulk change tells counts, not members; it gets a group of its own, whose members no other change lists."""
    return isinstance(action.after, dict) and set(action.after) == {"count"}


def _innermost(path: str) -> str | None:
    keys = _KEYED.findall(path)
    return keys[-1][1] if keys else None
