"""A file of change windows as a form sends it: chosen from the disk or pasted."""

from __future__ import annotations

from werkzeug.datastructures import FileStorage, ImmutableMultiDict

from app.core.errors import InvalidInputError
from app.routing.window_import import MAX_TEXT, WindowFile

_CALENDAR = "BEGIN:VCALENDAR"
"""How every calendar begins (RFC 5545, section 3.4); what does not is read as Alertmanager's."""
_BOM = "\ufeff"
_PARTS = {"events": "Event", "time_intervals": "Interval", "mute_time_intervals": "Mute interval"}


def typed_text(typed: ImmutableMultiDict[str, str], files: ImmutableMultiDict[str, FileStorage]) -> str:
    """The text of the file that was chosen, else what was pasted.

    Raises:
        InvalidInputError: the file is too large or no text.
    """
    chosen = files.get("file")
    if chosen is None or not chosen.filename:
        return typed.get("text", "").removeprefix(_BOM)
    raw = chosen.stream.read(4 * MAX_TEXT + 1)
    try:
        return raw.decode().removeprefix(_BOM)
    except UnicodeDecodeError:
        raise InvalidInputError("must be a text in UTF-8, of 256 KiB at most", field="file") from None


def window_file(text: str, kind: str) -> WindowFile:
    """The file as the use case takes it; its format shows at its beginning.

    Raises:
        ValidationError: it is too large, or the kind is none.
        InvalidInputError: there is nothing in it.
    """
    if not text.strip():
        raise InvalidInputError("choose a file, or paste one", field="text")
    is_calendar = text.lstrip()[: len(_CALENDAR)].upper() == _CALENDAR
    return WindowFile.model_validate(
        {"format": "icalendar" if is_calendar else "alertmanager", "text": text, "kind": kind}
    )


def place_words(place: str) -> str:
    """A place in a file as people count: ``text.events.2`` is event 3."""
    _, part, index = place.split(".", 2)
    return f"{_PARTS[part]} {int(index) + 1}"
