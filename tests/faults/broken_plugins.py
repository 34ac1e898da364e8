"""Distributions with broken plugins, written into a folder as an installer would: metadata, entry point, module."""

from __future__ import annotations

from pathlib import Path

_HEALTHY = '''
"""A sink that does what its setting ``fault`` says."""

import os
import re
import sys
import time
from typing import Annotated

from pydantic import AfterValidator
from app.sinks import (
    Answer, Hint, Item, Limits, NoSecrets, OutboundRequest, Outcome, Settings, SinkInfo, classify_by_status,
    describe_settings, hookimpl,
)


def validated(fault):
    if fault.endswith(" in settings"):
        misbehave(fault.partition(" in ")[0])
    return fault


class Config(Settings):
    fault: Annotated[str, AfterValidator(validated), Hint(title="Fault")] = "none"


def misbehave(kind):
    if kind == "raises":
        raise RuntimeError("the password is hunter2")
    if kind == "exits":
        sys.exit("bye")
    if kind == "sleeps":
        time.sleep(3600)
    if kind == "loops":
        while True:
            pass
    if kind == "backtracks":
        re.match(r"(a|a)+$", "a" * 60 + "b")
    if kind == "eats":
        hoard = []
        while True:
            hoard.append(bytearray(512 * 1024 * 1024))
    return "odd"


class Sink:
    config_model = Config
    secrets_model = NoSecrets

    def __init__(self, **info):
        self.info = SinkInfo(**{"name": "moody", "title": "Moody", "description": "A test sink."} | info)

    def answer(self, call, binding, good):
        kind, _, where = binding.config.fault.partition(" in ")
        return misbehave(kind) if where == call else good

    def limits(self, binding):
        good = Limits(item_overhead=2)
        # Asked when a webhook is saved, too; only in a worker it goes wrong.
        at_work = os.environ.get("_RELAYPOINT_PROCESS", "").startswith("worker")
        return self.answer("limits", binding, good) if at_work else good

    def format(self, event, binding):
        return self.answer("format", binding, Item(event.id, event.json))

    def build_request(self, items, binding):
        body = b"[" + b",".join(item.body for item in items) + b"]"
        good = OutboundRequest(binding.endpoint_url, body, (("content-type", "application/json"),))
        return self.answer("build_request", binding, good)

    def classify(self, answer, items, binding):
        return self.answer("classify", binding, classify_by_status(answer))

    def probe(self, binding):
        return None

    def describe(self, binding):
        return describe_settings(binding)


@hookimpl
def relaypoint_sinks():
    yield Sink()
    for number in range(20):
        yield Sink(name=f"moody_{number}")
'''

_USES_IT = "from moody_plugin import Sink, hookimpl, misbehave\n"
_YIELDS = "\n\n@hookimpl\ndef relaypoint_sinks():\n    yield {}\n"

MODULES = {
    "moody": _HEALTHY,
    "absent": "import no_such_module_anywhere\n",
    "ancient": _USES_IT + _YIELDS.format('Sink(name="ancient", api_version=0)'),
    "impostor": _USES_IT + _YIELDS.format('Sink(name="webhook")'),
    "shapeless": _USES_IT + _YIELDS.format("42"),
    "faulty": _USES_IT + 'raise RuntimeError("not today")\n',
    "quitter": _USES_IT + 'misbehave("exits")\n',
    "sleeper": _USES_IT + 'misbehave("sleeps")\n',
    "glutton": _USES_IT + 'misbehave("eats")\n',
    "dozer": _USES_IT + _YIELDS.format('misbehave("sleeps")'),
}

LEFT_OUT = {
    "absent": "ModuleNotFoundError: No module named 'no_such_module_anywhere'",
    "ancient": "speaks plugin API 0, this Relaypoint speaks 1",
    "impostor": "sink name 'webhook' of relaypoint-sink-impostor 0.1 is taken by relaypoint",
    "shapeless": "int is not a sink",
    "faulty": "RuntimeError: not today",
    "quitter": "SystemExit: bye",
    "sleeper": "did not come to an end within",
    "glutton": "MemoryError",
    "dozer": "did not come to an end within",
}
"""What is said of each that cannot be loaded."""


def install_all(site: Path) -> None:
    """Every distribution into one folder, which is to be put on the path of the processes."""
    site.mkdir()
    for name, source in MODULES.items():
        (site / f"{name}_plugin.py").write_text(source)
        info = site / f"relaypoint_sink_{name}-0.1.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: relaypoint-sink-{name}\nVersion: 0.1\n")
        (info / "entry_points.txt").write_text(f"[relaypoint]\n{name} = {name}_plugin\n")
