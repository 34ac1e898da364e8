"""An organization's own sensitivity rules, as people write them."""

from __future__ import annotations

from typing import Annotated, Any

import orjson
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from sqlalchemy import RowMapping

from app.core.clock import to_rfc3339
from app.core.errors import InvalidInputError
from app.core.filters import read_filter
from app.core.written import Written
from app.routing.policy_service import PolicyKind
from app.store.tables_policies import sensitivity_rules

MAX_TAGS = 20
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=125)]
Tag = Annotated[str, Written(r"^[a-z][a-z0-9_]{0,63}$", "a word of small letters, digits and _, such as trusted_ca")]


class SensitivityRuleInput(BaseModel):
    """Events that the pattern fits get this sensitivity, these tags, or both; lower positions are tried first."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)
    name: Name
    position: Annotated[int, Field(ge=0, le=10_000, strict=True)] = 100
    pattern: dict[str, Any]
    sensitivity: Annotated[int, Field(ge=1, le=5, strict=True)] | None = None
    tags: Annotated[list[Tag], Field(max_length=MAX_TAGS)] = []


def _columns(new: SensitivityRuleInput, _zone: str) -> dict[str, Any]:
    read_filter(new.pattern, "pattern")
    if new.sensitivity is None and not new.tags:
        raise InvalidInputError("give a sensitivity, tags or both", field="sensitivity")
    return {
        "name": new.name,
        "position": new.position,
        "pattern": orjson.dumps(new.pattern).decode(),
        "sensitivity": new.sensitivity,
        "tags": orjson.dumps(sorted(set(new.tags))).decode(),
    }


def _view(row: RowMapping) -> dict[str, Any]:
    return {
        "id": row["id"],
        "name": row["name"],
        "position": row["position"],
        "pattern": orjson.loads(row["pattern"]),
        "sensitivity": row["sensitivity"],
        "tags": orjson.loads(row["tags"]),
        "created_at": to_rfc3339(row["created_at"]),
        "updated_at": to_rfc3339(row["updated_at"]),
    }


SENSITIVITY_RULES = PolicyKind("sensitivity rule", "sr", sensitivity_rules, _columns, _view)
