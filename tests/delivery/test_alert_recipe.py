"""The alert the product is bought for, from the demo's story to the bytes that arrive.

Somebody opens an allow-list to the whole world on a Sunday night and closes it six minutes later. Slack hears of the
opening and of nothing else; the SIEM gets every event.
"""

from __future__ import annotations

from typing import Any

import orjson

from app.demo.generator import generate
from app.routing.change_windows import CHANGE_WINDOWS, ChangeWindowInput
from app.routing.own_audit import NO_AUDIT
from app.routing.own_changes import OwnChanges
from app.routing.policy_service import PolicyService
from app.security.scope import Scope
from tests.delivery.receiver import Received, Reply, receiving
from tests.world import World

STORY = "allow_list_opening"
NIGHTS = {
    "name": "eu-network-nights",
    "time_intervals": [
        {
            "weekdays": ["tuesday", "thursday"],
            "times": [{"start_time": "01:00", "end_time": "04:00"}],
            "location": "Europe/Stockholm",
        }
    ],
}
RECIPE = {
    "filter": {
        "tags": ["trusted_ca", "ip_allowlist", "identity_store"],
        "sensitivity": [{"numeric": [">=", 5]}],
    },
    "only_outside_change_windows": True,
}


def slack_says_ok(_request: Received) -> Reply:
    return Reply(200, (("content-type", "text/plain"),), b"ok")


def story_among_routine() -> list[dict[str, Any]]:
    told = list(generate(7, 1_000, "flat", organization_id="acme"))
    story = [one for one in told if one["metadata"].get("demoScenario") == STORY][:2]
    routine = [one for one in told if one["action"] in {"CREATE", "ADD"} and "demoScenario" not in one["metadata"]]
    harmless = ("attribute_profile.create", "group.create", "group.user.invite")
    quiet = [one for one in routine if one["metadata"]["demoAction"] in harmless][:40]
    assert [len(story), len(quiet)] == [2, 40]
    return sorted(story + quiet, key=lambda one: str(one["timestamp"]))


def test_slack_gets_one_message_and_the_siem_the_whole_stream(world: World, client: Any) -> None:
    windows = PolicyService(
        world.store,
        CHANGE_WINDOWS,
        changes=OwnChanges(world.store, NO_AUDIT, world.rings),
        clock=world.clock,
        random_bytes=bytes,
    )
    windows.create(Scope(), "acme", ChangeWindowInput.model_validate(NIGHTS))
    events = story_among_routine()
    with receiving() as slack, receiving() as siem:
        slack.respond = slack_says_ok
        world.add_webhook(slack.url, sink="slack", **RECIPE)
        world.add_webhook(siem.url, sink="siem", config={"format": "cef"})
        result = world.send(*events)
        world.deliver(world.drain(client))
        assert len(slack.requests) == 1
        assert len(siem.requests) == result.accepted == len(events)
    message = slack.requests[0].body.decode()
    assert orjson.loads(message)["blocks"]
    assert "0.0.0.0/0" in message
    assert "outside" in message.lower()
    lines = [request.body.decode() for request in siem.requests]
    assert all("CEF:0|Netgraph|EntryPoint|" in line for line in lines)
    opened = [line for line in lines if 'cs6=["0.0.0.0/0"]' in line]
    assert len(opened) == 1
    assert world.ledger().balanced
