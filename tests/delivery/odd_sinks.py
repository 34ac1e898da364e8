"""Sinks that do what a test needs: fail where told, read answers as told."""

from __future__ import annotations

from collections.abc import Sequence

from app.sinks import (
    Answer,
    AnyBinding,
    Event,
    Item,
    Limits,
    NoSecrets,
    OutboundRequest,
    Outcome,
    Reject,
    Settings,
    SinkInfo,
    Verdict,
    classify_by_status,
    describe_settings,
)


class OddSink:
    """An array of the events themselves; raises in the methods named in ``broken``, for events of ``victims`` only."""

    config_model = Settings
    secrets_model = NoSecrets

    def __init__(self, *broken: str, victims: Sequence[str] = ("event-1",), limits: Limits | None = None) -> None:
        self.info = SinkInfo(name="odd", title="Odd", description="A test sink.")
        self.broken = set(broken)
        self.victims = set(victims)
        self._limits = limits or Limits(item_overhead=2)

    def _maybe_fail(self, method: str, event_ids: Sequence[str]) -> None:
        if method in self.broken and self.victims & set(event_ids):
            raise RuntimeError("a secret that must not be shown")

    def limits(self, _binding: AnyBinding) -> Limits:
        return self._limits

    def format(self, event: Event, _binding: AnyBinding) -> Item | Reject:
        self._maybe_fail("format", [event.id])
        if "reject" in self.broken and event.id in self.victims:
            return Reject(event.id, "cannot be told")
        return Item(event.id, event.json)

    def build_request(self, items: Sequence[Item], binding: AnyBinding) -> OutboundRequest:
        self._maybe_fail("build_request", [item.event_id for item in items])
        body = b"[" + b",".join(item.body for item in items) + b"]"
        return OutboundRequest(binding.endpoint_url, body, (("content-type", "application/json"),))

    def classify(self, answer: Answer, items: Sequence[Item], _binding: AnyBinding) -> Outcome:
        self._maybe_fail("classify", [item.event_id for item in items])
        if answer.body == b"each":
            each = (
                Outcome(Verdict.RETRY if item.event_id in self.victims else Verdict.DELIVERED, "one by one")
                for item in items
            )
            return Outcome(Verdict.PARTIAL, items=tuple(each))
        if answer.body == b"misfit":
            return Outcome(Verdict.PARTIAL, items=(Outcome(Verdict.DELIVERED),) * (len(items) + 1))
        return classify_by_status(answer)

    def probe(self, _binding: AnyBinding) -> None:
        return

    def describe(self, binding: AnyBinding) -> dict[str, object]:
        return describe_settings(binding)
