"""What a setting changes to, given what it is now."""

from __future__ import annotations

import copy
import random
import uuid
from typing import Any

from app.demo.catalogue import Action

_LONGEST_LIST = 5
_UUID_LENGTH = 36


def next_value(action: Action, current: Any, rng: random.Random) -> Any:
    """A value that differs from ``current`` (secrets excepted: both sides of those read ``***``)."""
    if action.secret or action.verb in {"VIEW", "EXECUTE"}:
        return action.after
    if isinstance(action.after, list) and action.verb == "ADD":
        return _longer_or_shorter(action, current, rng)
    if isinstance(action.after, dict) and set(action.after) == {"count"}:
        return {"count": current["count"] + rng.randint(2, 260)} if action.after["count"] else {"count": 0}
    if isinstance(action.after, str) and len(action.after) == _UUID_LENGTH and action.after.count("-") == 4:  # noqa: PLR2004 - the look of a UUID
        return random_uuid(rng)
    return action.before if current == action.after else action.after


def _longer_or_shorter(action: Action, current: list[Any], rng: random.Random) -> list[Any]:
    if len(current) >= _LONGEST_LIST:
        return current[-1:]
    added = action.after[-1]
    if added not in current:
        return [*current, added]
    return [*current, _alike(added, rng)]


def _alike(member: Any, rng: random.Random) -> Any:
    if isinstance(member, dict):
        return {**member, "host": f"203.0.113.{rng.randint(5, 250)}"}
    if ":" in member:
        return random_mac(rng)
    return f"198.51.100.{rng.randrange(0, 256, 16)}/28"


def new_member(template: Any, number: int, rng: random.Random) -> Any:
    """A new member of a collection, made after a sample one: own name, own email, own digest."""
    member = copy.deepcopy(template)
    if not isinstance(member, dict):
        return member
    for key, value in member.items():
        if key in {"name", "subject"}:
            member[key] = f"{value} #{number}"
        elif key == "email":
            member[key] = f"user{number}@example.com"
        elif key == "sha256":
            member[key] = rng.randbytes(32).hex()
        elif key == "mac":
            member[key] = random_mac(rng)
    return member


def random_mac(rng: random.Random) -> str:
    """A locally administered hardware address."""
    return ":".join(f"{byte:02x}" for byte in b"\x02" + rng.randbytes(5))


def random_uuid(rng: random.Random) -> str:
    """A version 4 UUID from the seeded generator."""
    return str(uuid.UUID(int=rng.getrandbits(128), version=4))
