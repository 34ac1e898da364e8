"""The check-up: one finding per part of the installation, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import cached_property

import certifi
from redis.exceptions import RedisError
from rq import Worker

from app.core.clock import SECOND, Clock, system_clock, to_rfc3339
from app.core.errors import RelaypointError
from app.delivery.egress_guard import check_build
from app.delivery.engine import egress_policy, load_sinks
from app.queue.connection import ring_redis
from app.queue.embedded import find_server
from app.security.resealing import left_to_reseal, refuse_missing_keys
from app.security.vault import Vault, open_vault
from app.settings import Settings
from app.sinks.manager import SinkManager
from app.store.due import late_partitions
from app.store.engine import Store, open_store
from app.store.plugin_faults import KnownFault, recent_faults
from app.store.schema_gaps import schema_gaps
from app.store.schema_revision import schema_status

OK = "ok"
WARNING = "warning"
FAILED = "failed"
LATE = 30 * SECOND
"""A partition whose due deliveries are this old is not being drained."""
_GAPS_NAMED = 3


@dataclass(frozen=True, slots=True)
class Finding:
    """The state of one part; ``advice`` says what to do, "" when there is nothing to do."""

    part: str
    state: str
    text: str
    advice: str = ""


class Parts:
    """What is looked at: opened when the first check asks for it, and once for all of them.

    Args:
        settings: of the installation.
        store: the database where it is open already.
        sinks: the plugins where they are loaded already.
        clock: the time.
    """

    def __init__(self, settings: Settings, store: Store | None, sinks: SinkManager | None, clock: Clock) -> None:
        self.settings = settings
        self.clock = clock
        self._given_store = store
        self._given_sinks = sinks
        self._resources = ExitStack()

    @cached_property
    def vault(self) -> Vault:
        """The master keys, as they are now."""
        return open_vault(self.settings.instance, self.settings.secret_keys)

    @cached_property
    def store(self) -> Store:
        """The database."""
        return self._given_store or self._resources.enter_context(closing(open_store(self.settings.database_url)))

    @cached_property
    def sinks(self) -> SinkManager:
        """The plugins."""
        return self._given_sinks or load_sinks(self.settings)

    def close(self) -> None:
        """Close what was opened here."""
        self._resources.close()


def examine(
    settings: Settings,
    *,
    store: Store | None = None,
    sinks: SinkManager | None = None,
    clock: Clock = system_clock,
) -> Iterator[Finding]:
    """One finding per part; a broken part never hides the next.

    Args:
        settings: of the installation.
        store: the database where it is open already.
        sinks: the plugins where they are loaded already.
        clock: the time.
    """
    checks: list[tuple[str, Callable[[Parts], Finding]]] = [
        ("configuration", _configuration),
        ("database", _database),
        ("secrets", _secrets),
        ("redis", _redis),
        ("workers", _workers),
        ("plugins", _plugins),
        ("plugin-calls", _plugin_calls),
        ("egress", _egress),
    ]
    with closing(Parts(settings, store, sinks, clock)) as parts:
        for part, check in checks:
            try:
                yield check(parts)
            except (RelaypointError, OSError, RedisError) as error:
                yield Finding(part, FAILED, str(error) or type(error).__name__)


def _configuration(parts: Parts) -> Finding:
    text = f"instance {parts.settings.instance}, secrets sealed with key {parts.vault.current}"
    return Finding("configuration", OK, text)


def _database(parts: Parts) -> Finding:
    kind = parts.settings.database_url.partition(":")[0]
    revision, head = schema_status(parts.store)
    if revision != head:
        return Finding("database", FAILED, f"{kind}: schema {revision or 'empty'}", "run: relaypoint db upgrade")
    gaps = schema_gaps(parts.store)
    if gaps:
        more = f" and {len(gaps) - _GAPS_NAMED} more" if len(gaps) > _GAPS_NAMED else ""
        text = f"{kind}: schema {revision} lacks {', '.join(gaps[:_GAPS_NAMED])}{more}"
        advice = "another build made it under the same number: install that one again, or begin a new database"
        return Finding("database", FAILED, text, advice)
    return Finding("database", OK, f"{kind}: schema {revision}")


def _secrets(parts: Parts) -> Finding:
    vault = parts.vault
    with parts.store.read() as connection:
        refuse_missing_keys(connection, vault)
        left = left_to_reseal(connection, vault.current)
    if left:
        advice = "keep every key, or run: relaypoint keys rotate-master"
        return Finding("secrets", OK, f"{left} sealed with an earlier master key than {vault.current}", advice)
    unused = ", ".join(key_id for key_id in vault.key_ids if key_id != vault.current)
    text = f"all sealed with {vault.current}"
    return Finding("secrets", OK, f"{text}; {unused} can be removed" if unused else text)


def _redis(parts: Parts) -> Finding:
    settings = parts.settings
    if settings.redis_url is None:
        return Finding("redis", OK, f"embedded, started by `relaypoint up` from {find_server()}")
    advice = "start it, or mend RELAYPOINT_REDIS_URL; until then the tick cannot ring"
    try:
        ring_redis(settings.redis_url).ping()
    except (RedisError, OSError) as error:
        return Finding("redis", FAILED, f"does not answer: {type(error).__name__}", advice)
    return Finding("redis", OK, "answers")


def _workers(parts: Parts) -> Finding:
    settings = parts.settings
    with parts.store.read() as connection:
        late = late_partitions(connection, parts.clock() - LATE)
    advice = "start one: relaypoint worker"
    if late:
        many = "partition has" if len(late) == 1 else "partitions have"
        return Finding("workers", FAILED, f"{len(late)} {many} deliveries more than 30 s late", advice)
    if settings.redis_url is None:
        return Finding("workers", OK, "nothing is late; `relaypoint up` runs the workers")
    number = Worker.count(connection=ring_redis(settings.redis_url))
    return Finding("workers", OK, f"{number} at work") if number else Finding("workers", WARNING, "none", advice)


def _plugins(parts: Parts) -> Finding:
    manager = parts.sinks
    failed = manager.failed_plugins
    if failed:
        names = ", ".join(f"{plugin.name} ({plugin.error})" for plugin in failed)
        return Finding("plugins", WARNING, f"left out: {names}", "mend or uninstall them; their deliveries are parked")
    return Finding("plugins", OK, f"sinks: {', '.join(manager.names())}; sources: {', '.join(manager.source_names())}")


def _plugin_calls(parts: Parts) -> Finding:
    """What plugins did wrong at work, in any process."""
    with parts.store.read() as connection:
        faults = recent_faults(connection, parts.clock())
    if not faults:
        return Finding("plugin-calls", OK, "no plugin failed at work in the last day")
    told = "; ".join(_told(fault) for fault in faults)
    return Finding("plugin-calls", WARNING, told, "mend or switch off the plugin, then resume its webhooks")


def _told(fault: KnownFault) -> str:
    """A fault of a sink, or of a hook, which knows no webhook."""
    often = f"{fault.times} times, last {to_rfc3339(fault.last_at)}"
    if not fault.webhook_id:
        return f"plugin {fault.sink} failed in {fault.call}: {fault.error} ({often})"
    return f"sink {fault.sink} failed to {fault.call}: {fault.error} ({often}, webhook {fault.webhook_id})"


def _egress(parts: Parts) -> Finding:
    settings = parts.settings
    build = check_build()
    allowed = ", ".join(["public addresses", *settings.egress_allow])
    # Refuses an allow rule that is wrong, and an environment that gives TLS away.
    egress_policy(settings)
    versions = f"pycurl {build.pycurl}, libcurl {build.libcurl}, {build.tls}"
    text = f"{versions}; dials {allowed}; trusts {settings.egress_ca_file or f'certifi {certifi.__version__}'}"
    if settings.egress_allow_http:
        return Finding("egress", WARNING, text, "plain http is allowed: RELAYPOINT_EGRESS_ALLOW_HTTP")
    return Finding("egress", OK, text)
