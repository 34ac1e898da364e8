"""An event with one text in every place that somebody else could write to, for sinks that people read."""

from __future__ import annotations

from app.sinks import Event
from app.sinks.samples import sample_event

LONGEST_ID = "9" * 64
CHARACTERS = ["&", "<", "`", "_", '"', "\\", "漢", "🔐"]
"""Each grows when it is escaped or encoded, in one markup or another."""


def everywhere(text: str, *, changes: int = 2) -> Event:
    """The event; half of its changes have a value on one side only."""
    change = {"field": text, "path": text, "before": text, "after": [text, text + "!"], "secret": False}
    lonely = change | {"before": None, "after": {text: text}}
    place = {"id": text, "name": text}
    return sample_event(
        LONGEST_ID,
        description=text,
        actor={"type": text, "id": text, "email": text},
        context=place,
        organization=place,
        entity={"type": text, "id": text, "name": text},
        action=text,
        tags=[text] * 5,
        metadata={"source_ip": text},
        outside_change_window=False,
        change_windows=[{"name": text, "kind": "allow"}],
        changes=[lonely if number % 2 else change for number in range(changes)],
    )
