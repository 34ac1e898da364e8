"""Real distributions, written to a folder on ``sys.path``: METADATA, entry_points.txt and a module."""

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent

import pytest

Install = Callable[..., None]

SINK_SOURCE = """
from pydantic import BaseModel
from app.sinks import (
    Item, Limits, NoSecrets, OutboundRequest, Settings, SinkInfo, classify_by_status, describe_settings, hookimpl,
)


class Plain:
    config_model = Settings
    secrets_model = NoSecrets

    def __init__(self, name="{sink}", **info):
        self.info = SinkInfo(name=name, title=name.title(), description="A test sink.", **info)

    def limits(self, binding):
        return Limits()

    def format(self, event, binding):
        return Item(event.id, event.json)

    def build_request(self, items, binding):
        body = b"[" + b",".join(item.body for item in items) + b"]"
        return OutboundRequest(binding.endpoint_url, body, (("content-type", "application/json"),))

    def classify(self, answer, items, binding):
        return classify_by_status(answer)

    def probe(self, binding):
        return None

    def describe(self, binding):
        return describe_settings(binding)
"""

HOOK_SOURCE = """

@hookimpl
def relaypoint_sinks():
    yield {yielded}
"""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """``install("relaypoint-sink-x", "x", sink="x")`` puts a distribution where the loader finds it.

    ``yielded`` is the expression the hook yields; ``source`` replaces the whole module.
    """
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.setattr(sys, "path", [str(site), *sys.path])
    modules: list[str] = []

    def install_one(
        distribution: str,
        entry: str,
        *,
        sink: str = "example",
        yielded: str = "Plain()",
        source: str | None = None,
        version: str = "1.2",
        metadata: str | None = None,
        extra_line: str = "",
    ) -> None:
        module = f"{distribution.replace('-', '_')}_module"
        modules.append(module)
        text = SINK_SOURCE.format(sink=sink) + HOOK_SOURCE.format(yielded=yielded) if source is None else dedent(source)
        (site / f"{module}.py").write_text(text)
        info = site / f"{distribution.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        written = f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n" if metadata is None else metadata
        (info / "METADATA").write_text(written)
        (info / "entry_points.txt").write_text(f"[relaypoint]\n{entry} = {module}\n{extra_line}\n")
        importlib.invalidate_caches()

    yield install_one
    for module in modules:
        sys.modules.pop(module, None)
    importlib.invalidate_caches()
