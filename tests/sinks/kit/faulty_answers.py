"""Sinks that misread answers."""

# ruff: noqa: ARG002 - the faulty sinks keep the signatures of the protocol

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from app.sinks import (
    Answer,
    AnyBinding,
    Item,
    Outcome,
    Verdict,
    retry_after,
)
from tests.sinks.kit.sound import Sound


class Optimist(Sound):
    def classify(self, answer: Answer, items: Sequence[Item], binding: AnyBinding) -> Outcome:
        return Outcome(Verdict.DELIVERED)


class Miscounting(Sound):
    def classify(self, answer: Answer, items: Sequence[Item], binding: AnyBinding) -> Outcome:
        return Outcome(Verdict.PARTIAL, "some", items=(Outcome(Verdict.DELIVERED),) * 2)


class Silent(Sound):
    def classify(self, answer: Answer, items: Sequence[Item], binding: AnyBinding) -> Outcome:
        return replace(super().classify(answer, items, binding), reason="")


class Impatient(Sound):
    def classify(self, answer: Answer, items: Sequence[Item], binding: AnyBinding) -> Outcome:
        return replace(super().classify(answer, items, binding), retry_after_s=None)


class Undying(Sound):
    def classify(self, answer: Answer, items: Sequence[Item], binding: AnyBinding) -> Outcome:
        gone = Outcome(Verdict.RETRY, "gone", retry_after(answer.headers))
        return gone if answer.status in {410, 429} else super().classify(answer, items, binding)


class Unsplitting(Sound):
    def classify(self, answer: Answer, items: Sequence[Item], binding: AnyBinding) -> Outcome:
        return Outcome(Verdict.REJECT, "no") if answer.status == 413 else super().classify(answer, items, binding)


class Parrot(Sound):
    def classify(self, answer: Answer, items: Sequence[Item], binding: AnyBinding) -> Outcome:
        return Outcome(Verdict.RETRY, answer.body.decode(errors="replace"))


FAULTY: list[tuple[str, type[Sound]]] = [
    ("classification", Optimist),
    ("classification", Miscounting),
    ("classification", Silent),
    ("waiting", Impatient),
    ("waiting", Undying),
    ("splitting", Unsplitting),
    ("quiet-reasons", Parrot),
]
