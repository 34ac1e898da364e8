"""What a person may say about a webhook: the two fields that create one, and everything a change can hold."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from app.core.states import Mode

MAX_BATCH_EVENTS = 20_000
MIN_BATCH_BYTES = 1024
MAX_BATCH_BYTES = 64 * 1024 * 1024
MAX_BATCH_AGE_S = 86_400
MAX_CONCURRENCY = 256
MAX_RATE_PER_S = 100_000
MAX_MUTED = 1_000
MAX_OVERLAP_S = 7 * 86_400
DEFAULT_OVERLAP_S = 86_400
BLOCKS = "blocks"

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=125)]
"""A webhook's name: it should identify the receiver."""
Identifier = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, str_max_length=8192)


class NewWebhook(_Body):
    """Creating asks for a type and a name; the organization is the key's unless the key is the platform's."""

    type: Literal["instant", "batch"]
    name: Name
    organization_id: Identifier | None = None
    context_id: Identifier | None = None

    @property
    def mode(self) -> Mode:
        """The type as the store keeps it."""
        return Mode[self.type.upper()]


class KeepSecret(_Body):
    """``{"set": true}`` in place of a write-only value: keep what is stored."""

    set: Literal[True]


class BatchRule(_Body):
    """When a batch closes: whichever comes first."""

    max_events: Annotated[int, Field(ge=1, le=MAX_BATCH_EVENTS, strict=True)] | None = None
    max_bytes: Annotated[int, Field(ge=MIN_BATCH_BYTES, le=MAX_BATCH_BYTES, strict=True)] | None = None
    max_age_s: Annotated[int, Field(ge=1, le=MAX_BATCH_AGE_S, strict=True)] | None = None


class RetryRule(_Body):
    """The waits between tries, in seconds; an empty list means a single try."""

    schedule_s: list[Annotated[int, Field(strict=True)]]


class RateLimit(_Body):
    """At most this many requests per second."""

    per_s: Annotated[int, Field(ge=1, le=MAX_RATE_PER_S, strict=True)]


class WebhookPatch(_Body):
    """A change of a webhook. Absent fields stay as they are; ``headers``, ``config``, ``secrets`` are replaced whole.

    In ``headers`` and ``secrets`` the value ``{"set": true}`` keeps the stored one.
    """

    name: Name | None = None
    sink: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{1,31}$")] | None = None
    endpoint_url: str | None = None
    headers: dict[str, str | KeepSecret] | None = None
    event_types: list[str] | None = None
    muted_contexts: Annotated[list[Identifier], Field(max_length=MAX_MUTED)] | None = None
    filter: dict[str, Any] | None = None
    only_outside_change_windows: Annotated[bool, Field(strict=True)] | None = None
    config: dict[str, Any] | None = None
    secrets: dict[str, Any] | None = None
    batch: BatchRule | None = None
    retry: RetryRule | None = None
    rate_limit: RateLimit | None = None
    concurrency: Annotated[int, Field(ge=1, le=MAX_CONCURRENCY, strict=True)] | None = None
    failing_head: Literal["steps_aside", "blocks"] | None = None
    enabled: Annotated[bool, Field(strict=True)] | None = None

    def says(self, name: str) -> bool:
        """Whether the change mentions a field at all; ``null`` counts."""
        return name in self.model_fields_set


class Resumption(_Body):
    """Resuming: ``probe`` lets one delivery go first, and the others follow when it is delivered."""

    probe: Annotated[bool, Field(strict=True)] = False


class Rotation(_Body):
    """Rotating the signing secret: how long the old one still signs beside the new one, in seconds."""

    overlap_s: Annotated[int, Field(ge=0, le=MAX_OVERLAP_S, strict=True)] = DEFAULT_OVERLAP_S
