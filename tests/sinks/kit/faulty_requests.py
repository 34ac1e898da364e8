"""Sinks that format, frame or limit wrongly."""

# ruff: noqa: ARG002 - the faulty sinks keep the signatures of the protocol

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import count

import orjson

from app.sinks import (
    AnyBinding,
    Event,
    Item,
    Limits,
    OutboundRequest,
    text,
)
from tests.sinks.kit.sound import Sound, with_request


class Showing(Sound):
    def build_request(self, items: Sequence[Item], binding: AnyBinding) -> OutboundRequest:
        return with_request(super().build_request(items, binding), secret_headers=frozenset())


class Blabbing(Sound):
    def build_request(self, items: Sequence[Item], binding: AnyBinding) -> OutboundRequest:
        body = orjson.dumps({"key": binding.secrets.key.get_secret_value(), "ids": [item.event_id for item in items]})
        return with_request(super().build_request(items, binding), body=body)


class Echoing(Sound):
    info = replace(Sound.info, secret_url=True, sample_url="https://chat.example/hooks/s3cret-path")

    def build_request(self, items: Sequence[Item], binding: AnyBinding) -> OutboundRequest:
        return with_request(super().build_request(items, binding), body=binding.endpoint_url.encode())


class Unsteady(Sound):
    numbers = count()

    def format(self, event: Event, binding: AnyBinding) -> Item:
        return Item(event.id, b"%d" % next(self.numbers))


class Renaming(Sound):
    def format(self, event: Event, binding: AnyBinding) -> Item:
        return Item("evt_other", super().format(event, binding).body)


class Brittle(Sound):
    def format(self, event: Event, binding: AnyBinding) -> Item:
        return Item(event.id, orjson.dumps(event.data["entity"]["name"]))


class Untyped(Sound):
    def build_request(self, items: Sequence[Item], binding: AnyBinding) -> OutboundRequest:
        return with_request(super().build_request(items, binding), headers=())


class Astray(Sound):
    def build_request(self, items: Sequence[Item], binding: AnyBinding) -> OutboundRequest:
        return with_request(super().build_request(items, binding), url="ftp://x.example/")


class Unescaped(Sound):
    def format(self, event: Event, binding: AnyBinding) -> Item:
        told = text(event.data.get("description")) if event.id.startswith("evt_hostile") else ""
        return Item(event.id, f'{{"id":"{event.id}","text":"{told}"}}'.encode())


class Injectable(Sound):
    def build_request(self, items: Sequence[Item], binding: AnyBinding) -> OutboundRequest:
        good = super().build_request(items, binding)
        told = orjson.loads(items[0].body)["text"]
        return with_request(good, headers=(*good.headers, ("x-text", told)))


class Overfull(Sound):
    def limits(self, binding: AnyBinding) -> Limits:
        return Limits(1000, 300_000, 300_000, item_overhead=-500)


class OneTooMany(Sound):
    def limits(self, binding: AnyBinding) -> Limits:
        return Limits(50, 200_000, 200_000, item_overhead=1)


class Anonymous(Sound):
    def format(self, event: Event, binding: AnyBinding) -> Item:
        return Item(event.id, b"{}")


class Meddling(Sound):
    def probe(self, binding: AnyBinding) -> OutboundRequest | None:
        return OutboundRequest("https://x.example/", b"", (("host", "other"),), "GET")


class Remembering(Sound):
    seen = count()

    def build_request(self, items: Sequence[Item], binding: AnyBinding) -> OutboundRequest:
        good = super().build_request(items, binding)
        return with_request(good, body=good.body + b" " * next(self.seen))


FAULTY: list[tuple[str, type[Sound]]] = [
    ("hidden-secrets", Showing),
    ("hidden-secrets", Blabbing),
    ("secret-address", Echoing),
    ("determinism", Unsteady),
    ("determinism", Renaming),
    ("odd-events", Brittle),
    ("odd-events", Untyped),
    ("odd-events", Astray),
    ("hostile-fields", Unescaped),
    ("hostile-fields", Injectable),
    ("limits-full", Overfull),
    ("limits-edge", OneTooMany),
    ("idempotency", Anonymous),
    ("probe", Meddling),
    ("concurrency", Remembering),
]
