from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from app.sinks.kit.golden import write_golden
from tests.sinks.kit.sound import Sound


@pytest.fixture
def golden(tmp_path: Path) -> Path:
    write_golden(Sound(), tmp_path)
    rows = [{"status": 200, "verdict": "delivered"}, {"status": 413, "items": 2, "verdict": "split"}]
    (tmp_path / "answers.json").write_bytes(orjson.dumps(rows))
    return tmp_path
