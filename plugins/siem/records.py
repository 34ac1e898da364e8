"""One event as one record of the chosen format, shortened as far as the receiver's limit demands."""

from __future__ import annotations

from app.sinks import Event, Item, Reject, is_syslog
from plugins.siem.canonical import shortened
from plugins.siem.cef import cef
from plugins.siem.ecs import ecs
from plugins.siem.facts import Facts, read, shorter
from plugins.siem.leef import leef
from plugins.siem.limits import message_limit
from plugins.siem.ocsf import ocsf
from plugins.siem.settings import Format, SiemBinding, SiemConfig
from plugins.siem.syslog import line

WHOLE = (1_000_000, 100_000)
STEPS = (WHOLE, (4_000, 100), (1_000, 20), (250, 10), (60, 5), (20, 1))
"""Characters of the longest value and the number of changes, tried one after the other until the record fits."""

CANONICAL = frozenset({Format.JSON, Format.NDJSON})
_NEEDS_TIME = frozenset({Format.ECS, Format.OCSF})


def record(event: Event, binding: SiemBinding) -> Item | Reject:
    """The event as one message: a syslog line, or the record alone for HTTPS."""
    config = binding.config
    facts = read(event)
    if facts.occurred_us is None and config.format in _NEEDS_TIME:
        return Reject(event.id, f"the event has no readable time, which {config.format} needs")
    limit = message_limit(binding)
    on_syslog = is_syslog(binding.endpoint_url)
    if config.format in CANONICAL and not on_syslog and len(event.json) <= limit:
        return Item(event.id, event.json)
    for room, most in STEPS:
        text = _text(event, facts if (room, most) == WHOLE else shorter(facts, room, most), config, (room, most))
        message = (line(facts, text, config) if on_syslog else text).encode()
        if len(message) <= limit:
            return Item(event.id, message)
    return Reject(event.id, f"even with its values cut the event is longer than {limit:,} bytes")


def _text(event: Event, facts: Facts, config: SiemConfig, step: tuple[int, int]) -> str:
    vendor, product, version = config.vendor, config.product, config.product_version
    match config.format:
        case Format.CEF:
            return cef(facts, vendor, product, version)
        case Format.LEEF:
            return leef(facts, vendor, product, version, config.leef_delimiter)
        case Format.ECS:
            original = event.json if config.include_original and step == WHOLE else b""
            return ecs(facts, vendor, product, version, original).decode()
        case Format.OCSF:
            return ocsf(facts, facts.occurred_us or 0, vendor, product, version).decode()
        case _:
            return (event.json if step == WHOLE else shortened(event, *step)).decode()
