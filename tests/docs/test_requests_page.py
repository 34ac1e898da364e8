"""docs/requests.md is generated: what stores of logs get of the sample data. ``GOLDEN=write`` writes it anew."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson

from app.core.shown_url import MASK
from app.sinks import AnyBinding, OutboundRequest, Sink
from app.sinks.kit import Subject
from app.sinks.kit.examples import example_bindings
from app.sinks.kit.subject import shown_body
from app.sinks.manager import SinkManager
from app.sinks.validity import check_sink
from plugins.splunk_hec.cim import cim_fields
from tests.catalogue import event, events

PAGE = Path(__file__).parents[2] / "docs" / "requests.md"
SHOWN, NEXT = "radius.access_restriction.open", "auth_method.tls.disable"
SETTINGS: dict[str, dict[str, Any]] = {
    "webhook": {"body_shape": "auto"},
    "splunk_hec": {"index": "audit"},
    "elasticsearch": {},
    "otlp": {"encoding": "json"},
    "datadog": {"tags": ["env:prod"]},
    "loki": {"labels": {"app": "relaypoint"}, "event_labels": ["service", "organization"]},
    "sentinel": {},
}
CIM = ("action", "object_category", "object", "object_attrs", "user", "src_user")

HEAD = """# What stores of logs get

The requests of the sinks for programs rather than people, for the sample data: one event alone, and how two are framed
together. Secrets are masked and bodies shown before compression. This page is generated, and a test compares it with
the code.

For people there is [what they read](messages.md), for a SIEM [its records](records.md).
"""


def binding_of(sink: Sink) -> AnyBinding:
    base = example_bindings(sink)[0]
    given = SETTINGS[sink.info.name]
    return replace(base, config=sink.config_model.model_validate(given)) if given else base


def readable(body: bytes) -> str:
    """JSON over many lines; lines of JSON stay lines."""
    try:
        return orjson.dumps(orjson.loads(body), option=orjson.OPT_INDENT_2).decode()
    except orjson.JSONDecodeError:
        return body.decode()


def shown(request: OutboundRequest) -> str:
    lines = [f"{request.method} {request.url}"]
    lines += [f"{name}: {MASK if name in request.secret_headers else value}" for name, value in request.headers]
    return "\n".join(lines) + f"\n\n{readable(shown_body(request)).rstrip()}"


def sections() -> Iterator[str]:
    yield HEAD
    manager = SinkManager.loaded()
    for name in SETTINGS:
        sink = check_sink(manager.get(name))
        binding = binding_of(sink)
        subject = Subject(sink, (binding,))
        yield f"## {sink.info.title}\n\n[Sink `{name}`](../plugins/{name}/README.md).\n"
        (alone,) = subject.requests([event(SHOWN)], replace(binding, batch=False))
        yield f"```text\n{shown(alone)}\n```\n"
        together = subject.requests([event(SHOWN), event(NEXT)], replace(binding, batch=True))
        yield f"Two together:\n\n```text\n{framing(together)}\n```\n"
    yield from cim_table()


def framing(requests: list[OutboundRequest]) -> str:
    """The bodies with the events themselves left out, so that only what is around them is seen."""
    (request,) = requests
    body = shown_body(request).decode().rstrip("\n")
    return "\n".join(shortened(line) for line in body.split("\n"))


def shortened(line: str, most: int = 150) -> str:
    return line if len(line) <= 2 * most else f"{line[:most]} … {line[-most:]}"


def cim_table() -> Iterator[str]:
    yield "## Every change in Splunk's words\n"
    yield "The fields of the CIM Change data model, for each change of the sample data.\n"
    rows = [f"| {' | '.join(('change', *CIM))} |", "|---" * (len(CIM) + 1) + "|"]
    for name, one in events().items():
        fields = cim_fields(one.data)
        told = [fields.get(field, "") for field in CIM]
        texts = [", ".join(value) if isinstance(value, list) else value for value in told]
        rows.append("| " + " | ".join([f"`{name}`", *(text.replace("|", "\\|") for text in texts)]) + " |")
    yield "\n".join(rows) + "\n"


def page() -> str:
    return "\n".join(sections())


def test_the_page_shows_what_the_sinks_send_today() -> None:
    if os.environ.get("GOLDEN") == "write":
        PAGE.write_text(page(), encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == page(), "GOLDEN=write pytest tests/docs writes docs/requests.md anew"
