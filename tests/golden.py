"""Golden files: what a sink makes of sample events, kept readable beside its tests.

``GOLDEN=write pytest …`` writes them anew; look at the difference before you commit it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import orjson


def same_as_golden(path: Path, value: Any) -> None:
    """Fails unless the value, as indented JSON, is what the file holds."""
    text = orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    if os.environ.get("GOLDEN") == "write":
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text)
    assert text.decode() == path.read_text(encoding="utf-8"), f"{path.name} has changed; GOLDEN=write writes it anew"
