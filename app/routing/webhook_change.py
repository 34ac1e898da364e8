"""From a change somebody asked for to the columns it sets. No transaction here: the use case owns that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import orjson
from pydantic import BaseModel, ValidationError
from sqlalchemy import RowMapping

from app.core.clock import Micros, to_rfc3339
from app.core.endpoint_url import ENDPOINT_SCHEMES, check_endpoint_url, is_syslog, origin
from app.core.errors import ConflictError, InvalidInputError
from app.core.filters import read_any_filter
from app.core.header_rules import check_headers
from app.core.retry import check_schedule
from app.core.shown_url import shown_url
from app.core.states import Mode
from app.routing.sink_guard import AskSink, ask_at_once
from app.routing.webhook_event_types import check_event_types
from app.routing.webhook_input import BLOCKS, KeepSecret, WebhookPatch
from app.security.sealed_fields import ENDPOINT, HEADERS, SECRETS
from app.security.vault import Vault
from app.sinks.bounds import PLUGIN_RAISES
from app.sinks.capabilities import ChecksSettings
from app.sinks.manager import SinkManager
from app.sinks.protocol import AnyBinding, Sink
from app.sinks.settings import is_address
from app.sinks.types import Binding

SWITCHED_OFF = "switched off by a user"
MENDING = frozenset({"sink", "endpoint_sealed", "headers_sealed", "config", "secrets_sealed"})
"""Columns whose change may have mended what a receiver complained about."""
_KEEP = {"set": True}
_NO_SECRETS: dict[str, Any] = {"secrets_sealed": None, "secret_names": "[]"}


@dataclass(frozen=True, slots=True)
class ChangeRules:
    """Everything a change is judged by."""

    vault: Vault
    sinks: SinkManager
    ask: AskSink = ask_at_once


def changed_columns(
    row: RowMapping, patch: WebhookPatch, rules: ChangeRules, now: Micros, by: str = "system"
) -> dict[str, Any]:
    """The columns that a change sets on a webhook; ``by`` is the name of whoever makes it.

    Raises:
        InvalidInputError: naming the field at fault.
        ConflictError: it would be enabled without a sink or endpoint.
    """
    change = _Change(row, patch, rules)
    change.simple_fields()
    change.order()
    change.choice()
    change.sink()
    change.endpoint()
    change.shown_endpoint()
    change.headers(now, by)
    change.reach()
    change.settings()
    change.state(now)
    return change.values


class _Change:
    """One change in the making: reads fall through from the new values to the stored row."""

    def __init__(self, row: RowMapping, patch: WebhookPatch, rules: ChangeRules) -> None:
        self.values: dict[str, Any] = {}
        self._row = row
        self._patch = patch
        self._rules = rules
        self._new_sink = False
        self._new_origin = False

    def _now(self, column: str) -> Any:
        return self.values.get(column, self._row[column])

    def _seal(self, plain: bytes, field: str) -> bytes:
        row = self._row
        return self._rules.vault.seal(plain, organization=row["organization_id"], webhook=row["id"], field=field)

    def _stored(self, column: str, field: str) -> bytes | None:
        row = self._row
        if row[column] is None:
            return None
        return self._rules.vault.open(row[column], organization=row["organization_id"], webhook=row["id"], field=field)

    def simple_fields(self) -> None:
        """Fields that need no more than their own check."""
        patch = self._patch
        if patch.name is not None:
            self.values["name"] = patch.name
        if patch.retry is not None:
            self.values["retry_schedule"] = _json(list(check_schedule(patch.retry.schedule_s)))
        if patch.says("rate_limit"):
            self.values["rate_per_s"] = patch.rate_limit.per_s if patch.rate_limit else None
        if patch.concurrency is not None:
            self.values["concurrency"] = patch.concurrency
        if patch.failing_head is not None:
            self.values["failing_head"] = patch.failing_head
        if patch.batch is not None:
            for name, number in patch.batch.model_dump(exclude_none=True).items():
                self.values[f"batch_{name}"] = number

    def order(self) -> None:
        """A failing head can only block what goes one by one."""
        if self._now("failing_head") == BLOCKS and self._now("concurrency") > 1:
            field = "failing_head" if self._patch.failing_head else "concurrency"
            raise InvalidInputError(f"failing_head {BLOCKS!r} needs concurrency 1", field=field)

    def choice(self) -> None:
        """Which events it wants."""
        patch = self._patch
        if patch.event_types is not None:
            self.values["event_types"] = _json(check_event_types(patch.event_types))
        if patch.muted_contexts is not None:
            self.values["muted_contexts"] = _json(self._muted(patch.muted_contexts))
        if patch.says("filter"):
            self.values["filter"] = None if patch.filter is None else _checked_filter(patch.filter)
        if patch.only_outside_change_windows is not None:
            self.values["only_outside_change_windows"] = patch.only_outside_change_windows

    def _muted(self, contexts: Sequence[str]) -> list[str]:
        if contexts and self._row["context_id"] is not None:
            hint = "only a webhook of the whole organization can mute contexts; this one belongs to a single context"
            raise InvalidInputError(hint, field="muted_contexts")
        return sorted(set(contexts))

    def sink(self) -> None:
        """Another sink starts with settings of its own."""
        name = self._patch.sink
        if name is None:
            return
        if self._rules.sinks.get(name) is None:
            known = ", ".join(self._rules.sinks.names())
            raise InvalidInputError(f"there is no sink {name!r}; there are: {known}", field="sink")
        self._new_sink = name != self._row["sink"]
        if self._new_sink:
            self.values.update(sink=name, config="{}", **_NO_SECRETS)

    def endpoint(self) -> None:
        """A URL of another origin takes the stored secrets away: they were meant for the old one."""
        url = self._patch.endpoint_url
        if url is None:
            return
        check_endpoint_url(url, ENDPOINT_SCHEMES)
        before = self._stored("endpoint_sealed", ENDPOINT)
        self._new_origin = before is not None and origin(before.decode()) != origin(url)
        if self._new_origin:
            self.values.update(headers_sealed=None, header_names="[]", header_changes="{}", **_NO_SECRETS)
        self.values.update(endpoint_sealed=self._seal(url.encode(), ENDPOINT))

    def shown_endpoint(self) -> None:
        """How much of the URL may be shown depends on the sink, whichever of the two is set first."""
        url = self._patch.endpoint_url
        if url is None and self._new_sink:
            stored = self._stored("endpoint_sealed", ENDPOINT)
            url = None if stored is None else stored.decode()
        if url is not None:
            sink = self._rules.sinks.get(self._now("sink") or "")
            self.values["endpoint_shown"] = shown_url(url, secret_path=sink is not None and sink.info.secret_url)

    def headers(self, now: Micros, by: str) -> None:
        """The user's own headers, replaced whole; of each is kept when its value was given, and by whom."""
        if not self._patch.says("headers"):
            return
        kept = {} if self._new_origin else dict(orjson.loads(self._stored("headers_sealed", HEADERS) or b"[]"))
        changes = orjson.loads(self._now("header_changes"))
        new = {"at": to_rfc3339(now), "by": by}
        pairs: list[tuple[str, str]] = []
        for name, value in (self._patch.headers or {}).items():
            if isinstance(value, KeepSecret):
                pairs.append((name, _kept(kept, name, "headers", self._new_origin)))
            else:
                pairs.append((name, value))
                changes[name] = new
        check_headers(pairs)
        sealed = self._seal(orjson.dumps(pairs), HEADERS) if pairs else None
        told = {name: changes[name] for name, _ in pairs if name in changes}
        self.values.update(headers_sealed=sealed, header_names=_json([*dict(pairs)]), header_changes=_json(told))

    def reach(self) -> None:
        """What the webhook has must be what its endpoint can take."""
        if self._now("header_names") != "[]" and is_syslog(self._endpoint_url()):
            raise InvalidInputError("syslog carries no headers; leave them out", field="headers")

    def settings(self) -> None:
        """The sink's own config and secrets, judged by the sink's own models."""
        patch = self._patch
        name = self._now("sink")
        if name is None:
            for field in ("config", "secrets"):
                if getattr(patch, field):
                    raise InvalidInputError("choose the sink first; its settings are its own", field=field)
            return
        touched = patch.says("config") or patch.says("secrets") or self._new_sink or self._new_origin
        if not touched and patch.endpoint_url is None:
            return
        sink = self._rules.sinks.get(name)
        if sink is None:
            raise ConflictError(f"sink {name!r} is not installed or failed to load")
        self._judge(sink)

    def _judge(self, sink: Sink) -> None:
        complete = self._now("endpoint_sealed") is not None
        if complete:
            check_endpoint_url(self._endpoint_url(), sink.info.schemes)
        config = (self._patch.config or {}) if self._patch.says("config") else orjson.loads(self._now("config"))
        ask, name = self._rules.ask, sink.info.name
        ask(name, lambda: _validated(sink.config_model, config, "config", complete=complete))
        before = orjson.loads(self._now("config"))
        self._new_origin = self._new_origin or _moved(sink, before, config, in_use=complete)
        self.values["config"] = _json(config)
        secrets = self._secrets()
        ask(name, lambda: _validated(sink.secrets_model, secrets, "secrets", complete=complete))
        if complete:
            ask(name, lambda: _fitting(sink, config, secrets))
            self.values["pace_key"] = ask(name, lambda: self._pace_key(sink, config, secrets))
        sealed = self._seal(orjson.dumps(secrets), SECRETS) if secrets else None
        self.values.update(secrets_sealed=sealed, secret_names=_json(sorted(secrets)))

    def _pace_key(self, sink: Sink, config: Mapping[str, Any], secrets: Mapping[str, Any]) -> bytes | None:
        """What this webhook shares its receiver's pace by, None when it has one for itself."""
        row = self._row
        binding: AnyBinding = Binding(
            row["id"],
            self._now("name"),
            row["organization_id"],
            self._endpoint_url(),
            sink.config_model.model_validate(config),
            sink.secrets_model.model_validate(secrets),
            row["mode"] == Mode.BATCH,
        )
        try:
            limits = sink.limits(binding)
            key = f"{sink.info.name} {limits.pace_key}" if limits.rate_per_s and limits.pace_key else ""
        except PLUGIN_RAISES:
            return None  # what is wrong with its limits is told when it is to send
        return blake2b(key.encode(), digest_size=16).digest() if key else None

    def _endpoint_url(self) -> str:
        return self._patch.endpoint_url or (self._stored("endpoint_sealed", ENDPOINT) or b"").decode()

    def _secrets(self) -> dict[str, Any]:
        gone = self._new_sink or self._new_origin
        kept: dict[str, Any] = {} if gone else orjson.loads(self._stored("secrets_sealed", SECRETS) or b"{}")
        if not self._patch.says("secrets"):
            return kept
        asked = self._patch.secrets or {}
        return {
            name: _kept(kept, name, "secrets", self._new_origin) if value == _KEEP else value
            for name, value in asked.items()
            if value is not None
        }

    def state(self, now: Micros) -> None:
        """It works as soon as it has a sink and an endpoint, unless somebody said otherwise."""
        complete = self._now("sink") is not None and self._now("endpoint_sealed") is not None
        wanted = self._patch.enabled
        if wanted is True and not complete:
            raise ConflictError("set sink and endpoint_url before enabling the webhook")
        if wanted is False:
            self.values.update(state="disabled", state_reason=SWITCHED_OFF, state_since=now)
        elif complete and (wanted or self._row["state"] == "needs_endpoint"):
            self.values.update(state="enabled", state_reason=None, state_since=now)


def _kept(kept: Mapping[str, Any], name: str, field: str, new_origin: bool) -> Any:  # noqa: FBT001 - private
    if name in kept:
        return kept[name]
    why = "an address has another origin now, so the secrets must be sent again" if new_origin else "nothing is stored"
    raise InvalidInputError(f"{why}", field=f"{field}.{name}")


def _validated(model: type[BaseModel], value: Mapping[str, Any], field: str, *, complete: bool) -> None:
    """While the webhook has no endpoint, a required setting may still be missing; a wrong one may not."""
    try:
        model.model_validate(value)
    except ValidationError as error:
        for problem in error.errors(include_url=False, include_input=False, include_context=False):
            if complete or problem["type"] != "missing":
                place = ".".join([field, *map(str, problem["loc"])])
                raise InvalidInputError(problem["msg"], field=place) from None


def _fitting(sink: Sink, config: Mapping[str, Any], secrets: Mapping[str, Any]) -> None:
    """The sink's own opinion of settings that are each valid."""
    if not isinstance(sink, ChecksSettings):
        return
    try:
        sink.check_settings(sink.config_model.model_validate(config), sink.secrets_model.model_validate(secrets))
    except ValueError as wrong:
        raise InvalidInputError(str(wrong), field="config") from None


def _moved(sink: Sink, before: Mapping[str, Any], after: Mapping[str, Any], *, in_use: bool) -> bool:
    """Whether an address among the settings leads to another origin now, where stored secrets must not go.

    One that was left out stood for the sink's own choice, so naming it is a move, too; but not while the webhook is
    still being set up and has sent nothing.
    """
    for name, schema in sink.config_model.model_json_schema().get("properties", {}).items():
        old, new = before.get(name), after.get(name)
        if old == new or not new or not is_address(schema):
            continue
        if origin(str(old)) != origin(str(new)) if old else in_use:
            return True
    return False


def _checked_filter(pattern: Mapping[str, Any]) -> str:
    read_any_filter(pattern)
    return _json(pattern)


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()
