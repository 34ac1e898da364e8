"""Block Kit blocks, and how many of them one message may hold."""

from __future__ import annotations

from typing import Any

import orjson

from app.sinks.plain_text import cut

MAX_BLOCKS = 50
MAX_HEADER = 150
MAX_SECTION = 3000
MAX_FIELDS = 10
MAX_FIELD = 2000
MAX_CONTEXT = 10

MAX_TOTAL = 12_000
"""Bytes of all blocks of a message together. Undocumented: from about 13,200 on Slack answers ``msg_blocks_too_long``
although each block keeps its own limit (github.com/slackapi/bolt-js/issues/2509)."""

_BLOCK_ID = 40
"""What Slack adds to a block that names itself with no ``block_id``, and the comma."""

Block = dict[str, Any]


def mrkdwn(text: str) -> Block:
    """A text object with markup. ``verbatim`` keeps Slack from making links and mentions out of bare words."""
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def header(text: str) -> Block:
    """A title; plain text, cut to fit. An emoji counts as two characters, so a little room is left."""
    return {"type": "header", "text": {"type": "plain_text", "text": cut(text, MAX_HEADER - 10), "emoji": False}}


def section(text: str) -> Block:
    """A paragraph; the text must fit."""
    return {"type": "section", "text": mrkdwn(text)}


def fields(*texts: str) -> Block:
    """Short texts in two columns."""
    return {"type": "section", "fields": [mrkdwn(text) for text in texts[:MAX_FIELDS]]}


def context(*texts: str) -> Block:
    """Small print."""
    return {"type": "context", "elements": [mrkdwn(text) for text in texts[:MAX_CONTEXT]]}


def weight(block: Block) -> int:
    """What a block adds to the total."""
    return len(orjson.dumps(block)) + _BLOCK_ID


class Stack:
    """The blocks of one message. Everything put in fits; what does not is refused.

    Args:
        footer: the last block; its place is kept free.
    """

    def __init__(self, footer: Block) -> None:
        self._footer = footer
        self._blocks: list[Block] = []
        self._weight = weight(footer)

    def put(self, block: Block, *, spare: int = 0) -> bool:
        """Adds a block, unless that would leave less than ``spare`` bytes; answers whether it did."""
        added = weight(block)
        if len(self._blocks) + 2 > MAX_BLOCKS or self._weight + added + spare > MAX_TOTAL:
            return False
        self._blocks.append(block)
        self._weight += added
        return True

    def blocks(self) -> list[Block]:
        """All of them, the footer last."""
        return [*self._blocks, self._footer]
