"""Every way on which something leaves for an address that somebody chose, walked with addresses nobody may reach.

The addresses are written into the database, past every check at the door: what is tried here is the client itself.
"""

from __future__ import annotations

import secrets
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import orjson
from sqlalchemy import bindparam, delete, select, update

from app.core.clock import HOUR, SECOND
from app.core.endpoint_url import SYSLOG_SCHEMES, check_endpoint_url, origin, scheme_of
from app.core.errors import RelaypointError
from app.core.ids import delivery_id
from app.core.receiver_health import FAILING_AFTER, Health
from app.core.states import DeliveryState
from app.delivery.egress import EgressClient
from app.delivery.exchange import Outgoing, Returned
from app.delivery.redeliver import redeliver
from app.delivery.replaying import Replayer
from app.delivery.replays import ReplayOrder, ReplayService
from app.delivery.runtime import RuntimeLoader
from app.delivery.test_send import send_test
from app.routing.own_audit import NoAudit
from app.routing.own_changes import OwnChanges
from app.routing.webhook_change import ChangeRules
from app.routing.webhook_input import WebhookPatch
from app.routing.webhooks import WebhookService
from app.security.sealed_fields import ENDPOINT
from app.services import check_target
from app.store.due import due_partitions
from app.store.receipts import ReceiptRow, write_receipts
from app.store.replays import ReplayKind, ReplayState
from app.store.tables import attempts, deliveries, webhook_health, webhooks
from app.store.tables_replays import replays
from app.store.webhook_health import HealthChange, write_health
from tests.conftest import MovableClock
from tests.world import PLATFORM, Hook, World, settle

PLACEHOLDER = "https://placeholder.example/"
PATIENCE_S = 60.0


class Watched(EgressClient):
    """The client, remembering which addresses it was given."""

    given: list[str]

    def start(self, request: Outgoing) -> None:
        self.given.append(request.url)
        super().start(request)

    def fetch(self, request: Outgoing) -> Returned:
        self.given.append(request.url)
        return super().fetch(request)

    def dry_run(self, url: str) -> list[Any]:
        self.given.append(url)
        return super().dry_run(url)


@dataclass
class Walk:
    """What happened on one path."""

    given: int = 0
    missed: list[str] = field(default_factory=list)
    """Targets that the client was never given."""
    taken: list[str] = field(default_factory=list)
    """Targets that were delivered to, or could be saved."""
    outcomes: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0


class Paths:
    """Walks the paths, one after the other, with the same targets.

    Args:
        world: an installation without webhooks.
        client: the watched client.
        clock: of the world.
        targets: URLs.
    """

    def __init__(self, world: World, client: Watched, clock: MovableClock, targets: Sequence[str]) -> None:
        self.walks: dict[str, Walk] = {}
        self._world, self._client, self._clock, self._targets = world, client, clock, targets
        self._replays = ReplayService(world.store, clock=clock, random_bytes=secrets.token_bytes)
        self._replayer = Replayer(world.store)
        world.send_numbers(0)
        clock.advance(SECOND)
        self._instant = self._hooks("instant")
        self._batch = self._hooks("batch")
        self._token = self._token_hooks()
        self._collector = self._collector_hooks()

    def walk(self) -> None:
        """All of them."""
        steps: dict[str, Callable[[], None]] = {
            "backfill": lambda: self._replay("backfill"),
            "save": self._save,
            "test send": self._test_sends,
            "instant and batch": self._send,
            "redelivery": self._redeliver,
            "bulk redelivery": lambda: self._replay("redeliver"),
            "probe": self._probe,
        }
        for name, step in steps.items():
            self._restore([*self._instant, *self._batch])
            with self._walking(name, self._targets):
                step()
        self._restore(self._token)
        with self._walking("access token", list(self._token.values())):
            self._send()
        self._restore(self._collector)
        with self._walking("acknowledgement", list(self._collector.values()), by=origin):
            self._ask()

    @contextmanager
    def _walking(self, name: str, targets: Sequence[str], by: Callable[[str], str] = str) -> Iterator[None]:
        self._walk = self.walks[name] = Walk()
        self._client.given = []
        began = time.monotonic()
        yield
        self._walk.seconds = round(time.monotonic() - began, 1)
        self._walk.given = len(self._client.given)
        self._walk.missed = sorted(set(map(by, targets)) - set(map(by, self._client.given)))
        self._walk.outcomes.update(self._outcomes())
        self._walk.taken += self._delivered()

    def _hooks(self, mode: str) -> dict[Hook, str]:
        made: dict[Hook, str] = {}
        for url in self._targets:
            syslog = scheme_of(url) in SYSLOG_SCHEMES
            made[self._world.add_webhook(PLACEHOLDER, mode=mode, sink="siem" if syslog else "webhook")] = url
        self._point(made)
        return made

    def _token_hooks(self) -> dict[Hook, str]:
        """Webhooks with a fine endpoint, whose access token comes from a target."""
        config = {"oauth_token_url": PLACEHOLDER, "oauth_client_id": "us"}
        secret = {"oauth_client_secret": "c1ient-s3cret"}
        made = {
            self._world.add_webhook("https://8.8.8.8/", config=config, secrets=secret, enabled=False): url
            for url in self._whole_addresses()
        }
        with self._world.store.write() as connection:
            for hook, url in made.items():
                written = orjson.dumps({"oauth_token_url": url, "oauth_client_id": "us"}).decode()
                connection.execute(update(webhooks).where(webhooks.c.pk == hook.pk).values(config=written))
        return made

    def _collector_hooks(self) -> dict[Hook, str]:
        """Webhooks to event collectors, which are asked whether they have indexed what they took."""
        secret = {"token": "11111111-2222-3333-4444-555555555555"}
        made = {
            self._world.add_webhook(PLACEHOLDER, sink="splunk_hec", secrets=secret, enabled=False): url
            for url in self._whole_addresses()
        }
        self._point(made)
        return made

    def _whole_addresses(self) -> list[str]:
        """The targets that a sink takes as an address: with all else it fails before anything could leave."""
        return [url for url in self._targets if _is_web_address(url)]

    def _point(self, hooks: dict[Hook, str]) -> None:
        with self._world.store.write() as connection:
            rows = [{"its": hook.pk, "sealed": self._sealed(hook, url)} for hook, url in hooks.items()]
            statement = update(webhooks).where(webhooks.c.pk == bindparam("its"))
            connection.execute(statement.values(endpoint_sealed=bindparam("sealed")), rows)

    def _sealed(self, hook: Hook, url: str) -> bytes:
        return self._world.vault.seal(url.encode(), organization="acme", webhook=hook.id, field=ENDPOINT)

    def _restore(self, hooks: Collection[Hook]) -> None:
        """These webhooks enabled and well again, and no other; every delivery ended without success, no history."""
        on = [hook.pk for hook in hooks]
        with self._world.store.write() as connection:
            connection.execute(update(webhooks).values(state="disabled", state_reason=None))
            connection.execute(update(webhooks).where(webhooks.c.pk.in_(on)).values(state="enabled"))
            connection.execute(delete(webhook_health))
            connection.execute(delete(attempts))
            ended = {"state": DeliveryState.FAILED, "due_at": None, "tries": 7, "batch_pk": None}
            connection.execute(update(deliveries).where(deliveries.c.state != DeliveryState.FAILED).values(ended))

    def _save(self) -> None:
        world = self._world
        service = WebhookService(
            world.store,
            ChangeRules(world.vault, world.sinks),
            check_target=partial(check_target, self._client),
            changes=OwnChanges(world.store, NoAudit(), world.rings),
            clock=world.clock,
            random_bytes=secrets.token_bytes,
        )
        for hook, url in self._instant.items():
            try:
                service.patch(PLATFORM, hook.id, WebhookPatch.model_validate({"endpoint_url": url}))
            except RelaypointError as refused:
                self._walk.outcomes[type(refused).__name__] += 1
            else:
                self._walk.taken.append(url)

    def _test_sends(self) -> None:
        loader = RuntimeLoader(self._world.vault, self._world.sinks)
        for hook, url in self._instant.items():
            result = send_test(
                *(self._world.store, loader, self._client, hook.id, PLATFORM),
                clock=self._clock,
                random_bytes=secrets.token_bytes,
            )
            self._walk.outcomes[result.verdict] += 1
            if result.verdict == "delivered":
                self._walk.taken.append(url)

    def _send(self) -> None:
        self._world.send_numbers(len(self.walks))
        self._clock.advance(HOUR)
        self._deliver()

    def _probe(self) -> None:
        self._world.send_numbers(len(self.walks))
        self._clock.advance(HOUR)
        now = self._clock()
        with self._world.store.write() as connection:
            rows = connection.execute(select(webhooks.c.pk, webhooks.c.version)).all()
            ill = Health(FAILING_AFTER, FAILING_AFTER, 1, now - HOUR, now - SECOND, now - HOUR, reason="it was ill")
            write_health(connection, [HealthChange(row.pk, row.version, ill) for row in rows])
        self._deliver()

    def _redeliver(self) -> None:
        for hook in (*self._instant, *self._batch):
            row = self._world.deliveries(hook)[0]
            with self._world.store.write() as connection:
                redeliver(connection, delivery_id(hook.id, row.event_seq), PLATFORM, self._clock())
        self._clock.advance(HOUR)
        self._deliver()

    def _replay(self, kind: str) -> None:
        for hook in (*self._instant, *self._batch):
            order = ReplayOrder(ReplayKind(kind), 0)
            self._replays.start(PLATFORM, hook.id, order, created_by="key_a", per_s=1_000)
        while self._replaying():
            self._clock.advance(SECOND)
            self._replayer.step(self._clock())
        self._clock.advance(HOUR)
        self._deliver()

    def _ask(self) -> None:
        loader = RuntimeLoader(self._world.vault, self._world.sinks)
        now = self._clock()
        with self._world.store.write() as connection:
            for row in connection.execute(select(webhooks).where(webhooks.c.state == "enabled")).mappings().all():
                place = loader.build(row, now).place
                receipt = ReceiptRow(row["pk"], row["pk"], 1, 1, None, place, "c", "1", now, now, now + HOUR)
                write_receipts(connection, [receipt])
        self._deliver()

    def _replaying(self) -> bool:
        with self._world.store.read() as connection:
            return (
                connection.execute(select(replays.c.pk).where(replays.c.state == ReplayState.RUNNING)).first()
                is not None
            )

    def _deliver(self) -> None:
        drain = self._world.drain(self._client)
        with self._world.store.read() as connection:
            due = due_partitions(connection, self._clock())
        settle(drain, due, PATIENCE_S)

    def _outcomes(self) -> Counter[str]:
        with self._world.store.read() as connection:
            return Counter(str(one) for (one,) in connection.execute(select(attempts.c.outcome)))

    def _delivered(self) -> list[str]:
        urls = {**self._instant, **self._batch, **self._token, **self._collector}
        named = {hook.pk: url for hook, url in urls.items()}
        statement = select(deliveries.c.webhook_pk).where(deliveries.c.state == DeliveryState.DELIVERED).distinct()
        with self._world.store.read() as connection:
            return [named[pk] for (pk,) in connection.execute(statement)]


def _is_web_address(url: str) -> bool:
    try:
        check_endpoint_url(url)
    except RelaypointError:
        return False
    return True
