"""Every source that is built in: whatever a sender writes, it is read, refused with a sentence, or of no interest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.body import BadElement, check_element
from app.core.errors import InvalidInputError
from app.core.normalise import normalise
from app.sinks import BadDeliveryError, EventSource, Inbound
from app.sinks.manager import SinkManager
from plugins.github.kinds import KINDS
from plugins.okta.log_event import EVENT_TYPES

ROOT = Path(__file__).parents[2]
MANAGER = SinkManager.loaded(strict=True)
SOURCES = [source for name in MANAGER.source_names() if (source := MANAGER.source(name)) is not None]
WORDS = [
    "action", "changes", "from", "to", "sender", "login", "id", "type", "membership", "user", "role", "repository",
    "organization", "team", "rule", "key", "member", "hook", "name", "full_name", "added", "publicized", "Bot",
    "data", "events", "uuid", "eventType", "published", "actor", "target", "changeDetails", "client", "outcome",
    "displayName", "alternateId", "transaction", "user.lifecycle.create",
]  # fmt: skip
TEXTS = st.sampled_from(WORDS) | st.text(max_size=20)
SCALARS = st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.floats(allow_nan=False) | TEXTS
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(WORDS) | TEXTS, inner, max_size=6),
    max_leaves=25,
)
PAYLOADS = st.dictionaries(st.sampled_from(WORDS), JSON, max_size=8) | st.fixed_dictionaries(
    {"data": st.fixed_dictionaries({"events": st.lists(JSON, max_size=3)})}
)


@pytest.mark.parametrize("source", SOURCES, ids=[source.info.name for source in SOURCES])
@settings(max_examples=150, deadline=None)
@given(payload=PAYLOADS, event=st.sampled_from([*KINDS, "ping", "push", ""]))
def test_no_payload_breaks_a_source_nor_what_comes_after_it(source: EventSource, payload: Any, event: str) -> None:
    headers = {"x-github-event": event, "content-type": "application/json"}
    inbound = Inbound("POST", headers, orjson.dumps(payload), 0)
    config = source.config_model()
    assert source.verify(inbound, "secret", config) is False
    try:
        found = [] if source.handshake(inbound, config) else list(source.events(inbound, config))
    except BadDeliveryError:
        return
    for index, one in enumerate(found):
        part = check_element(index, orjson.loads(orjson.dumps(one)))
        if isinstance(part, BadElement):
            continue
        try:
            event_of = normalise(part.data, received_at=7, default_organization="acme")
        except InvalidInputError:
            continue
        assert event_of.type.startswith(f"{source.info.name}.")


@pytest.mark.parametrize("source", SOURCES, ids=[source.info.name for source in SOURCES])
def test_a_source_has_its_page_and_a_link_in_the_documents(source: EventSource) -> None:
    name = source.info.name
    assert (ROOT / "plugins" / name / "README.md").read_text(encoding="utf-8").startswith(f"# Source `{name}`: ")
    assert f"[`{name}`](../plugins/{name}/README.md)" in (ROOT / "docs" / "sources.md").read_text(encoding="utf-8")


def test_the_page_of_github_lists_every_event_type() -> None:
    page = (ROOT / "plugins" / "github" / "README.md").read_text(encoding="utf-8")
    assert [kind.event_type for kind in KINDS.values() if f"`{kind.event_type}`" not in page] == []


def test_the_types_that_sources_bring_are_in_the_catalogue() -> None:
    brought = {one.id for one in MANAGER.event_types()}
    assert {kind.event_type for kind in KINDS.values()} | {f"okta.{name}" for name in EVENT_TYPES} <= brought
