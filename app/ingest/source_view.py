"""A source as people see it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

import orjson
from sqlalchemy import RowMapping

from app.core.clock import Micros, to_rfc3339
from app.ingest.source_tally import TAKEN, SourceOutcome
from app.store.sources import Counted

_PLAIN = ("id", "organization_id", "context_id", "kind", "name", "enabled")


def source_address(source_id: str) -> str:
    """The path of the address that the foreign system sends to."""
    return f"/v1/sources/{source_id}/events"


def configured(row: RowMapping) -> dict[str, Any]:
    """What somebody decided about a source."""
    return {**{name: row[name] for name in _PLAIN}, "config": orjson.loads(row["config"])}


def source_view(row: RowMapping, counts: Collection[Counted], *, is_loaded: bool) -> dict[str, Any]:
    """A source in its public form.

    Args:
        row: as stored.
        counts: what was counted of it.
        is_loaded: whether a plugin of its kind is there.
    """
    by_outcome = {one.outcome: one.number for one in counts}
    return {
        **configured(row),
        "path": source_address(row["id"]),
        "plugin": "loaded" if is_loaded else "missing",
        "previous_secret_until": _moment(row["previous_until"]),
        "created_at": to_rfc3339(row["created_at"]),
        "updated_at": to_rfc3339(row["updated_at"]),
        "counts": {one.value: by_outcome.get(one, 0) for one in TAKEN},
        "refused": {one.value: by_outcome[one] for one in SourceOutcome if one in by_outcome.keys() - TAKEN},
        "last_seen_at": _latest(one.last_at for one in counts),
        "last_accepted_at": _latest(one.last_at for one in counts if one.outcome == SourceOutcome.ACCEPTED),
    }


def _latest(moments: Iterable[Micros]) -> str | None:
    return _moment(max(moments, default=None))


def _moment(moment: Micros | None) -> str | None:
    return None if moment is None else to_rfc3339(moment)
