from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import select

from app.core.clock import AT_ONCE, DAY, SECOND
from app.core.errors import ConflictError, InvalidInputError, NotFoundError
from app.core.states import DeliveryState
from app.routing.own_audit import NoAudit
from app.routing.own_changes import OwnChanges
from app.routing.webhook_change import ChangeRules
from app.routing.webhook_input import NewWebhook, Rotation, WebhookPatch
from app.routing.webhooks import WebhookService
from app.security.scope import Scope
from app.security.sealed_fields import ENDPOINT, HEADERS, SECRETS
from app.security.vault import Vault
from app.sinks.manager import SinkManager
from app.store.engine import Store, open_store
from app.store.routes import routing_generation
from app.store.tables import contexts, deliveries, organizations, webhooks

NOW = 1_700_000_000_000_000
ACME = Scope("acme")
URL = "https://receiver.example/hook"


@dataclass
class Bell:
    rung: list[int] = field(default_factory=list)

    def ring(self, partitions: Collection[int]) -> None:
        self.rung += partitions


@dataclass
class World:
    store: Store
    vault: Vault
    service: WebhookService
    bell: Bell
    targets: list[str]
    now: int = NOW

    def create(self, scope: Scope = ACME, **more: Any) -> str:
        body = {"type": "instant", "name": "Splunk", **more}
        made: str = self.service.create(scope, NewWebhook.model_validate(body))["id"]
        return made

    def patch(self, webhook: str, **change: Any) -> dict[str, Any]:
        return self.service.patch(ACME, webhook, WebhookPatch.model_validate(change))

    def row(self, webhook: str) -> Any:
        with self.store.read() as connection:
            return connection.execute(select(webhooks).where(webhooks.c.id == webhook)).mappings().one()

    def opened(self, webhook: str, column: str, name: str) -> bytes | None:
        row = self.row(webhook)
        if row[column] is None:
            return None
        return self.vault.open(row[column], organization="acme", webhook=webhook, field=name)

    def generation(self) -> int:
        with self.store.read() as connection:
            return routing_generation(connection)


@pytest.fixture
def world(sqlite_url: str) -> Iterator[World]:
    store = open_store(sqlite_url)
    with store.write() as connection:
        for name in ("acme", "other"):
            connection.execute(organizations.insert().values(id=name, name=name, created_at=NOW))
        connection.execute(
            contexts.insert().values(organization_id="acme", id="c1", service="entrypoint", name="C", created_at=NOW)
        )
    vault = Vault({"k": b"k" * 32}, "k")
    bell, targets = Bell(), []
    made = World(store, vault, None, bell, targets)  # type: ignore[arg-type]

    def check(target: str) -> None:
        targets.append(target)
        if "private" in target:
            raise InvalidInputError("nothing may be sent there", field="endpoint_url")

    made.service = WebhookService(
        store,
        ChangeRules(vault, SinkManager.loaded(strict=True)),
        check_target=check,
        changes=OwnChanges(store, NoAudit(), bell),
        clock=lambda: made.now,
        random_bytes=secrets.token_bytes,
    )
    yield made
    store.close()


def refused_field(action: Callable[[], object]) -> str:
    with pytest.raises(InvalidInputError) as caught:
        action()
    return caught.value.field


def test_type_and_name_are_enough_and_the_key_gives_the_organization(world: World) -> None:
    shown = world.service.get(ACME, world.create())
    assert (shown["state"], shown["organization_id"], shown["scope"]) == ("needs_endpoint", "acme", "organization")
    assert shown["event_types"] == ["*"]
    assert not shown["enabled"]


@pytest.mark.parametrize("name", ["ab", "x" * 126, "  a  "])
def test_a_name_has_3_to_125_characters(name: str) -> None:
    with pytest.raises(ValueError, match="name"):
        NewWebhook(type="instant", name=name)


def test_a_context_must_belong_to_the_organization(world: World) -> None:
    assert world.service.get(ACME, world.create(context_id="c1"))["scope"] == "context"
    with pytest.raises(NotFoundError):
        world.create(context_id="c9")
    with pytest.raises(NotFoundError):
        world.create(organization_id="other")
    with pytest.raises(NotFoundError):
        world.create(scope=Scope(), organization_id="other", context_id="c1")
    assert refused_field(lambda: world.create(scope=Scope())) == "organization_id"


def test_a_webhook_works_once_it_has_sink_and_endpoint(world: World) -> None:
    webhook = world.create()
    assert world.patch(webhook, sink="webhook")["state"] == "needs_endpoint"
    assert world.patch(webhook, endpoint_url=URL)["state"] == "enabled"
    assert world.targets == [URL]


def test_every_change_raises_the_version_and_the_routing_generation(world: World) -> None:
    webhook = world.create()
    for action in (
        lambda: world.patch(webhook, sink="webhook", endpoint_url=URL),
        lambda: world.service.pause(ACME, webhook),
        lambda: world.service.resume(ACME, webhook),
        lambda: world.service.rotate(ACME, webhook, Rotation()),
        lambda: world.service.delete(ACME, webhook),
    ):
        version, generation = world.row(webhook)["version"], world.generation()
        action()
        assert world.row(webhook)["version"] == version + 1
        assert world.generation() == generation + 1


def test_written_secrets_never_come_back_and_are_sealed(world: World, tmp_path: Path) -> None:
    webhook = world.create()
    shown = world.patch(
        webhook,
        sink="splunk_hec",
        endpoint_url="https://receiver.example/hook?key=canary-url",
        headers={"X-Token": "canary-header"},
        secrets={"token": "canary-secret"},
    )
    assert shown["headers"] == {"X-Token": {"set": True}}
    assert shown["secrets"] == {"token": {"set": True}}
    assert "canary" not in orjson.dumps(shown).decode()
    assert world.opened(webhook, "headers_sealed", HEADERS) == b'[["X-Token","canary-header"]]'
    for file in tmp_path.iterdir():
        assert b"canary" not in file.read_bytes()


def test_another_origin_takes_the_secrets_away(world: World) -> None:
    webhook = world.create()
    world.patch(webhook, sink="webhook", endpoint_url=URL, headers={"Authorization": "Bearer s3"})
    shown = world.patch(webhook, endpoint_url="https://receiver.example:443/elsewhere")
    assert shown["headers"] == {"Authorization": {"set": True}}
    assert world.patch(webhook, endpoint_url="https://thief.example/")["headers"] == {}
    assert world.opened(webhook, "headers_sealed", HEADERS) is None


def test_another_origin_takes_the_sinks_secrets_away_too(world: World) -> None:
    webhook = world.create()
    world.patch(webhook, sink="splunk_hec", endpoint_url=URL, secrets={"token": "11112222-aaaa"})
    move = {"endpoint_url": "https://thief.example/"}
    assert refused_field(lambda: world.patch(webhook, **move)) == "secrets.token"
    assert refused_field(lambda: world.patch(webhook, **move, secrets={"token": {"set": True}})) == "secrets.token"
    assert world.patch(webhook, **move, secrets={"token": "new-token"})["state"] == "enabled"
    assert world.opened(webhook, "secrets_sealed", SECRETS) == b'{"token":"new-token"}'


def test_set_true_keeps_a_header_and_the_rest_is_replaced(world: World) -> None:
    webhook = world.create()
    world.patch(webhook, headers={"A": "1", "B": "2"})
    world.patch(webhook, headers={"A": {"set": True}, "C": "3"})
    assert world.opened(webhook, "headers_sealed", HEADERS) == b'[["A","1"],["C","3"]]'
    assert refused_field(lambda: world.patch(webhook, headers={"Z": {"set": True}})) == "headers.Z"
    assert world.patch(webhook, headers=None)["headers"] == {}


def test_another_sink_starts_with_settings_of_its_own(world: World) -> None:
    webhook = world.create()
    world.patch(webhook, sink="splunk_hec", endpoint_url=URL, secrets={"token": "t-1"})
    shown = world.patch(webhook, sink="webhook", config={"body_shape": "array"})
    assert (shown["secrets"], shown["config"]) == ({}, {"body_shape": "array"})


@pytest.mark.parametrize(
    ("change", "at_fault"),
    [
        ({"sink": "nowhere"}, "sink"),
        ({"endpoint_url": "ftp://x/"}, "endpoint_url"),
        ({"endpoint_url": "https://private.example/"}, "endpoint_url"),
        ({"headers": {"Host": "evil"}}, "headers.Host"),
        ({"headers": {"A": "1\r\nB: 2"}}, "headers.A"),
        ({"headers": {"webhook-id": "x"}}, "headers.webhook-id"),
        ({"event_types": []}, "event_types"),
        ({"event_types": ["*", "entrypoint.radius.accounting"]}, "event_types.1"),
        ({"event_types": ["no spaces"]}, "event_types.0"),
        ({"sink": "webhook", "config": {"body_shape": "cube"}}, "config.body_shape"),
        ({"sink": "webhook", "config": {"colour": 1}}, "config.colour"),
        ({"config": {"body_shape": "array"}}, "config"),
        ({"sink": "splunk_hec", "endpoint_url": URL}, "secrets.token"),
        ({"retry": {"schedule_s": [0]}}, "retry.schedule_s.0"),
    ],
)
def test_a_wrong_field_is_named_and_nothing_changes(world: World, change: dict[str, Any], at_fault: str) -> None:
    webhook = world.create()
    before = dict(world.row(webhook))
    assert refused_field(lambda: world.patch(webhook, **change)) == at_fault
    assert dict(world.row(webhook)) == before


@pytest.mark.parametrize(
    "change",
    [
        {"batch": {"max_events": 20_001}},
        {"batch": {"max_bytes": 64 * 1024 * 1024 + 1}},
        {"batch": {"max_age_s": 86_401}},
        {"concurrency": 0},
        {"concurrency": 257},
        {"rate_limit": {"per_s": 0}},
        {"colour": "blue"},
        {"enabled": "yes"},
    ],
)
def test_numbers_have_bounds_and_unknown_fields_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(change))):
        WebhookPatch.model_validate(change)


def test_pausing_holds_and_resuming_rings(world: World) -> None:
    webhook = world.create()
    with pytest.raises(ConflictError):
        world.service.pause(ACME, webhook)
    with pytest.raises(ConflictError):
        world.service.resume(ACME, webhook)
    world.patch(webhook, sink="webhook", endpoint_url=URL)
    assert world.service.pause(ACME, webhook)["state"] == "paused"
    assert world.patch(webhook, name="Still paused")["state"] == "paused"
    assert world.service.resume(ACME, webhook)["state"] == "enabled"
    assert world.bell.rung == [world.row(webhook)["partition"]]


def test_switching_off_and_on(world: World) -> None:
    webhook = world.create()
    with pytest.raises(ConflictError):
        world.patch(webhook, enabled=True)
    world.patch(webhook, sink="webhook", endpoint_url=URL)
    assert world.patch(webhook, enabled=False)["state"] == "disabled"
    assert world.patch(webhook, name="Other name")["state"] == "disabled"
    assert world.patch(webhook, enabled=True)["state"] == "enabled"


def test_mending_the_settings_frees_what_was_parked(world: World) -> None:
    webhook = world.create()
    world.patch(webhook, sink="webhook", endpoint_url=URL)
    pk = world.row(webhook)["pk"]
    with world.store.write() as connection:
        connection.execute(
            deliveries.insert().values(webhook_pk=pk, event_seq=1, state=DeliveryState.PARKED, attempt_count=1, tries=0)
        )
    world.patch(webhook, name="Another name")
    with world.store.read() as connection:
        assert connection.execute(select(deliveries.c.state)).scalar_one() == DeliveryState.PARKED
    world.patch(webhook, headers={"x-key": "mended"})
    with world.store.read() as connection:
        row = connection.execute(select(deliveries)).one()
    assert (row.state, row.due_at) == (DeliveryState.PENDING, AT_ONCE)
    assert world.bell.rung


def test_rotation_overlaps_for_as_long_as_asked(world: World) -> None:
    webhook = world.create()
    first = world.service.secret(ACME, webhook)["secret"]
    second = world.service.rotate(ACME, webhook, Rotation(overlap_s=60))["secret"]
    now = world.service.secret(ACME, webhook)
    assert (now["secret"], now["previous"]) == (second, first)
    world.now += 60 * SECOND
    assert world.service.secret(ACME, webhook)["previous"] is None
    world.service.rotate(ACME, webhook, Rotation(overlap_s=0))
    assert world.row(webhook)["signing_previous_sealed"] is None


def test_a_deleted_webhook_is_gone_and_what_it_was_owed_is_skipped(world: World) -> None:
    webhook = world.create()
    pk = world.row(webhook)["pk"]
    states = [DeliveryState.PENDING, DeliveryState.DELIVERED, DeliveryState.PARKED]
    with world.store.write() as connection:
        for seq, state in enumerate(states, 1):
            due_at = AT_ONCE if state is DeliveryState.PENDING else None
            owed = {"webhook_pk": pk, "event_seq": seq, "state": state, "due_at": due_at}
            connection.execute(deliveries.insert().values(**owed, attempt_count=0, tries=0))
    world.service.delete(ACME, webhook)
    with pytest.raises(NotFoundError):
        world.service.get(ACME, webhook)
    with world.store.read() as connection:
        found = connection.execute(select(deliveries.c.state).order_by(deliveries.c.event_seq)).scalars().all()
    assert found == [DeliveryState.SKIPPED, DeliveryState.DELIVERED, DeliveryState.SKIPPED]


def test_nobody_sees_or_touches_a_foreign_webhook(world: World) -> None:
    webhook = world.create()
    for scope in (Scope("other"), Scope("acme", "c1")):
        assert world.service.page(scope, organization_id=None, context_id=None).items == []
        for action in (
            lambda scope=scope: world.service.get(scope, webhook),
            lambda scope=scope: world.service.patch(scope, webhook, WebhookPatch(endpoint_url=URL)),
            lambda scope=scope: world.service.pause(scope, webhook),
            lambda scope=scope: world.service.resume(scope, webhook),
            lambda scope=scope: world.service.secret(scope, webhook),
            lambda scope=scope: world.service.rotate(scope, webhook, Rotation()),
            lambda scope=scope: world.service.delete(scope, webhook),
        ):
            with pytest.raises(NotFoundError):
                action()
    assert world.targets == []


def test_pages_follow_each_other_without_gaps(world: World) -> None:
    made = [world.create(name=f"Webhook {number}") for number in range(5)]
    seen: list[str] = []
    after: int | None = 0
    while after is not None:
        page = world.service.page(ACME, after=after, limit=2, organization_id=None, context_id=None)
        seen += [item["id"] for item in page.items]
        after = page.next
    assert seen == made


def test_the_default_overlap_is_a_day() -> None:
    assert Rotation().overlap_s * SECOND == DAY


def test_the_url_is_bound_to_its_webhook(world: World) -> None:
    first, second = world.create(), world.create()
    world.patch(first, endpoint_url=URL)
    with world.store.write() as connection:
        sealed = world.row(first)["endpoint_sealed"]
        connection.execute(webhooks.update().where(webhooks.c.id == second).values(endpoint_sealed=sealed))
    assert world.opened(first, "endpoint_sealed", ENDPOINT) == URL.encode()
    with pytest.raises(Exception, match="belongs to something else"):
        world.opened(second, "endpoint_sealed", ENDPOINT)
