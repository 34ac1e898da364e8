"""Odd but legal bodies, from the bytes of a request to the stored event: what other tests judge piece by piece."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import func, select

from app.ingest.accept import IngestResult
from app.store import Store, open_store
from app.store.tables import deliveries, events
from tests.conftest import MovableClock
from tests.world import ADMIN, World, audit

JSON = "application/json"
NESTED: dict[str, Any] = {
    "eventId": "ise.configuration.audit",
    "eventTime": "2026-04-15T09:12:44.118Z",
    "scope": {"type": "ORGANIZATION_CTX_CISCO_ISE", "organizationId": "acme", "contextId": "ctx_4"},
    "actor": {"type": "ADMIN", "email": "admin@example.com"},
    "change": {"entity": "PnGroupCiscoISE", "action": "UPDATE", "fields": [{"name": "Profile", "after": "b"}]},
}


@pytest.fixture
def store(sqlite_url: str) -> Iterator[Store]:
    """No database changes what an event is."""
    opened = open_store(sqlite_url)
    yield opened
    opened.close()


@pytest.fixture
def world(store: Store, clock: MovableClock, tmp_path: Path) -> World:
    return World(store, clock, tmp_path)


def stored(store: Store) -> list[dict[str, Any]]:
    with store.read() as connection:
        return [
            orjson.loads(body) for body in connection.execute(select(events.c.body).order_by(events.c.seq)).scalars()
        ]


def post(world: World, body: object, content_type: str = JSON, headers: dict[str, str] | None = None) -> IngestResult:
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    return world.ingest.accept(raw, content_type, headers or {}, ADMIN)


def shuffled(value: Any, seed: int) -> Any:
    """The same JSON, its keys in another order at every level."""
    if isinstance(value, dict):
        pairs = [(key, shuffled(inner, seed)) for key, inner in value.items()]
        return dict(random.Random(seed).sample(pairs, len(pairs)))  # noqa: S311 - an order, not a secret
    return [shuffled(inner, seed) for inner in value] if isinstance(value, list) else value


# Envelope


def test_an_empty_array_is_fine_and_holds_nothing(world: World, store: Store) -> None:
    result = post(world, [])
    assert (result.accepted, result.duplicates, result.rejected, result.ids) == (0, 0, (), ())
    assert stored(store) == []


def test_an_array_of_20_000_events_is_stored_whole_and_its_repetition_not_at_all(world: World, store: Store) -> None:
    body = orjson.dumps([audit(number, changes=[]) for number in range(20_000)])
    first = post(world, body)
    assert (first.accepted, first.duplicates, first.rejected) == (20_000, 0, ())
    assert (first.ids[0], first.ids[-1]) == ("event-0", "event-19999")
    again = post(world, body)
    assert (again.accepted, again.duplicates) == (0, 20_000)
    with store.read() as connection:
        assert connection.execute(select(func.count()).select_from(events)).scalar_one() == 20_000


def test_a_cloudevents_batch_is_stored_event_by_event(world: World, store: Store) -> None:
    around = {"specversion": "1.0", "source": "/platform", "type": "com.netgraph.ise.configuration.audit"}
    batch = [{**around, "id": "ce-1", "data": NESTED}, {**around, "id": "ce-2", "data": audit(1)}]
    result = post(world, [*batch, batch[0]], "application/cloudevents-batch+json")
    assert (result.accepted, result.duplicates) == (2, 1)
    assert [(one["id"], one["type"], one["source"]["format"]) for one in stored(store)] == [
        ("ce-1", "ise.configuration.audit", "cloudevents"),
        ("event-1", "entrypoint.configuration.audit", "cloudevents"),
    ]


def test_the_lines_around_a_line_that_is_not_utf8_are_stored(world: World, store: Store) -> None:
    lines = [orjson.dumps(audit(1)), b'{"eventId":"a.b","id":"\xff"}', orjson.dumps(audit(2))]
    result = post(world, b"\n".join(lines), "application/x-ndjson")
    assert [(one.index, one.type) for one in result.rejected] == [(1, "malformed")]
    assert [one["id"] for one in stored(store)] == ["event-1", "event-2"]


# Identity


@pytest.mark.parametrize("seed", range(4))
def test_an_event_without_id_sent_again_with_its_keys_in_another_order_is_a_duplicate(world: World, seed: int) -> None:
    first = post(world, NESTED)
    again = post(world, shuffled(NESTED, seed))
    assert (first.accepted, again.accepted, again.duplicates) == (1, 0, 1)
    assert again.ids == first.ids


@pytest.mark.parametrize("seed", range(4))
def test_the_same_id_is_a_duplicate_whatever_the_order_of_keys_and_headers(world: World, seed: int) -> None:
    headers = {"Webhook-Id": "msg_1", "Webhook-Timestamp": "1776602096", "X-Trace": "a"}
    assert post(world, NESTED, headers=headers).ids == ("msg_1",)
    again = post(world, shuffled(NESTED, seed), headers=shuffled(headers, seed))
    assert (again.accepted, again.duplicates, again.ids) == (0, 1, ("msg_1",))


def test_an_event_id_shared_by_all_events_makes_none_of_them_a_duplicate(world: World) -> None:
    times = [{**NESTED, "eventTime": f"2026-04-15T09:12:{second}Z"} for second in range(10, 60)]
    assert post(world, times).accepted == 50


# Scope


def test_a_context_renamed_in_the_middle_of_a_body_has_each_event_say_the_name_it_had(
    world: World, store: Store
) -> None:
    names: list[str | None] = ["Staff", "Staff", "Employees", "Employees"]
    post(world, [audit(n, contextId="c1", contextName=name) for n, name in enumerate(names)])
    post(world, [audit(9, contextId="c1")])
    assert [one["context"] for one in stored(store)] == [{"id": "c1", "name": name} for name in [*names, "Employees"]]


def test_an_unknown_scope_and_an_unknown_type_are_stored_and_owed(world: World, store: Store) -> None:
    world.add_webhook("http://127.0.0.1:9/x")
    odd = audit(1, eventId="holodeck.safety.audit", scope="ORGANIZATION_CTX_HOLODECK", contextId="deck-3")
    assert post(world, odd).accepted == 1
    (event,) = stored(store)
    assert (event["type"], event["service"]) == ("holodeck.safety.audit", "holodeck")
    assert (event["context"]["id"], event["metadata"]["scope"]) == ("deck-3", "ORGANIZATION_CTX_HOLODECK")
    with store.read() as connection:
        assert connection.execute(select(func.count()).select_from(deliveries)).scalar_one() == 1


def test_an_event_of_the_organization_itself_has_no_context(world: World, store: Store) -> None:
    post(world, audit(1, eventId="organization.configuration.audit", contextId=None, scope="ORGANIZATION"))
    assert stored(store)[0]["context"] is None


# Actor


@pytest.mark.parametrize(
    "who",
    [
        {"userEmail": "system"},
        {"userEmail": "SyStEm"},
        {"userEmail": None, "actor": {"type": "system"}},
        {"userEmail": None, "actor": {"type": "System", "email": None}},
        {"userEmail": None},
        {"userEmail": ""},
    ],
)
def test_the_system_is_recognised_however_it_is_written(world: World, store: Store, who: dict[str, Any]) -> None:
    post(world, audit(1, **who))
    assert stored(store)[0]["actor"] == {"type": "system", "id": None, "email": None}


# Changes


def test_nested_objects_lists_and_booleans_written_as_texts_come_through(world: World, store: Store) -> None:
    before: dict[str, Any] = {"servers": [{"host": "a.example.com", "ports": [1812, 1813]}], "enabled": "true"}
    after: dict[str, Any] = {"servers": [], "enabled": "false", "limits": {"daily": None}}
    post(world, audit(1, changes=[{"field": "Proxy", "before": before, "after": after}]))
    (change,) = stored(store)[0]["changes"]
    assert (change["before"], change["after"]) == (before, after)


def test_a_chain_of_certificates_of_30_kb_is_stored_whole(world: World, store: Store) -> None:
    block = (
        "-----BEGIN CERTIFICATE-----\n" + "MIIDdzCCAl+gAwIBAgIEAgAAuTANBgkqhkiG9w0BAQUFADBaMQswCQYDVQQGEwJTRQ\n" * 20
    )
    chain = (block + "-----END CERTIFICATE-----\n") * 22
    assert 30_000 < len(chain) < 32_768
    post(world, audit(1, changes=[{"field": "Trusted CA", "path": "trusted_ca[0].chain", "after": chain}]))
    assert stored(store)[0]["changes"][0]["after"] == chain


@pytest.mark.parametrize("masked_side", ["before", "after"])
def test_a_value_masked_on_one_side_only_is_masked_on_both(world: World, store: Store, masked_side: str) -> None:
    change = {"field": "Setting", "before": "Tr0ub4dor", "after": "Tr0ub4dor", masked_side: "***"}
    post(world, audit(1, changes=[change]))
    (told,) = stored(store)[0]["changes"]
    assert (told["before"], told["after"], told["secret"]) == ("***", "***", True)


# Time


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000Z"),
        ("1970-06-01T00:00:00+02:00", "1970-05-31T22:00:00.000Z"),
        (1_776_602_096, "2026-04-19T12:34:56.000Z"),
        (1_776_602_096_118, "2026-04-19T12:34:56.118Z"),
        (1_776_602_096_118_123, "2026-04-19T12:34:56.118Z"),
        ("2026-04-19T14:34:56+02:00", "2026-04-19T12:34:56.000Z"),
        ("2026-04-19T12:34:56", "2026-04-19T12:34:56.000Z"),
        ("2026-10-25T02:30:00+02:00", "2026-10-25T00:30:00.000Z"),
        ("2026-10-25T02:30:00+01:00", "2026-10-25T01:30:00.000Z"),
        ("2026-03-29T02:30:00", "2026-03-29T02:30:00.000Z"),
    ],
)
def test_a_time_is_stored_as_the_instant_it_names(world: World, store: Store, written: object, told: str) -> None:
    post(world, audit(1, timestamp=written))
    assert stored(store)[0]["occurred_at"] == told


# Text


@pytest.mark.parametrize(
    "text",
    [
        'pipe | equals = bracket ] quote " backslash \\',
        "two\r\nlines",
        "a\ttab",
        "🚀 emoji 👩‍👩‍👧",
        "\u202egnp.exe\u202c",
        "عربى",
        "<script>alert(1)</script>",
        "*bold* _it_ ~no~ `code`",
        "<!channel> <@U1> <https://evil.example|click>",
        "%0d%0a {{7*7}} ${jndi:ldap://x} ' OR 1=1 --",
    ],
)
def test_a_text_is_stored_as_it_was_sent_in_every_place(world: World, store: Store, text: str) -> None:
    change = {"field": f"f {text}", "before": text, "after": [{"k": text}]}
    entity = {"type": "policy", "id": "p1", "name": text}
    post(world, audit(1, contextId="c1", contextName=text, entity=entity, changes=[change], note=text))
    (event,) = stored(store)
    assert event["context"]["name"] == event["entity"]["name"] == text
    assert event["changes"][0]["field"] == f"f {text}"
    assert (event["changes"][0]["before"], event["changes"][0]["after"]) == (text, [{"k": text}])
    assert event["metadata"]["_extra"]["note"] == text
