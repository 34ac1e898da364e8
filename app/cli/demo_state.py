"""What the demo remembers of itself between two starts."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, field
from pathlib import Path

import orjson

STATE_FILE = "demo.json"


@dataclass(frozen=True, slots=True)
class DemoState:
    """What the demo made in this instance.

    Attributes:
        key: its API key.
        webhooks: ids of its webhooks.
        secrets: their signing secrets, in the same order.
    """

    key: str = field(repr=False)
    webhooks: tuple[str, ...] = ()
    secrets: tuple[str, ...] = field(default=(), repr=False)


def read_state(path: Path) -> DemoState | None:
    """What an earlier start left; None when there is nothing to read."""
    try:
        content = orjson.loads(path.read_bytes())
        return DemoState(
            key=str(content["key"]),
            webhooks=tuple(str(one) for one in content["webhooks"]),
            secrets=tuple(str(one) for one in content["secrets"]),
        )
    except (OSError, orjson.JSONDecodeError, KeyError, TypeError):
        return None


def write_state(path: Path, state: DemoState) -> None:
    """Remember the state in a file that only this user can read; whoever reads it sees the old or the new one whole."""
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(orjson.dumps(asdict(state)))
    draft.replace(path)
