"""The receiver of a machine without nginx, run by granian."""

from __future__ import annotations

from typing import Any


async def answer(_scope: Any, protocol: Any) -> None:
    """``200`` to anything, after reading the body as a receiver would."""
    await protocol()
    protocol.response_str(200, [("content-type", "text/plain")], "ok")
