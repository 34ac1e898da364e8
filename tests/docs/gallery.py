"""The gallery: every change of the sample data as every sink sends it, alone and together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import orjson

from app.core.shown_url import MASK, shown_url
from app.sinks import AnyBinding, Event, OutboundRequest, Sink
from app.sinks.kit import Subject
from app.sinks.kit.examples import example_bindings
from app.sinks.kit.subject import shown_body
from app.sinks.manager import SinkManager
from app.sinks.validity import check_sink
from tests.catalogue import events

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "gallery"
TOGETHER = 12
"""Events of one batch: seven full ones and a last one that is not."""
_WHOLE = 6_000
"""Bytes of a batch's body that is shown whole; of a longer one the two ends tell how it is framed."""
_END = 400

HEAD = """# Gallery: {title}

Every change of the sample data as [sink `{name}`](../../plugins/{name}/README.md) sends it: {count} alone, and the same
in batches of {together}. Secrets are masked and bodies shown before compression; the signature and its headers are left
out, since they are new with every attempt. This page is generated, and a test compares it with the code.
"""

INDEX = """# Gallery

What every sink sends for each of the {count} changes of the sample data, one page per sink:

{links}

`GOLDEN=write make test ARGS='tests/docs/test_gallery.py'` writes these pages anew. A change of a sink then shows as a
change of its page, to be read before it is committed.
"""


def pages() -> Iterator[tuple[Path, str]]:
    """Every page with its place."""
    manager = SinkManager.loaded(enabled=_built_in())
    sinks = [check_sink(manager.get(name)) for name in manager.names()]
    links = "\n".join(f"* [{sink.info.title}]({sink.info.name}.md)" for sink in sinks)
    yield FOLDER / "README.md", INDEX.format(count=len(events()), links=links)
    for sink in sinks:
        yield FOLDER / f"{sink.info.name}.md", "\n".join(_page(sink))


def variants(sink: Sink) -> list[AnyBinding]:
    """The webhooks of the sink's own examples whose bodies are text, of each format one."""
    first: dict[object, AnyBinding] = {}
    for binding in example_bindings(sink):
        settings = binding.config.model_dump(mode="json")
        if settings.get("encoding") != "protobuf":
            first.setdefault(settings.get("format", ""), binding)
    return list(first.values())


def _built_in() -> list[str]:
    return [f"relaypoint:{folder.name}" for folder in (ROOT / "plugins").iterdir() if (folder / "golden").is_dir()]


def _page(sink: Sink) -> Iterator[str]:
    info = sink.info
    yield HEAD.format(title=info.title, name=info.name, count=len(events()), together=TOGETHER)
    for binding in variants(sink):
        settings = binding.config.model_dump(mode="json", exclude_unset=True)
        yield f"## With the settings `{orjson.dumps(settings).decode()}`\n"
        yield from _alone(sink, replace(binding, batch=False))
        if info.supports_batch:
            yield from _together(sink, replace(binding, batch=True))


def _alone(sink: Sink, binding: AnyBinding) -> Iterator[str]:
    subject = Subject(sink, (binding,))
    head = ""
    for name, event in events().items():
        yield f"### `{name}`\n"
        for request in subject.requests([event], binding):
            if _head(sink, request) != head:
                head = _head(sink, request)
                yield _fenced(head)
            yield _fenced(_text(request))


def _together(sink: Sink, binding: AnyBinding) -> Iterator[str]:
    subject = Subject(sink, (binding,))
    for number, group in enumerate(_groups(list(events().values())), start=1):
        yield f"### Batch {number}: {len(group)} events\n"
        for request in subject.requests(group, binding):
            text = _text(request)
            shown = text if len(text) <= _WHOLE else f"{text[:_END]}\n… {len(text)} characters …\n{text[-_END:]}"
            yield _fenced(shown)


def _groups(found: Sequence[Event]) -> Iterator[Sequence[Event]]:
    for at in range(0, len(found), TOGETHER):
        yield found[at : at + TOGETHER]


def _head(sink: Sink, request: OutboundRequest) -> str:
    lines = [f"{request.method} {shown_url(request.url, secret_path=sink.info.secret_url)}"]
    lines += [f"{name}: {MASK if name.lower() in request.secret_headers else value}" for name, value in request.headers]
    return "\n".join(lines)


def _text(request: OutboundRequest) -> str:
    return shown_body(request).decode().rstrip("\n")


def _fenced(text: str) -> str:
    return f"````text\n{text}\n````\n"
