"""Two readers of Block Kit that we did not write. Neither catches everything, so each message passes both."""

from __future__ import annotations

from typing import Any

import slackblocks
from slack_sdk.models.blocks import Block as SdkBlock

_BUILDERS = {
    "header": slackblocks.HeaderBlock,
    "section": slackblocks.SectionBlock,
    "context": slackblocks.ContextBlock,
}


def accepted_by_slack_sdk(blocks: list[dict[str, Any]]) -> None:
    """slack_sdk's models know the documented limits, but not the number of blocks, and let unknown blocks through."""
    for block in blocks:
        parsed = SdkBlock.parse(block)
        assert parsed is not None, f"slack_sdk does not know a block of type {block.get('type')!r}"
        parsed.validate_json()
        assert parsed.to_dict() == block


def accepted_by_slackblocks(message: dict[str, Any]) -> None:
    """slackblocks refuses empty texts, long fields and a 51st block."""
    blocks = [_BUILDERS[block["type"]].from_dict(block) for block in message["blocks"]]
    slackblocks.WebhookMessage(text=message["text"], blocks=blocks)


def accepted(message: dict[str, Any]) -> None:
    """Both accept the message."""
    accepted_by_slack_sdk(message["blocks"])
    accepted_by_slackblocks(message)
