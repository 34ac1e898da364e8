"""Slack: one message per event, or one digest per batch, by incoming webhook or ``chat.postMessage``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Annotated, Any
from urllib.parse import urlsplit

import orjson
from pydantic import BaseModel, ConfigDict

from app.sinks import (
    Answer,
    Binding,
    ConsoleUrl,
    DigestLines,
    Event,
    HeaderSecret,
    Hint,
    Item,
    Limits,
    OutboundRequest,
    Outcome,
    SensitiveFrom,
    Settings,
    Sink,
    SinkInfo,
    Story,
    Written,
    bearer,
    beside,
    describe_settings,
    hookimpl,
    tell,
)
from plugins.slack.answers import classify_answer
from plugins.slack.message import Look, message

POST_MESSAGE = "/chat.postMessage"
"""End of the Web API's address; any other address is an incoming webhook's."""
AUTH_TEST = "/auth.test"

MESSAGES_PER_S = 1
"""Slack takes about one message a second per channel."""

MAX_ONE = 128 * 1024
MAX_BATCH = 16 * 1024 * 1024
MAX_EVENTS = 20_000
"""Events of one digest: as many as a batch can hold, so that a batch is always one message."""

_CHANNEL_ID = re.compile(r"[CGDU][A-Z0-9]{8,20}")
"""Ids are the same in every workspace, names are not."""
_CHANNEL = r"^([CGDU][A-Z0-9]{2,20}|#?[^\s#<>&|@]{1,80})?$"


class SlackConfig(Settings):
    """What the messages look like, and for ``chat.postMessage`` where they go."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{}, {"console_url": "https://relaypoint.example", "digest_lines": 2}]}
    )

    channel: Annotated[
        str,
        Written(_CHANNEL, "a channel's id such as C0123456789, a name such as #ops, or empty"),
        Hint(
            title="Channel",
            help="For chat.postMessage only: the channel's id. An incoming webhook has its channel built in.",
            group="Slack",
            order=1,
            placeholder="C0123456789",
        ),
    ] = ""
    digest_lines: DigestLines = 10
    sensitive_from: SensitiveFrom = 4
    console_url: ConsoleUrl = ""


class SlackSecrets(Settings):
    """What proves to the Web API that we may post. An incoming webhook needs none: its address is the secret."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"token": "xoxb-0000-example"}]})

    token: Annotated[
        HeaderSecret | None,
        Hint(title="Bot token", help="For chat.postMessage only. Begins with xoxb-.", group="Slack", widget="password"),
    ] = None


SlackBinding = Binding[SlackConfig, SlackSecrets]


def _is_web_api(url: str) -> bool:
    return urlsplit(url).path.endswith(POST_MESSAGE)


def _channel_key(binding: SlackBinding) -> str:
    """What is known of the channel: its id, its name in the workspace of a token, or the address that it is behind."""
    channel, token = binding.config.channel, binding.secrets.token
    if not _is_web_api(binding.endpoint_url):
        return binding.endpoint_url
    if _CHANNEL_ID.fullmatch(channel) or token is None:
        return channel
    return f"{channel} {token.get_secret_value()}"


class SlackSink:
    """Messages for people in a channel."""

    info = SinkInfo(
        name="slack",
        title="Slack",
        description="One message per event, or one digest per batch, in a Slack channel.",
        docs_url="https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks/",
        sample_url="https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX",
        secret_url=True,
    )
    config_model: type[BaseModel] = SlackConfig
    secrets_model: type[BaseModel] = SlackSecrets

    def limits(self, binding: SlackBinding) -> Limits:
        """One event per message, or a whole batch in one digest; one message a second for all webhooks of a channel."""
        events, size = (MAX_EVENTS, MAX_BATCH) if binding.batch else (1, MAX_ONE)
        key = _channel_key(binding)
        return Limits(events, size, MAX_ONE, item_overhead=0, rate_per_s=MESSAGES_PER_S, pace_key=key)

    def format(self, event: Event, binding: SlackBinding) -> Item:  # noqa: ARG002 - the protocol's signature
        """The event's story, to be put together with its neighbours."""
        return Item(event.id, tell(event).to_bytes())

    def build_request(self, items: Sequence[Item], binding: SlackBinding) -> OutboundRequest:
        """One message for all of the items."""
        config = binding.config
        look = Look(config.console_url, config.digest_lines, config.sensitive_from)
        body = message([Story.from_bytes(item.body) for item in items], look)
        body |= {"unfurl_links": False, "unfurl_media": False}
        headers: tuple[tuple[str, str], ...] = (("content-type", "application/json; charset=utf-8"),)
        if _is_web_api(binding.endpoint_url):
            body["channel"] = config.channel
            headers += _authorization(binding)
        return OutboundRequest(
            binding.endpoint_url, orjson.dumps(body), headers, secret_headers=frozenset({"authorization"})
        )

    def classify(self, answer: Answer, items: Sequence[Item], binding: SlackBinding) -> Outcome:  # noqa: ARG002 - the protocol's signature
        """By the word in the body first."""
        return classify_answer(answer, items)

    def probe(self, binding: SlackBinding) -> OutboundRequest | None:
        """``auth.test`` for the Web API; an incoming webhook cannot be asked without posting."""
        url = beside(binding.endpoint_url, POST_MESSAGE, AUTH_TEST)
        if url is None:
            return None
        headers = (("content-type", "application/json; charset=utf-8"), *_authorization(binding))
        return OutboundRequest(url, b"{}", headers, secret_headers=frozenset({"authorization"}))

    def describe(self, binding: SlackBinding) -> dict[str, Any]:
        """The settings for people; the token only as set or not."""
        return describe_settings(binding)


def _authorization(binding: SlackBinding) -> tuple[tuple[str, str], ...]:
    token = binding.secrets.token
    return (bearer(token),) if token else ()


@hookimpl
def relaypoint_sinks() -> Iterable[Sink]:
    """Slack."""
    yield SlackSink()
