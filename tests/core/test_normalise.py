import contextlib
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.clock import to_rfc3339
from app.core.errors import InvalidInputError
from app.core.event import CanonicalEvent
from app.core.normalise import normalise

NOW = 1_776_602_096_000_000
FLAT: dict[str, Any] = {
    "id": "0d9c1f52-7c1e-4a55-9d0b-6f2f6b1f9a01",
    "eventId": "merakiwpn.configuration.audit",
    "scope": "ORGANIZATION_CTX_MERAKI_WPN",
    "contextId": "ctx_9",
    "organizationId": "607551",
    "timestamp": "2026-04-19T12:34:56Z",
    "userId": "u_12",
    "userEmail": "admin@example.com",
    "action": "UPDATE",
    "module": "MERAKI_WPN",
    "changes": [{"field": "Meraki WPN Group Passphrase", "secret": True, "before": "***", "after": "***"}],
}
NESTED: dict[str, Any] = {
    "eventId": "ise.configuration.audit",
    "eventTime": "2026-04-15T09:12:44.118Z",
    "scope": {"type": "ORGANIZATION_CTX_CISCO_ISE", "organizationId": "607551", "contextId": "ctx_4"},
    "actor": {"type": "ADMIN", "email": "admin@example.com"},
    "change": {
        "entity": "PnGroupCiscoISE",
        "entityId": "e_77",
        "action": "UPDATE",
        "fields": [{"name": "Managed Attributes", "before": [], "after": []}],
    },
}
CANONICAL_KEYS = [
    "id", "type", "occurred_at", "received_at", "organization", "service", "context", "actor", "action", "entity",
    "description", "changes", "tags", "sensitivity", "sensitivity_rule", "outside_change_window", "change_windows",
    "metadata", "source",
]  # fmt: skip


def read(element: Any, **options: Any) -> CanonicalEvent:
    return normalise(element, **{"received_at": NOW, "default_organization": "1", **options})


def as_json(event: CanonicalEvent) -> dict[str, Any]:
    parsed: dict[str, Any] = orjson.loads(event.to_json(received_at=NOW))
    return parsed


def test_the_flat_vendor_sample() -> None:
    body = as_json(read(FLAT))
    assert list(body) == CANONICAL_KEYS
    assert body["id"] == FLAT["id"]
    assert body["type"] == "merakiwpn.configuration.audit"
    assert body["occurred_at"] == "2026-04-19T12:34:56.000Z"
    assert body["organization"] == {"id": "607551", "name": None}
    assert body["service"] == "merakiwpn"
    assert body["context"] == {"id": "ctx_9", "name": None}
    assert body["actor"] == {"type": "admin", "id": "u_12", "email": "admin@example.com"}
    assert body["action"] == "update"
    assert body["entity"] == {"type": "MERAKI_WPN", "id": None, "name": None}
    assert body["description"] == "Updated Meraki WPN Group Passphrase"
    assert body["changes"] == [
        {"field": "Meraki WPN Group Passphrase", "path": None, "before": "***", "after": "***", "secret": True}
    ]
    assert body["tags"] == ["shared_secret"]
    assert body["outside_change_window"] is True
    assert body["metadata"] == {"scope": "ORGANIZATION_CTX_MERAKI_WPN"}
    assert body["source"] == {"format": "flat"}


def test_the_nested_vendor_sample() -> None:
    body = as_json(read(NESTED))
    assert body["id"].startswith("evt_")
    assert len(body["id"]) == 36
    assert body["occurred_at"] == "2026-04-15T09:12:44.118Z"
    assert body["context"]["id"] == "ctx_4"
    assert body["organization"]["id"] == "607551"
    assert body["actor"] == {"type": "admin", "id": None, "email": "admin@example.com"}
    assert body["entity"] == {"type": "PnGroupCiscoISE", "id": "e_77", "name": None}
    assert body["changes"] == [
        {"field": "Managed Attributes", "path": None, "before": [], "after": [], "secret": False}
    ]
    assert body["source"] == {"format": "nested"}


def test_names_on_record_win_over_the_names_of_the_element() -> None:
    event = read({**FLAT, "contextName": "old"})
    body = orjson.loads(event.to_json(received_at=NOW, organization_name="Contoso", context_name="HQ Dot1x"))
    assert body["organization"]["name"] == "Contoso"
    assert body["context"]["name"] == "HQ Dot1x"


def test_event_id_is_the_type_so_two_events_of_one_type_are_two_events() -> None:
    first, second = read({**NESTED, "eventTime": 1776602096}), read({**NESTED, "eventTime": 1776602097})
    assert first.type == second.type == "ise.configuration.audit"
    assert first.dedupe_key != second.dedupe_key


def test_the_same_id_in_another_organization_is_another_event() -> None:
    assert read(FLAT).dedupe_key == read({**FLAT, "action": "ADD"}).dedupe_key
    assert read(FLAT).dedupe_key != read({**FLAT, "organizationId": "2"}).dedupe_key
    nameless = {"eventId": "a.b", "id": "x"}
    assert read(nameless).dedupe_key != read(nameless, default_organization="2").dedupe_key


def test_an_id_unfit_for_a_url_is_replaced_and_kept() -> None:
    event = read({**FLAT, "id": "a/b c?"})
    assert event.id == f"evt_{event.dedupe_key.hex()}"
    assert event.metadata["source_id"] == "a/b c?"


def test_long_ids_that_differ_only_at_the_end_are_two_events() -> None:
    assert read({**FLAT, "id": "x" * 500 + "a"}).dedupe_key != read({**FLAT, "id": "x" * 500 + "b"}).dedupe_key


def test_the_webhook_id_header_stands_in_for_a_missing_id() -> None:
    assert read(NESTED, header_id="msg_1").id == "msg_1"
    assert read(FLAT, header_id="msg_1").id == FLAT["id"]


@pytest.mark.parametrize(
    ("element", "kind", "email"),
    [
        ({"userEmail": "System"}, "system", None),
        ({"actor": {"type": "SYSTEM"}}, "system", None),
        ({}, "system", None),
        ({"userId": "system"}, "system", None),
        ({"actor": {"type": "Group Administrator", "email": "g@example.com"}}, "group_admin", "g@example.com"),
        ({"actor": {"type": "robot", "id": "r2"}}, "unknown", None),
        ({"actor": "a@example.com"}, "admin", "a@example.com"),
    ],
)
def test_actors(element: dict[str, Any], kind: str, email: str | None) -> None:
    event = read({"eventId": "a.b", **element})
    assert (event.actor_type, event.actor_email) == (kind, email)


@pytest.mark.parametrize(
    ("verb", "action", "raw"),
    [
        ("Created", "create", None), ("ADD", "add", None), ("Viewed", "view", None), ("updated", "update", None),
        ("Deleted", "delete", None), ("REMOVED", "remove", None), ("EXECUTE", "execute", None),
        ("frobnicate", "other", "frobnicate"), ("repo.create", "create", "repo.create"), (None, "other", None),
    ],
)  # fmt: skip
def test_actions_fold(verb: str | None, action: str, raw: str | None) -> None:
    event = read({"eventId": "a.b", "action": verb})
    assert (event.action, event.metadata.get("action_raw")) == (action, raw)


@pytest.mark.parametrize(
    "element",
    [
        {"changes": [{"field": "vlan", "before": "10", "after": "20"}]},
        {"vlan": "20", "vlan_was": "10"},
        {"changes": {"vlan": {"from": "10", "to": "20"}}},
        {"before": {"vlan": "10", "same": 1}, "after": {"vlan": "20", "same": 1}},
        {"snapshots": {"prechange": {"vlan": "10"}, "postchange": {"vlan": "20"}}},
        {"changes": {"vlan": {"label": "vlan", "oldText": "10", "newText": "20"}}},
        {"modifiedProperties": [{"displayName": "vlan", "oldValue": "10", "newValue": "20"}]},
    ],
)
def test_every_before_and_after_convention_gives_the_same_change(element: dict[str, Any]) -> None:
    (change,) = read({"eventId": "a.b", **element}).changes
    assert (change["field"], change["before"], change["after"]) == ("vlan", "10", "20")


def test_one_old_and_new_value_per_event() -> None:
    (change,) = read({"eventId": "a.b", "old": "x", "new": "y"}).changes
    assert (change["before"], change["after"]) == ("x", "y")


@pytest.mark.parametrize("changes", [[], None, "missing", 5])
def test_no_changes(changes: object) -> None:
    assert read({"eventId": "a.b", "changes": changes}).changes == ()


@pytest.mark.parametrize("empty", [{}, {"before": None}, {"before": ""}, {"before": "Empty"}])
def test_all_ways_to_say_no_value_are_one(empty: dict[str, Any]) -> None:
    (change,) = read({"eventId": "a.b", "changes": [{"field": "x", "after": "false", **empty}]}).changes
    assert (change["before"], change["after"]) == (None, "false")


def test_unknown_keys_are_kept_but_not_without_bound() -> None:
    event = read({**FLAT, "weather": "fine", "huge": ["x" * 30_000]})
    assert event.metadata["_extra"]["weather"] == "fine"
    assert "huge" not in event.metadata["_extra"]
    assert len(event.to_json(received_at=NOW)) < 20_000
    assert read({**NESTED, "actor": {"type": "ADMIN", "shoe": 44}}).metadata["_extra"] == {"actor": {"shoe": 44}}


def test_scope() -> None:
    organization = {"eventId": "organization.configuration.audit", "contextId": None}
    assert read(organization, default_context="ctx_1").context_id is None
    assert as_json(read(organization))["context"] is None
    assert read({"eventId": "entrypoint.configuration.audit"}, default_context="ctx_1").context_id == "ctx_1"
    assert read({"eventId": "New.Thing", "scope": "SOMETHING_ELSE"}).service == "new"


def test_a_missing_or_unreadable_time_is_the_time_of_receipt_with_a_note() -> None:
    for element in ({"eventId": "a.b"}, {"eventId": "a.b", "timestamp": "yesterday"}):
        event = read(element)
        assert event.occurred_at == NOW
        assert "time_note" in event.metadata


@pytest.mark.parametrize("name", ['a|b=c]"\\', "a\r\nb", "🚀", "\u202eabc", "<script>", "*bold*", "<!channel> <@U1>"])
def test_texts_come_through_as_they_are(name: str) -> None:
    assert as_json(read({**FLAT, "contextName": name}))["context"]["name"] == name


def test_nul_is_dropped_everywhere() -> None:
    element = {**FLAT, "contextName": "a\0b", "description": "c\0", "extra": {"k\0": "v\0"}, "contextId": "c\0"}
    assert b"\\u0000" not in read(element).to_json(received_at=NOW)


@pytest.mark.parametrize("element", [{}, {"eventId": ""}, {"eventId": 5.5}, {"eventId": None, "type": []}, [], 5, None])
def test_hopeless_elements_are_refused_in_words(element: Any) -> None:
    with pytest.raises(InvalidInputError):
        read(element)


def test_a_scope_too_long_to_tell_apart_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="organization_id"):
        read({**FLAT, "organizationId": "6" * 129})


def test_cloudevents_carry_vendor_payloads_or_anything() -> None:
    around = {
        "specversion": "1.0",
        "id": "ce-1",
        "source": "/s",
        "type": "com.netgraph.x.y",
        "time": "2026-04-19T00:00:00Z",
    }
    inside = read({**around, "data": FLAT})
    assert (inside.id, inside.type, inside.source_format) == (FLAT["id"], FLAT["eventId"], "cloudevents")
    listed = read({**around, "data": [NESTED]})
    assert (listed.id, listed.type) == ("ce-1", "ise.configuration.audit")
    free = read({**around, "data": {"id": "user-17", "type": "person"}})
    assert (free.id, free.type) == ("ce-1", "x.y")
    assert free.metadata["_extra"]["data"] == {"id": "user-17", "type": "person"}
    assert free.dedupe_key != read({**around, "source": "/t", "data": {}}).dedupe_key


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
KEYS = (
    "id eventId type scope actor change changes timestamp organizationId organization context contextId entity module "
    "action metadata tags sensitivity before after snapshots specversion data x x_was occurred_at description password"
)
keys = st.sampled_from(KEYS.split())
elements = st.dictionaries(keys, json_values, max_size=8) | json_values


@given(elements)
def test_nothing_but_invalid_input_is_ever_raised(element: Any) -> None:
    try:
        read(element).to_json(received_at=NOW)
    except InvalidInputError:
        return


@given(st.dictionaries(keys, json_values, max_size=8))
def test_our_own_output_read_again_is_the_same(extra: dict[str, Any]) -> None:
    try:
        first = read({"eventId": "a.b", **extra}).to_json(received_at=NOW)
    except InvalidInputError:
        return
    assert orjson.loads(read(orjson.loads(first)).to_json(received_at=NOW)) == orjson.loads(first)


@given(st.dictionaries(keys, json_values, max_size=8), st.randoms())
def test_identity_does_not_depend_on_key_order(element: dict[str, Any], random: Any) -> None:
    pairs = list({"eventId": "a.b", **element}.items())
    shuffled = random.sample(pairs, len(pairs))
    with contextlib.suppress(InvalidInputError):
        assert read(dict(pairs)).dedupe_key == read(dict(shuffled)).dedupe_key


@given(st.integers(-(10**15), 10**17))
def test_times_are_written_as_everywhere_else(moment: int) -> None:
    body = orjson.loads(read(FLAT).to_json(received_at=moment))
    assert body["received_at"] == to_rfc3339(moment)
