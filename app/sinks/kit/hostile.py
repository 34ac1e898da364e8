"""Events that try to break out of every format there is: made at random, the same ones every time."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import orjson

from app.sinks.samples import SAMPLE_TYPE, canonical
from app.sinks.types import Event

SEED = 20_260_419
COUNT = 60

_PIECES = (
    *('"', "'", "\\", "\n", "\r", "\r\n", "\t", "\x00", "\x1f", "\x7f", "\u2028", "\u202e", "\ufeff", "\ufffd"),
    *("|", "=", "]", "[", "{", "}", "<", ">", "&", "`", ",", ";", ":", "%", "$", "#", "/", "..", "${x}", "%s"),
    *("é", "漢字", "🔐", "\U0010ffff", "e\u0301", "<!channel>", "<script>", "]]>", "</a>", "' OR 1=1", "${jndi:x}"),
    *('","', '"},{"', "\\u0000", "\\n", "x", "evt", " ", "", "0", "null", "A" * 300),
)


def hostile_events() -> Iterator[Event]:
    """Events whose every text is put together from what formats use as marks."""
    random_ = random.Random(SEED)  # noqa: S311 - reproducible, not secret
    for number in range(COUNT):
        yield _event(f"evt_hostile_{number}", random_)


def _event(event_id: str, random_: random.Random) -> Event:
    fields: dict[str, Any] = {
        "description": _text(random_),
        "action": _text(random_),
        "service": _text(random_),
        "organization": {"id": _text(random_), "name": _text(random_)},
        "context": {"id": _text(random_), "name": _text(random_)},
        "actor": {"type": _text(random_), "id": _text(random_), "email": _text(random_)},
        "entity": {"type": _text(random_), "id": _text(random_), "name": _text(random_)},
        "changes": [_change(random_) for _ in range(random_.randrange(4))],
        "tags": [_text(random_) for _ in range(random_.randrange(4))],
        "metadata": {_text(random_): _value(random_, 2) for _ in range(random_.randrange(4))},
        "sensitivity": random_.choice([1, 2, 3, 4, 5, None]),
    }
    for name in list(fields):
        if not random_.randrange(12):
            fields[name] = None
    return Event(event_id, SAMPLE_TYPE, orjson.dumps(canonical(event_id, **fields)))


def _change(random_: random.Random) -> dict[str, Any]:
    return {
        "field": _text(random_),
        "path": _text(random_),
        "before": _value(random_, 3),
        "after": _value(random_, 3),
        "secret": bool(random_.randrange(2)),
    }


def _text(random_: random.Random) -> str:
    return "".join(random_.choice(_PIECES) for _ in range(random_.randrange(6)))


def _value(random_: random.Random, depth: int) -> Any:
    kind = random_.randrange(8 if depth else 6)
    match kind:
        case 0:
            return None
        case 1:
            return bool(random_.randrange(2))
        case 2:
            return random_.choice([0, -1, 2**53, 1.5, 1e300])
        case 6:
            return [_value(random_, depth - 1) for _ in range(random_.randrange(3))]
        case 7:
            return {_text(random_): _value(random_, depth - 1) for _ in range(random_.randrange(3))}
        case _:
            return _text(random_)
