"""What a person may say about a source."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints

MAX_OVERLAP_S = 7 * 86_400
DEFAULT_OVERLAP_S = 86_400
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=125)]
Kind = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{1,31}$")]
Identifier = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=128)]
Secret = Annotated[SecretStr, Field(min_length=16, max_length=512)]
"""The secret that the sender shows or signs with; one that is left out is made."""


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class NewSource(_Body):
    """A source of a kind that some plugin brings."""

    kind: Kind
    name: Name
    context_id: Identifier | None = None
    config: dict[str, Any] = {}
    secret: Secret | None = None


class SourcePatch(_Body):
    """A change of a source. Absent fields stay as they are; ``config`` is replaced whole."""

    name: Name | None = None
    config: dict[str, Any] | None = None
    enabled: Annotated[bool, Field(strict=True)] | None = None


class SourceRotation(_Body):
    """Another secret, and for how long the old one still counts beside it, in seconds."""

    secret: Secret | None = None
    overlap_s: Annotated[int, Field(ge=0, le=MAX_OVERLAP_S, strict=True)] = DEFAULT_OVERLAP_S
