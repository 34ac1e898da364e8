"""What the API and the console work with, built once per web process. Nothing here is open before its first use."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import TypedDict

from app.core.clock import Clock, system_clock
from app.core.doorbell import Doorbell, SilentDoorbell
from app.core.errors import InvalidInputError
from app.core.ids import RandomBytes
from app.delivery.egress import EgressClient
from app.delivery.engine import egress_policy, load_sinks
from app.delivery.exchange import Outgoing
from app.delivery.replays import ReplayService
from app.delivery.runtime import RuntimeLoader
from app.ingest.accept import IngestService
from app.ingest.gate import Gate
from app.ingest.ringing import RingingThread
from app.ingest.shaping import Shaping
from app.ingest.source_door import SourceDoor
from app.ingest.source_service import SourceService
from app.ingest.source_tally import SourceTally
from app.ops.counts import Counts
from app.queue.connection import ring_redis
from app.queue.doorbell import RedisDoorbell
from app.routing.change_windows import CHANGE_WINDOWS, WindowTrials
from app.routing.dialects import understand_dialects
from app.routing.event_catalogue import EventCatalogue
from app.routing.event_history import EventHistory
from app.routing.hook_faults import HookFaults
from app.routing.joining import Joining
from app.routing.key_terms import KeyTermsService
from app.routing.keys import KeyService
from app.routing.members import MemberService
from app.routing.own_audit import OwnAudit
from app.routing.own_changes import OwnChanges
from app.routing.place_change import PlaceChanges
from app.routing.places import PlaceService
from app.routing.policy_service import PolicyService
from app.routing.radius import RadiusView
from app.routing.sensitivity_rules import SENSITIVITY_RULES
from app.routing.sink_guard import SinkGuard
from app.routing.trials import Trials
from app.routing.webhook_change import ChangeRules
from app.routing.webhooks import WebhookService
from app.routing.window_export import WindowExport
from app.routing.window_import import WindowImport
from app.security.front_door import FrontDoor
from app.security.oidc import OidcConfig, OidcProvider
from app.security.oidc_login import OidcLogin
from app.security.passwords import Passwords
from app.security.vault import Vault, open_vault
from app.settings import Settings
from app.sinks.manager import SinkManager
from app.store.engine import Store

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Services:
    """The use cases and what they share."""

    settings: Settings
    store: Store
    vault: Vault
    sinks: SinkManager
    hook_faults: HookFaults
    egress: EgressClient
    runtimes: RuntimeLoader
    doorbell: Doorbell
    clock: Clock
    ingest: IngestService
    gate: Gate
    key_terms: KeyTermsService
    sources: SourceService
    source_tally: SourceTally
    source_door: SourceDoor
    webhooks: WebhookService
    places: PlaceService
    place_changes: PlaceChanges
    change_windows: PolicyService
    sensitivity_rules: PolicyService
    window_trials: WindowTrials
    window_import: WindowImport
    window_export: WindowExport
    trials: Trials
    radius: RadiusView
    catalogue: EventCatalogue
    events: EventHistory
    replays: ReplayService
    people: FrontDoor
    joining: Joining
    provider_login: OidcLogin | None
    members: MemberService
    keys: KeyService
    counts: Counts


class _Shared(TypedDict):
    """What every use case that changes something is given."""

    changes: OwnChanges
    clock: Clock
    random_bytes: RandomBytes


def build_services(settings: Settings, store: Store, *, clock: Clock = system_clock) -> Services:
    """Everything one web process needs, on the store the application owns.

    Raises:
        ConfigurationError: keys, plugins (in strict mode) or allow rules are wrong.
    """
    vault = open_vault(settings.instance, settings.secret_keys)
    sinks = load_sinks(settings)
    egress = EgressClient(egress_policy(settings))
    doorbell: Doorbell = (
        RedisDoorbell(ring_redis(settings.redis_url), clock) if settings.redis_url else SilentDoorbell()
    )
    changes = OwnChanges(store, OwnAudit(vault, clock=clock, random_bytes=secrets.token_bytes), doorbell)
    shared = _Shared(changes=changes, clock=clock, random_bytes=secrets.token_bytes)
    policy_service = partial(PolicyService, store, **shared)
    windows = policy_service(CHANGE_WINDOWS)
    hook_faults = HookFaults(clock, store)
    ask_sink = SinkGuard(hook_faults, clock)
    understand_dialects(sinks, hook_faults, clock)
    ingest = IngestService(store, clock, RingingThread(doorbell), Shaping.of(sinks, hook_faults, clock))
    people = FrontDoor(store, Passwords(), clock=clock, random_bytes=secrets.token_bytes)
    gate = Gate(store, vault, clock, ingest.buckets, settings.ingest_rate_per_s)
    tally = SourceTally(store, clock)
    return Services(
        settings=settings,
        store=store,
        vault=vault,
        sinks=sinks,
        hook_faults=hook_faults,
        egress=egress,
        runtimes=RuntimeLoader(vault, sinks, ask_sink),
        doorbell=doorbell,
        clock=clock,
        ingest=ingest,
        key_terms=KeyTermsService(store, vault, **shared),
        gate=gate,
        sources=SourceService(store, vault, sinks, **shared),
        source_tally=tally,
        source_door=SourceDoor(store, vault, sinks, ingest, gate, tally, hook_faults, clock),
        webhooks=WebhookService(
            store,
            ChangeRules(vault, sinks, ask_sink),
            check_target=partial(check_target, egress),
            **shared,
        ),
        places=PlaceService(store, clock=clock, random_bytes=secrets.token_bytes),
        place_changes=PlaceChanges(changes),
        change_windows=windows,
        sensitivity_rules=policy_service(SENSITIVITY_RULES),
        window_trials=WindowTrials(store, windows, clock=clock),
        window_import=WindowImport(windows, clock=clock),
        window_export=WindowExport(windows, clock=clock),
        trials=Trials(store),
        radius=RadiusView(store),
        catalogue=EventCatalogue(store, sinks.event_types()),
        events=EventHistory(store),
        replays=ReplayService(store, clock=clock, random_bytes=secrets.token_bytes),
        people=people,
        joining=Joining(store, people, **shared),
        provider_login=_provider_login(settings, store, people, egress, clock),
        members=MemberService(store, **shared),
        keys=KeyService(store, **shared),
        counts=Counts(),
    )


def _provider_login(
    settings: Settings, store: Store, people: FrontDoor, egress: EgressClient, clock: Clock
) -> OidcLogin | None:
    """Log-in at the OpenID provider of the settings; its requests take the one road out."""
    if settings.oidc_issuer is None or settings.oidc_client_id is None:
        return None
    config = OidcConfig(settings.oidc_issuer, settings.oidc_client_id, settings.oidc_client_secret)

    def fetch(method: str, url: str, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
        returned = egress.fetch(Outgoing(None, method, url, tuple(headers.items()), body))
        if returned.failure is not None:
            log.warning("the OpenID provider cannot be asked", extra={"reason": returned.failure.detail})
        return (0, b"") if returned.failure is not None or returned.truncated else (returned.status, returned.body)

    provider = OidcProvider(config, fetch, clock)
    return OidcLogin(store, people, provider, issuer=config.issuer, clock=clock, random_bytes=secrets.token_bytes)


def check_target(egress: EgressClient, url: str) -> None:
    """Refuse an endpoint that could never be sent to: every address it has now is refused by the policy.

    A name without an address at present is accepted; each request is judged again when it is sent.

    Raises:
        InvalidInputError: naming the rule that refuses it.
    """
    judged = egress.dry_run(url)
    if judged and not any(one.allowed for one in judged):
        rules = ", ".join(sorted({one.rule for one in judged}))
        raise InvalidInputError(f"nothing may be sent there ({rules}); {judged[0].remedy}", field="endpoint_url")
