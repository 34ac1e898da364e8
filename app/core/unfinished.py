"""What a webhook must have before it is owed anything, and how a missing part is told."""

from __future__ import annotations


def unfinished(*, has_endpoint: bool, has_sink: bool) -> str | None:
    """What a webhook still lacks, in a sentence; None when it has both."""
    missing = [f"no {part}" for part, has in (("endpoint", has_endpoint), ("sink", has_sink)) if not has]
    return f"the webhook has {' and '.join(missing)} yet" if missing else None
