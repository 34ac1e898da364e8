"""Golden requests and golden answers: what a sink sends to the byte, and what its receiver's answers mean.

They live in the folder ``golden`` beside the sink's module, so that they travel with the plugin and show in a review.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson

from app.core.shown_url import MASK
from app.sinks.confirmations import Confirms, Receipt
from app.sinks.kit.confirmation_checks import sample_receipts
from app.sinks.kit.examples import example_bindings
from app.sinks.kit.golden_events import golden_events
from app.sinks.kit.subject import Subject, expect, shown_body
from app.sinks.protocol import AnyBinding, Sink
from app.sinks.types import Answer, Item, OutboundRequest, Outcome

ANSWERS = "answers.json"
"""A list of ``{"status", "headers", "body", "items", "verdict"}``; ``verdict`` is a word, or for a partial result a
list of them."""


CONFIRMATIONS = "confirmations.json"
"""For sinks with ``Confirms``: a list of ``{"status", "headers", "body", "receipts"}``, and beside that either
``"confirmed"``, the ids that are, or ``"verdict"``."""


def golden_folder(sink: Sink) -> Path:
    """The folder beside the package or module that the sink's class is in."""
    module = sys.modules[type(sink).__module__]
    return Path(module.__file__ or ".").parent / "golden"


def requests_are_golden(subject: Subject) -> None:
    """Each example of the settings gives, in either mode, exactly the bytes that are kept as golden."""
    if subject.golden is None:
        return
    for name, text in golden_requests(subject.sink):
        path = subject.golden / name
        expect(path.is_file(), f"there is no {name}; write it with `relaypoint plugins check --write-golden`")
        expect(path.read_bytes() == text, f"{name} is another request now")


def answers_are_golden(subject: Subject) -> None:
    """Every answer in ``answers.json`` is read as written there, with the settings of the first example."""
    if subject.golden is None or not (subject.golden / ANSWERS).is_file():
        return
    binding = replace(example_bindings(subject.sink)[0], batch=True)
    for row in orjson.loads((subject.golden / ANSWERS).read_bytes()):
        items = [Item(f"evt_{number}", b"{}") for number in range(row.get("items", 1))]
        raw = _raw(row.get("body", ""))
        outcome = subject.sink.classify(Answer(row["status"], row.get("headers", {}), raw), items, binding)
        found = [str(one.verdict) for one in outcome.items] or str(outcome.verdict)
        expect(found == row["verdict"], f"{row['status']} {raw[:60]!r} is read as {found}, not as {row['verdict']}")


def confirmations_are_golden(subject: Subject) -> None:
    """Every answer in ``confirmations.json`` is read as written there, with the settings of the first example."""
    if subject.golden is None or not isinstance(subject.sink, Confirms):
        return
    path = subject.golden / CONFIRMATIONS
    expect(path.is_file(), f"there is no {CONFIRMATIONS}; write down what your receiver answers, and what it means")
    binding = example_bindings(subject.sink)[0]
    for row in orjson.loads(path.read_bytes()):
        receipts = tuple(Receipt(name) for name in row["receipts"])
        answer = Answer(row["status"], row.get("headers", {}), _raw(row.get("body", "")))
        read = subject.sink.read_confirmation(answer, receipts, binding)
        found = {"verdict": str(read.verdict)} if isinstance(read, Outcome) else {"confirmed": sorted(read)}
        wanted = {name: row[name] for name in ("verdict", "confirmed") if name in row}
        expect(found == wanted, f"{row['status']} {answer.body[:60]!r} is read as {found}, not as {wanted}")


def _raw(body: Any) -> bytes:
    return body.encode() if isinstance(body, str) else orjson.dumps(body)


def write_golden(sink: Sink, folder: Path) -> list[Path]:
    """Writes the golden requests as they are now; answers the files."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, text in golden_requests(sink):
        (folder / name).write_bytes(text)
        written.append(folder / name)
    return written


def golden_requests(sink: Sink) -> Iterator[tuple[str, bytes]]:
    """The name and the text of each golden request."""
    for number, binding in enumerate(example_bindings(sink), start=1):
        for mode in (replace(binding, batch=False), replace(binding, batch=True)):
            name = f"example-{number}-{'batch' if mode.batch else 'instant'}.http"
            requests = _sample_requests(sink, mode)
            yield name, b"\n\n".join(_text(request) for request in requests)
        question = sink.confirm_request(sample_receipts(2), binding) if isinstance(sink, Confirms) else None
        if question is not None:
            yield f"example-{number}-confirm.http", _text(question)


def _sample_requests(sink: Sink, binding: AnyBinding) -> list[OutboundRequest]:
    events = golden_events()
    return Subject(sink, (binding,)).requests(events if binding.batch else events[:1], binding)


def _text(request: OutboundRequest) -> bytes:
    """The request as people read it: secrets masked, the body before compression."""
    lines = [f"{request.method} {request.url}"]
    lines += [f"{name}: {MASK if name.lower() in request.secret_headers else value}" for name, value in request.headers]
    return "\n".join(lines).encode() + b"\n\n" + shown_body(request)
