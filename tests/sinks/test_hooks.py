"""The example of each hook's page, at work."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner

from app.sinks import Binding, Classification, Inbound, NoSecrets, ObservedAttempt, Settings
from app.sinks.manager import SinkManager
from app.sinks.samples import sample_event

DOCS = Path(__file__).parents[2] / "docs" / "hooks"
ExampleOf = Callable[[str], SinkManager]


@pytest.fixture
def example_of(install: Callable[..., None]) -> ExampleOf:
    """Installs the example of a hook's page, and nothing else."""

    def installed(hook: str) -> SinkManager:
        page = (DOCS / f"{hook.removeprefix('relaypoint_')}.md").read_text(encoding="utf-8")
        (source,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
        install("relaypoint-example", "example", source=source)
        return SinkManager.loaded(enabled=["example"], strict=True)

    return installed


def test_hook_sinks_brings_a_kind_of_receiver(example_of: ExampleOf) -> None:
    sink = example_of("relaypoint_sinks").get("pager")
    assert sink is not None
    binding = Binding("wh_1", "Pager", "acme", "https://pager.example/", Settings(), NoSecrets())
    item = sink.format(sample_event("evt_1"), binding)
    request = sink.build_request([item], binding)
    assert (request.url, orjson.loads(request.body)["id"]) == ("https://pager.example/", "evt_1")


def test_hook_event_types_brings_a_title(example_of: ExampleOf) -> None:
    (event_type,) = example_of("relaypoint_event_types").event_types()
    assert (event_type.id, event_type.title) == ("wifi.radio.audit", "Radio configuration changed")


def test_hook_sources_brings_a_foreign_system(example_of: ExampleOf) -> None:
    source = example_of("relaypoint_sources").source("door")
    assert source is not None
    body = b'{"badge": "Ann", "door": "Vault", "at": "2026-04-19T02:34:56Z"}'
    signature = hmac.new(b"s3cret", body, hashlib.sha256).hexdigest()
    inbound = Inbound("POST", {"x-door-signature": signature, "x-door-message": "m1"}, body, 0)
    assert source.verify(inbound, "s3cret", Settings())
    assert not source.verify(inbound, "another", Settings())
    assert source.handshake(inbound, Settings()) is None
    assert source.delivery_id(inbound) == "m1"
    (event,) = source.events(inbound, Settings())
    assert (event["type"], event["entity"]["name"]) == ("door.access.audit", "Vault")


def test_hook_classify_rates_an_event_higher(example_of: ExampleOf) -> None:
    (call,) = example_of("relaypoint_classify").calls("relaypoint_classify")
    glass = {"type": "admin", "id": "u_1", "email": "breakglass@example.com"}
    assert call.function(sample_event(actor=glass)) == Classification(tags=("break_glass",), sensitivity=5)
    assert call.function(sample_event()) is None


def test_hook_mask_hides_what_must_not_be_stored(example_of: ExampleOf) -> None:
    (call,) = example_of("relaypoint_mask").calls("relaypoint_mask")
    assert call.function("description", "Ann, 010203-1234, moved") == "Ann, ***, moved"
    assert call.function("description", "nothing to hide") == "nothing to hide"


def test_hook_filter_dialects_judges_by_an_expression(example_of: ExampleOf) -> None:
    manager = example_of("relaypoint_filter_dialects")
    assert manager.dialect_titles() == {"words": "Any of these words in the description"}
    (call,) = manager.dialects().values()
    judge = call.function("Firewall vpn")
    assert judge({"description": "Updated firewall rule"}) is True
    assert judge({"description": "Updated name"}) is False
    with pytest.raises(ValueError, match="at least one word"):
        call.function(" ")


def test_hook_observe_sees_what_was_tried(example_of: ExampleOf, caplog: pytest.LogCaptureFixture) -> None:
    (call,) = example_of("relaypoint_observe").calls("relaypoint_observe")
    common = {"webhook_id": "wh_1", "organization_id": "acme", "sink": "slack", "number": 1, "started_at": 0}
    good = ObservedAttempt("dlv_1", outcome="delivered", status=200, error=None, **common)
    bad = ObservedAttempt("dlv_2", outcome="rejected", status=400, error=None, **common)
    call.function([good, bad])
    assert [one.getMessage() for one in caplog.records] == ["dlv_2 was rejected with 400"]


def test_hook_commands_brings_a_command(example_of: ExampleOf) -> None:
    commands = example_of("relaypoint_commands").commands()
    done = CliRunner().invoke(commands["inventory"], ["--of", "acme"])
    assert (done.exit_code, done.output) == (0, "inventory of acme\n")
