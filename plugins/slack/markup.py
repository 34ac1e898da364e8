"""Text in Slack's mrkdwn. Whatever was audited can be said, and none of it can be read as markup.

Words of ours are markup; a text of theirs stands as it is only if no character in it could mean something to Slack, and
in a code span otherwise. Code spans know no formatting, no mentions, no emoji names and no links.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_NO_BACKTICK = str.maketrans({"`": "\u02cb"})
"""Slack has no escape for a backtick: a look-alike (modifier letter grave accent) takes its place."""

_MEANS_NOTHING = re.compile(r"(?:[^\W_]|(?<=[^\W_])_(?=[^\W_])|[ .,()+\-@'/=%;!?])+")
"""An underscore inside a word is one; at the edge of a word it begins or ends italics."""


def escape(text: str) -> str:
    """``&``, ``<`` and ``>`` as entities, which disarms mentions, links and commands; quotes stay."""
    return text.translate(_ESCAPES)


def fitted(text: str, room: int) -> str:
    """The text escaped and cut to ``room`` characters of the escaped form, never inside an entity."""
    escaped = escape(text)
    if len(escaped) <= room:
        return escaped
    length = 0
    for index, character in enumerate(text):
        length += len(escape(character))
        if length >= room:
            return escape(text[:index]) + "…"
    return escaped


def code(text: str, room: int) -> str:
    """A code span of at most ``room`` characters. The text must not be empty."""
    return f"`{fitted(text.translate(_NO_BACKTICK), room - 2)}`"


def said(text: str, room: int) -> str:
    """A text of theirs inside a sentence of ours: bare if it is harmless, else as a code span."""
    if _MEANS_NOTHING.fullmatch(text):
        return fitted(text, room)
    return code(text, room)


def link(url: str, words: str) -> str:
    """A link with words of ours; the URL is one that we built."""
    return f"<{escape(url)}|{words}>"


def moment(epoch: int, form: str) -> str:
    """A time that each reader sees in their own time zone, with UTC for clients that cannot.

    Args:
        epoch: seconds.
        form: Slack's tokens, such as ``{date_short_pretty} {time_secs}``.
    """
    return f"<!date^{epoch}^{form}|{datetime.fromtimestamp(epoch, UTC):%Y-%m-%d %H:%M:%S} UTC>"
