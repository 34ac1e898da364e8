"""docs/records.md is generated: what a SIEM reads about the sample data. ``GOLDEN=write`` writes it anew."""

from __future__ import annotations

import os
from pathlib import Path

import orjson

from app.sinks import Binding, Event, Item
from plugins.siem import SiemSink
from plugins.siem.settings import Format, SiemConfig, SiemSecrets
from tests.catalogue import event, events

PAGE = Path(__file__).parents[2] / "docs" / "records.md"
SYSLOG, HTTPS = "syslog+tls://siem.example:6514", "https://siem.example/"
SHOWN = "radius.access_restriction.open"
TITLES = {
    Format.CEF: "CEF",
    Format.LEEF: "LEEF 2.0 (the gaps are tabs)",
    Format.ECS: "ECS",
    Format.OCSF: "OCSF",
}

HEAD = """# What a SIEM reads

The records of sink [`siem`](../plugins/siem/README.md) for the sample data. This page is generated, and a test compares
it with the code.
"""


def record(one: Event, fmt: Format, url: str = HTTPS) -> str:
    config = SiemConfig(format=fmt, hostname="relay-1.example")
    item = SiemSink().format(one, Binding("wh_1", "SIEM", "607551", url, config, SiemSecrets()))
    assert isinstance(item, Item), item
    return item.body.decode()


def readable(text: str) -> str:
    return orjson.dumps(orjson.loads(text), option=orjson.OPT_INDENT_2).decode() if text.startswith("{") else text


def page() -> str:
    shown = event(SHOWN)
    sections = [HEAD, "## One event as a syslog line\n", f"```text\n{record(shown, Format.CEF, SYSLOG)}\n```\n"]
    sections.append("## The same event in each format\n")
    for fmt, title in TITLES.items():
        text = readable(record(shown, fmt))
        sections.append(f"### {title}\n\n```{'json' if text.startswith('{') else 'text'}\n{text}\n```\n")
    lines = "\n".join(record(one, Format.CEF) for one in events().values())
    sections.append(f"## Every change as CEF\n\n```text\n{lines}\n```")
    return "\n".join(sections) + "\n"


def test_the_page_shows_what_the_sink_writes_today() -> None:
    if os.environ.get("GOLDEN") == "write":
        PAGE.write_text(page(), encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == page(), "GOLDEN=write pytest tests/docs writes docs/records.md anew"
