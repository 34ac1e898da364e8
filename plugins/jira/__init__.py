"""Jira Cloud: an issue per event, or one per batch, with a description in the Atlassian Document Format."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Annotated, Any

import orjson
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from app.sinks import (
    Answer,
    Binding,
    ConsoleUrl,
    Event,
    Hint,
    Item,
    Limits,
    OutboundRequest,
    Outcome,
    Settings,
    Sink,
    SinkInfo,
    Story,
    Written,
    address,
    basic,
    describe_settings,
    hookimpl,
    tell,
)
from plugins.jira.answers import classify_answer
from plugins.jira.issue import Form, issue_of_many, issue_of_one

ISSUE_PATH = "/rest/api/3/issue"
BULK_PATH = f"{ISSUE_PATH}/bulk"
MYSELF_PATH = "/rest/api/3/myself"

MAX_BULK = 50
"""Issues of one bulk request."""
MAX_ITEM = 128 * 1024
MAX_BATCH = 16 * 1024 * 1024
MAX_EVENTS = 20_000


class Grouping(StrEnum):
    """What becomes of a batch."""

    EVENT = "event"
    BATCH = "batch"


class JiraConfig(Settings):
    """Which issues are made."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"email": "relaypoint@example.com", "project": "NET"},
                {"email": "relaypoint@example.com", "project": "NET", "group_by": "event", "priority": True},
            ]
        }
    )

    email: Annotated[
        str,
        Field(min_length=3, max_length=254),
        Written(r"^[^\s:@]+@[^\s:@]+$", "an e-mail address"),
        Hint(title="Email", help="Of the account that the API token belongs to.", group="Jira", order=1),
    ]
    project: Annotated[
        str,
        Written(r"^[A-Z][A-Z0-9_]{1,254}$", "a project's key such as NET, in capital letters"),
        Hint(
            title="Project key", help="The letters before an issue's number.", group="Jira", order=2, placeholder="NET"
        ),
    ]
    issue_type: Annotated[str, Field(min_length=1, max_length=60), Hint(title="Issue type", group="Jira", order=3)] = (
        "Task"
    )
    group_by: Annotated[
        Grouping,
        Hint(
            title="In batch mode", help="One issue per event, or one per batch.", group="Jira", order=4, widget="select"
        ),
    ] = Grouping.BATCH
    labels: Annotated[
        str,
        Written(r"^(\S{1,255}( \S{1,255}){0,9})?$", "at most ten labels, with one space between them"),
        Hint(title="Labels", help="Added to each issue; separated by spaces.", group="Issue", order=1),
    ] = "relaypoint"
    priority: Annotated[
        bool,
        Hint(title="Set the priority", help="From the sensitivity, by the names Highest to Lowest.", group="Issue"),
    ] = False
    console_url: ConsoleUrl = ""


class JiraSecrets(Settings):
    """What proves to Jira that we may make issues."""

    api_token: Annotated[
        SecretStr,
        Field(min_length=1, max_length=1024),
        Hint(title="API token", help="From id.atlassian.com, Security.", group="Jira", widget="password"),
    ]


JiraBinding = Binding[JiraConfig, JiraSecrets]


class JiraSink:
    """Issues for change management."""

    info = SinkInfo(
        name="jira",
        title="Jira Cloud",
        description="An issue per event, or one per batch, in a Jira project.",
        docs_url="https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issues/",
        sample_url="https://example.atlassian.net",
    )
    config_model: type[BaseModel] = JiraConfig
    secrets_model: type[BaseModel] = JiraSecrets

    def limits(self, binding: JiraBinding) -> Limits:
        """One event, fifty issues, or a whole batch in one issue."""
        if not binding.batch:
            return Limits(1, MAX_ITEM, MAX_ITEM, item_overhead=0)
        if _is_bulk(binding):
            return Limits(MAX_BULK, MAX_BATCH, MAX_ITEM, item_overhead=1)
        return Limits(MAX_EVENTS, MAX_BATCH, MAX_ITEM, item_overhead=0)

    def format(self, event: Event, binding: JiraBinding) -> Item:
        """A finished issue, or the story of one that is still to be put together with others."""
        story = tell(event)
        if _is_digest(binding):
            return Item(event.id, story.to_bytes())
        return Item(event.id, orjson.dumps(issue_of_one(story, _form(binding.config))))

    def build_request(self, items: Sequence[Item], binding: JiraBinding) -> OutboundRequest:
        """One issue, or many in bulk."""
        path = BULK_PATH if _is_bulk(binding) else ISSUE_PATH
        headers = (("content-type", "application/json"), ("accept", "application/json"), _authorization(binding))
        url = address(binding.endpoint_url, path)
        return OutboundRequest(url, _body(items, binding), headers, secret_headers=frozenset({"authorization"}))

    def classify(self, answer: Answer, items: Sequence[Item], binding: JiraBinding) -> Outcome:
        """By the issues and the errors that the body names."""
        return classify_answer(answer, items, bulk=_is_bulk(binding))

    def probe(self, binding: JiraBinding) -> OutboundRequest | None:
        """Who Jira says we are."""
        headers = (("accept", "application/json"), _authorization(binding))
        url = address(binding.endpoint_url, MYSELF_PATH)
        return OutboundRequest(url, b"", headers, "GET", frozenset({"authorization"}))

    def describe(self, binding: JiraBinding) -> dict[str, Any]:
        """The settings for people; the token only as set or not."""
        return describe_settings(binding)


def _is_bulk(binding: JiraBinding) -> bool:
    return binding.batch and binding.config.group_by is Grouping.EVENT


def _is_digest(binding: JiraBinding) -> bool:
    return binding.batch and binding.config.group_by is Grouping.BATCH


def _form(config: JiraConfig) -> Form:
    return Form(config.project, config.issue_type, tuple(config.labels.split()), config.priority, config.console_url)


def _body(items: Sequence[Item], binding: JiraBinding) -> bytes:
    if _is_bulk(binding):
        return b'{"issueUpdates":[' + b",".join([item.body for item in items]) + b"]}"
    if not _is_digest(binding):
        return items[0].body
    stories = [Story.from_bytes(item.body) for item in items]
    form = _form(binding.config)
    return orjson.dumps(issue_of_many(stories, form) if len(stories) > 1 else issue_of_one(stories[0], form))


def _authorization(binding: JiraBinding) -> tuple[str, str]:
    return basic(binding.config.email, binding.secrets.api_token)


@hookimpl
def relaypoint_sinks() -> Iterable[Sink]:
    """Jira Cloud."""
    yield JiraSink()
