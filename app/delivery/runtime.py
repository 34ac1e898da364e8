"""A webhook made ready to work: its secrets opened, its sink bound, its signer keyed. One object per version."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, cast

import orjson
from sqlalchemy import Connection, RowMapping, select

from app.core.clock import SECOND, Micros
from app.core.errors import ConfigurationError, RelaypointError
from app.core.header_rules import check_headers
from app.core.signing import parse_secret
from app.core.states import Mode
from app.delivery.abilities import confirms, uses_token
from app.delivery.plugin_border import checked_confirmation, checked_limits, fault_of
from app.delivery.plugin_watch import WATCH
from app.delivery.signing import RequestSigner, signer_for
from app.routing.sink_guard import AskSink, ask_at_once
from app.routing.webhook_input import BLOCKS
from app.security.sealed_fields import ENDPOINT, HEADERS, SECRETS, SIGNING
from app.security.vault import Vault
from app.sinks.bounds import PLUGIN_RAISES
from app.sinks.confirmations import Confirmation
from app.sinks.manager import SinkManager
from app.sinks.protocol import Sink
from app.sinks.types import Binding, Limits, OutboundRequest
from app.store.holds import SINK_MISSING
from app.store.plugin_faults import PluginFaultRow
from app.store.tables import webhooks


@dataclass(frozen=True, slots=True)
class WebhookRuntime:
    """Everything the drain needs to work for one webhook."""

    pk: int
    id: str
    version: int
    organization_id: str
    mode: Mode
    sink: Sink
    binding: Binding[Any, Any] = field(repr=False)
    limits: Limits
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    signer: RequestSigner = field(repr=False)
    endpoint_shown: str
    schedule: tuple[int, ...]
    concurrency: int
    rate_per_s: int | None
    pace_key: bytes | None
    """What shares the receiver's pace with it."""
    head_blocks: bool
    """Whether a failing delivery holds back all behind it, until it is delivered or failed."""
    batch_max_events: int
    batch_max_bytes: int
    signing_changes_at: Micros | None
    """When the previous signing secret ends, so that the runtime must be built anew."""
    token_request: OutboundRequest | None = field(repr=False)
    """Gets an access token; None when requests need none."""
    confirmation: Confirmation | None
    """How it waits for its receiver's confirmations; None where a good answer is the last word."""
    place: bytes
    """Tells this receiver from another that the webhook had or will have."""


_FETCH = 500
"""Webhooks read in one statement."""


class NotReadyError(RelaypointError):
    """The webhook cannot work now; its deliveries are parked with this reason. ``reason`` holds no secret.

    ``fault`` is there when the sink's own code failed.
    """

    def __init__(self, reason: str, fault: PluginFaultRow | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.fault = fault


class RuntimeLoader:
    """Builds runtimes and keeps them until the webhook's version changes.

    Args:
        vault: opens secrets.
        sinks: the sinks there are.
        ask: how a sink is asked on behalf of somebody who waits.
    """

    def __init__(self, vault: Vault, sinks: SinkManager, ask: AskSink = ask_at_once) -> None:
        self.ask = ask
        self._vault = vault
        self._sinks = sinks
        self._out: dict[str, str] = {}
        self._ready: dict[int, WebhookRuntime] = {}
        self._fetched: dict[int, RowMapping] = {}

    def take_out(self, sink: str, reason: str) -> None:
        """From now on no webhook of this sink is ready, for this reason."""
        self._out[sink] = reason
        self._ready = {pk: ready for pk, ready in self._ready.items() if ready.sink.info.name != sink}

    def fetch(self, connection: Connection, wanted: Iterable[tuple[int, int]], now: Micros) -> None:
        """Read the rows of many webhooks, ``(pk, version)``, at once; :meth:`get` takes them in the same transaction.

        A thousand webhooks that become due together would cost a thousand round trips.
        """
        new = [pk for pk, version in wanted if self._known(pk, version, now) is None]
        self._fetched.clear()
        for start in range(0, len(new), _FETCH):
            found = connection.execute(select(webhooks).where(webhooks.c.pk.in_(new[start : start + _FETCH])))
            self._fetched.update((row["pk"], row) for row in found.mappings())

    def get(self, connection: Connection, pk: int, version: int, now: Micros) -> WebhookRuntime:
        """The runtime of a webhook at a version.

        Raises:
            NotReadyError: its sink is missing or refuses the settings, or a secret does not open.
        """
        known = self._known(pk, version, now)
        if known is not None:
            return known
        row = self._fetched.pop(pk, None)
        if row is None or row["version"] != version:
            row = connection.execute(select(webhooks).where(webhooks.c.pk == pk)).mappings().one()
        built = self.build(row, now)
        self._ready[pk] = built
        return built

    def _known(self, pk: int, version: int, now: Micros) -> WebhookRuntime | None:
        known = self._ready.get(pk)
        return known if known and known.version == version and not _expired(known, now) else None

    def build(self, row: RowMapping, now: Micros) -> WebhookRuntime:
        """A runtime from a row of ``webhooks``.

        Raises:
            NotReadyError: as for :meth:`get`.
        """
        if row["sink"] in self._out:
            raise NotReadyError(self._out[row["sink"]])
        sink = self._sinks.get(row["sink"] or "")
        if sink is None:
            raise NotReadyError(f"{SINK_MISSING}: {row['sink']}")
        try:
            with WATCH:
                return self._bound(row, sink, now)
        except ConfigurationError as error:
            raise _broken_sink(row, error) from error
        except RelaypointError as error:
            raise NotReadyError(str(error)) from error
        except PLUGIN_RAISES as error:
            raise _broken_sink(row, error) from error

    def _bound(self, row: RowMapping, sink: Sink, now: Micros) -> WebhookRuntime:
        mode = Mode(row["mode"])
        binding: Binding[Any, Any] = Binding(
            webhook_id=row["id"],
            webhook_name=row["name"],
            organization_id=row["organization_id"],
            endpoint_url=(self._open(row, "endpoint_sealed", ENDPOINT) or b"").decode(),
            config=sink.config_model.model_validate(orjson.loads(row["config"])),
            secrets=sink.secrets_model.model_validate(self._json(row, "secrets_sealed", SECRETS) or {}),
            batch=mode is Mode.BATCH,
        )
        headers = tuple((name, value) for name, value in self._json(row, "headers_sealed", HEADERS) or [])
        check_headers(headers)
        limits = checked_limits(sink.limits(binding))
        until = row["signing_previous_until"]
        return WebhookRuntime(
            pk=row["pk"],
            id=row["id"],
            version=row["version"],
            organization_id=row["organization_id"],
            mode=mode,
            sink=sink,
            binding=binding,
            limits=limits,
            headers=headers,
            signer=signer_for(sink, binding, self._signing_secrets(row, now)),
            endpoint_shown=row["endpoint_shown"] or "",
            schedule=tuple(orjson.loads(row["retry_schedule"])),
            concurrency=row["concurrency"],
            rate_per_s=_lower(row["rate_per_s"], limits.rate_per_s),
            pace_key=row["pace_key"],
            head_blocks=row["failing_head"] == BLOCKS,
            batch_max_events=row["batch_max_events"],
            batch_max_bytes=row["batch_max_bytes"],
            signing_changes_at=until if until and until > now else None,
            token_request=sink.token_request(binding) if uses_token(sink) else None,
            confirmation=checked_confirmation(sink.confirmation(binding)) if confirms(sink) else None,
            place=blake2b(f"{sink.info.name} {binding.endpoint_url}".encode(), digest_size=8).digest(),
        )

    def _signing_secrets(self, row: RowMapping, now: Micros) -> list[bytes]:
        current = cast("bytes", self._open(row, "signing_sealed", SIGNING))
        secrets = [parse_secret(current.decode())]
        previous = self._open(row, "signing_previous_sealed", SIGNING)
        if previous and (row["signing_previous_until"] or 0) > now:
            secrets.append(parse_secret(previous.decode()))
        return secrets

    def _open(self, row: RowMapping, column: str, name: str) -> bytes | None:
        sealed = row[column]
        if sealed is None:
            return None
        return self._vault.open(sealed, organization=row["organization_id"], webhook=row["id"], field=name)

    def _json(self, row: RowMapping, column: str, name: str) -> Any:
        opened = self._open(row, column, name)
        return None if opened is None else orjson.loads(opened)


def _broken_sink(row: RowMapping, error: BaseException) -> NotReadyError:
    fault = fault_of(row["sink"], "take the stored settings", error)
    return NotReadyError(fault.reason, PluginFaultRow(fault.sink, fault.call, fault.error, row["id"]))


def _expired(runtime: WebhookRuntime, now: Micros) -> bool:
    return runtime.signing_changes_at is not None and runtime.signing_changes_at <= now


def _lower(asked: int | None, receiver: int | None) -> int | None:
    """The lower of the user's limit and the receiver's, if there is one."""
    given = [rate for rate in (asked, receiver) if rate is not None]
    return min(given, default=None)


def timestamp_of(now: Micros) -> int:
    """Whole seconds, as ``webhook-timestamp`` wants them."""
    return now // SECOND
