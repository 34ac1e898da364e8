"""A sound sink whose receiver confirms later, and those that get that wrong."""

# ruff: noqa: ARG002 - the faulty sinks keep the signatures of the protocol

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import orjson

from app.sinks import (
    Answer,
    AnyBinding,
    Confirmation,
    Item,
    OutboundRequest,
    Outcome,
    Receipt,
    Verdict,
    retry_after,
)
from tests.sinks.kit.sound import Sound, with_request


class Later(Sound):
    """A sound sink whose receiver confirms later."""

    def confirmation(self, binding: AnyBinding) -> Confirmation:
        return Confirmation()

    def receipt(self, answer: Answer, binding: AnyBinding) -> Receipt | None:
        return Receipt(answer.headers["x-receipt"]) if "x-receipt" in answer.headers else None

    def confirm_request(self, receipts: Sequence[Receipt], binding: AnyBinding) -> OutboundRequest | None:
        items = [Item("", orjson.dumps(receipt.id)) for receipt in receipts]
        return with_request(self.build_request(items, binding), url=binding.endpoint_url + "receipts")

    def read_confirmation(
        self, answer: Answer, receipts: Sequence[Receipt], binding: AnyBinding
    ) -> frozenset[str] | Outcome:
        if answer.status == 200:
            return frozenset(receipt.id for receipt in receipts if b'"%s"' % receipt.id.encode() in answer.body)
        patient = answer.status in {429, 503}
        verdict = Verdict.THROTTLE if patient else Verdict.SINK_BROKEN
        return Outcome(verdict, f"answered {answer.status}", retry_after(answer.headers))


class Hasty(Later):
    def confirmation(self, binding: AnyBinding) -> Confirmation:
        return Confirmation(poll_s=0)


class Resigned(Later):
    def confirmation(self, binding: AnyBinding) -> Confirmation:
        return Confirmation(expires_s=1)


class Longwinded(Later):
    def receipt(self, answer: Answer, binding: AnyBinding) -> Receipt | None:
        return Receipt(str(answer.status) * 100)


class Assuming(Later):
    def receipt(self, answer: Answer, binding: AnyBinding) -> Receipt | None:
        return Receipt(answer.headers["x-receipt"])


class Forgetful(Later):
    def confirm_request(self, receipts: Sequence[Receipt], binding: AnyBinding) -> OutboundRequest | None:
        return super().confirm_request(receipts[:100], binding)


class Indiscreet(Later):
    def confirm_request(self, receipts: Sequence[Receipt], binding: AnyBinding) -> OutboundRequest | None:
        good = super().confirm_request(receipts, binding)
        return good and with_request(good, secret_headers=frozenset())


class Credulous(Later):
    def read_confirmation(
        self, answer: Answer, receipts: Sequence[Receipt], binding: AnyBinding
    ) -> frozenset[str] | Outcome:
        return frozenset(receipt.id for receipt in receipts)


class Resting(Later):
    """As the product that calls everything delivered when the question is refused, only more quietly."""

    def read_confirmation(
        self, answer: Answer, receipts: Sequence[Receipt], binding: AnyBinding
    ) -> frozenset[str] | Outcome:
        return frozenset() if answer.status == 404 else super().read_confirmation(answer, receipts, binding)


class Dogmatic(Later):
    def read_confirmation(
        self, answer: Answer, receipts: Sequence[Receipt], binding: AnyBinding
    ) -> frozenset[str] | Outcome:
        return Outcome(Verdict.REJECT, "no")


class Repeater(Later):
    def read_confirmation(
        self, answer: Answer, receipts: Sequence[Receipt], binding: AnyBinding
    ) -> frozenset[str] | Outcome:
        read = super().read_confirmation(answer, receipts, binding)
        return replace(read, reason=f"said {answer.body!r}") if isinstance(read, Outcome) else read


FAULTY: list[tuple[str, type[Sound]]] = [
    ("receipts", Hasty),
    ("receipts", Resigned),
    ("receipts", Longwinded),
    ("receipts", Assuming),
    ("confirm-request", Forgetful),
    ("confirm-request", Indiscreet),
    ("confirm-answers", Credulous),
    ("confirm-answers", Resting),
    ("confirm-answers", Dogmatic),
    ("confirm-answers", Repeater),
]
