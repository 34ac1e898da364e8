"""Microsoft Teams: one Adaptive Card per event, or one digest per batch, through a workflow."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict

from app.sinks import (
    Answer,
    Binding,
    ConsoleUrl,
    DigestLines,
    Event,
    Item,
    Limits,
    NoSecrets,
    OutboundRequest,
    Outcome,
    SensitiveFrom,
    Settings,
    Sink,
    SinkInfo,
    Story,
    describe_settings,
    hookimpl,
    tell,
)
from plugins.teams.answers import classify_answer
from plugins.teams.card import Look, message

REQUESTS_PER_S = 4
"""Above this Teams throttles."""

MAX_ONE = 128 * 1024
MAX_BATCH = 16 * 1024 * 1024
MAX_EVENTS = 20_000
"""Events of one digest: as many as a batch can hold, so that a batch is always one card."""


class TeamsConfig(Settings):
    """What the cards look like."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{}, {"console_url": "https://relaypoint.example", "digest_lines": 2}]}
    )

    digest_lines: DigestLines = 10
    sensitive_from: SensitiveFrom = 4
    console_url: ConsoleUrl = ""


TeamsBinding = Binding[TeamsConfig, NoSecrets]


class TeamsSink:
    """Cards for people in a channel or chat."""

    info = SinkInfo(
        name="teams",
        title="Microsoft Teams",
        description="One card per event, or one digest per batch, posted by a Teams workflow.",
        docs_url="https://learn.microsoft.com/en-us/microsoftteams/platform/webhooks-and-connectors/how-to/add-incoming-webhook",
        sample_url="https://prod-00.westeurope.logic.azure.com/workflows/0/triggers/manual/paths/invoke?sig=XXXX",
        secret_url=True,
    )
    config_model: type[BaseModel] = TeamsConfig
    secrets_model: type[BaseModel] = NoSecrets

    def limits(self, binding: TeamsBinding) -> Limits:
        """One event per card, or a whole batch in one digest."""
        if not binding.batch:
            return Limits(1, MAX_ONE, MAX_ONE, item_overhead=0, rate_per_s=REQUESTS_PER_S)
        return Limits(MAX_EVENTS, MAX_BATCH, MAX_ONE, item_overhead=0, rate_per_s=REQUESTS_PER_S)

    def format(self, event: Event, binding: TeamsBinding) -> Item:  # noqa: ARG002 - the protocol's signature
        """The event's story, to be put together with its neighbours."""
        return Item(event.id, tell(event).to_bytes())

    def build_request(self, items: Sequence[Item], binding: TeamsBinding) -> OutboundRequest:
        """One card for all of the items."""
        config = binding.config
        look = Look(config.console_url, config.digest_lines, config.sensitive_from)
        body = message([Story.from_bytes(item.body) for item in items], look)
        return OutboundRequest(binding.endpoint_url, orjson.dumps(body), (("content-type", "application/json"),))

    def classify(self, answer: Answer, items: Sequence[Item], binding: TeamsBinding) -> Outcome:  # noqa: ARG002 - the protocol's signature
        """A success is never certain: the workflow answers before it posts."""
        return classify_answer(answer, items)

    def probe(self, binding: TeamsBinding) -> None:  # noqa: ARG002 - the protocol's signature
        """None: whatever a workflow is sent, it posts."""
        return

    def describe(self, binding: TeamsBinding) -> dict[str, Any]:
        """The settings for people."""
        return describe_settings(binding)


@hookimpl
def relaypoint_sinks() -> Iterable[Sink]:
    """Microsoft Teams."""
    yield TeamsSink()
