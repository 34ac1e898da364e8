"""How values read on a page: times in the organization's zone, spans, sizes, shares."""

from __future__ import annotations

import re
from datetime import datetime
from zoneinfo import ZoneInfo

import orjson
from markupsafe import Markup

from app.console.forms import anchor, label, sentence
from app.console.json_text import indented
from app.console.place import service_title
from app.console.text_lines import in_lines
from app.console.visible import signs
from app.console.words import verdict_state
from app.core.clock import HOUR, MILLISECOND, MINUTE, SECOND, Micros, to_rfc3339

_INSTANT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)")
_KIB = 1024
_UNITS = ("KiB", "MiB", "GiB")
_DAY, _TIME = r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])", r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,3})?)?"
_SHAPES = {
    "number": re.compile(r"-?\d{1,300}(\.\d{1,300})?"),
    "datetime-local": re.compile(f"{_DAY}T{_TIME}"),
    "date": re.compile(_DAY),
    "time": re.compile(_TIME),
}
"""What inputs of HTML take, by their type; a day that its month lacks aside."""
NOTHING = "\N{EN DASH}"
"""Stands where there is no value."""
_SPANS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def moment(at: Micros | str | None, zone: ZoneInfo, shape: str = "%d %b %Y, %H:%M:%S") -> Markup | str:
    """A time as text in the organization's zone, with the exact UTC in ``datetime``; a click copies that."""
    if at is None:
        return NOTHING
    text = at if isinstance(at, str) else to_rfc3339(at)
    local = datetime.fromisoformat(text).astimezone(zone)
    return Markup('<time datetime="{}" title="{} ({})">{}</time>').format(
        text, text.replace("T", " ").replace("Z", " UTC"), zone.key, local.strftime(shape)
    )


def with_moments(words: str, zone: ZoneInfo) -> Markup:
    """Words whose exact UTC times read as :func:`moment` does."""
    pieces = _INSTANT.split(words)
    return Markup("").join(moment(piece, zone) if place % 2 else signs(piece) for place, piece in enumerate(pieces))


def short_moment(at: Micros | str | None, zone: ZoneInfo) -> Markup | str:
    """As :func:`moment`, for narrow columns: to the minute, without the year."""
    return moment(at, zone, "%d %b, %H:%M")


def dotted(text: str) -> Markup:
    """A dotted name that may break behind its dots."""
    return Markup(".<wbr>").join(signs(text).split("."))


def input_moment(text: str, zone: ZoneInfo) -> str:
    """A time for an input of type ``datetime-local``; "" stays empty."""
    return datetime.fromisoformat(text).astimezone(zone).strftime("%Y-%m-%dT%H:%M") if text else ""


def input_type(wanted: str, value: object) -> str:
    """The type of an input: plain text for what a browser would throw away, so that it can be mended."""
    shape = _SHAPES.get(wanted)
    return wanted if shape is None or value is None or not str(value) or shape.fullmatch(str(value)) else "text"


def milliseconds(span: float | None) -> str:
    """A span of microseconds, such as ``42 ms`` or ``1.3 s``."""
    if span is None:
        return NOTHING
    if span < MILLISECOND:
        return f"{span:.0f} µs"
    if span < SECOND:
        return f"{span / MILLISECOND:.0f} ms"
    if span < MINUTE:
        return f"{span / SECOND:.1f} s"
    return f"{span / HOUR:.1f} h" if span >= HOUR else f"{span / MINUTE:.1f} min"


def seconds(span: int) -> str:
    """A span of whole seconds, such as ``20 min`` or ``1 h 4 min``."""
    parts = []
    rest = span
    for size, word in _SPANS:
        number, rest = divmod(rest, size)
        if number:
            parts.append(f"{number} {word}")
    return " ".join(parts[:2]) or "0 s"


def size(number: int) -> str:
    """A size in bytes, such as ``1.2 KiB``."""
    if number < _KIB:
        return f"{number} B"
    power = next((one for one in (1, 2) if number < _KIB ** (one + 1)), 3)
    return f"{number / _KIB**power:.1f} {_UNITS[power - 1]}"


def share(part: int, whole: int) -> str:
    """A share in per cent, never rounded up to 100 nor down to 0."""
    if not whole:
        return NOTHING
    percent = 100 * part / whole
    if part < whole and percent > 99.9:  # noqa: PLR2004 - one decimal is shown
        percent = 99.9
    if part and percent < 0.1:  # noqa: PLR2004 - as above
        percent = 0.1
    return f"{percent:.0f} %" if percent in {0, 100} else f"{percent:.1f} %"


def number(value: int) -> str:
    """A number with thousands apart."""
    return f"{value:,}".replace(",", "\u202f")


def compact(value: object) -> str:
    """JSON on one line."""
    return orjson.dumps(value).decode()


FILTERS = {
    "moment": moment,
    "short_moment": short_moment,
    "with_moments": with_moments,
    "dotted": dotted,
    "input_moment": input_moment,
    "input_type": input_type,
    "milliseconds": milliseconds,
    "seconds": seconds,
    "size": size,
    "share": share,
    "number": number,
    "pretty": indented,
    "compact": compact,
    "anchor": anchor,
    "label": label,
    "utc": to_rfc3339,
    "verdict": verdict_state,
    "sentence": sentence,
    "service": service_title,
    "in_lines": in_lines,
}
