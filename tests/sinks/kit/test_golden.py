"""Golden requests and the tables of answers: another byte or another reading is noticed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson

from app.sinks.kit import CHECKS
from app.sinks.kit.golden import write_golden
from tests.sinks.kit.faulty_confirmations import Later
from tests.sinks.kit.judging import problem
from tests.sinks.kit.sound import KEY, Sound


def test_a_sound_sink_that_confirms_later_keeps_every_promise(tmp_path: Path) -> None:
    write_golden(Later(), tmp_path)
    assert (tmp_path / "example-1-confirm.http").read_bytes().endswith(b'["0","1"]')
    assert "no confirmations.json" in problem("golden-confirmations", Later(), tmp_path)
    write_confirmations(tmp_path)
    assert [check.name for check in CHECKS if problem(check.name, Later(), tmp_path)] == []


def write_confirmations(folder: Path, **changed: Any) -> None:
    rows = [
        {"status": 200, "body": ["7"], "receipts": ["7", "8"], "confirmed": ["7"]} | changed,
        {"status": 404, "receipts": ["7"], "verdict": "sink_broken"},
    ]
    (folder / "confirmations.json").write_bytes(orjson.dumps(rows))


def test_a_confirmation_that_is_read_otherwise_breaks_the_table(tmp_path: Path) -> None:
    for changed in ({"confirmed": ["7", "8"]}, {"status": 404}, {"body": []}):
        write_confirmations(tmp_path, **changed)
        assert "is read as" in problem("golden-confirmations", Later(), tmp_path)


def test_another_byte_breaks_a_golden_request_and_a_missing_file_is_named(golden: Path) -> None:
    path = golden / "example-2-batch.http"
    path.write_bytes(path.read_bytes() + b" ")
    assert "example-2-batch.http is another request" in problem("golden-requests", Sound(), golden)
    path.unlink()
    assert "no example-2-batch.http" in problem("golden-requests", Sound(), golden)


def test_a_golden_request_shows_no_secret(golden: Path) -> None:
    assert sorted(path.name for path in golden.glob("*.http")) == [
        f"example-{number}-{mode}.http" for number in (1, 2) for mode in ("batch", "instant")
    ]
    assert not [path for path in golden.iterdir() if KEY.encode() in path.read_bytes()]


def test_an_answer_that_is_read_otherwise_breaks_the_table(golden: Path) -> None:
    (golden / "answers.json").write_bytes(orjson.dumps([{"status": 500, "body": "busy", "verdict": "delivered"}]))
    assert "is read as retry" in problem("golden-answers", Sound(), golden)
