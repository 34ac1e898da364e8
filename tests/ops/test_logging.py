from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest

from app.ops.logging import PROCESS_NAME_VARIABLE, JsonFormatter, LineFormatter, configure_logging


def record(event_name: str, /, **words: object) -> logging.LogRecord:
    return logging.getLogger("x").makeRecord("x", logging.INFO, "f", 1, event_name, (), None, extra=words)


@pytest.fixture
def kept_root() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def test_a_line_has_the_time_the_process_the_event_and_its_keywords() -> None:
    line = LineFormatter("worker-1").format(record("partition drained", partition=3, name_of="two words"))
    assert line[2] == ":"
    assert line[8:] == ' worker-1  partition drained partition=3 name_of="two words"'


def test_what_a_line_speaks_of_cannot_forge_another_line() -> None:
    line = LineFormatter("web").format(record("refused", path="/x\n12:00:00 web  fine\x1b[2J"))
    assert "\n" not in line
    assert "\x1b" not in line


def test_an_endless_value_is_cut() -> None:
    assert len(LineFormatter("web").format(record("refused", path="x" * 10_000))) < 400


def test_json_lines_carry_the_same_facts() -> None:
    entry = json.loads(JsonFormatter("web").format(record("accepted", count=2, odd={"a": 1}, event="stolen")))
    assert entry["event"] == "accepted"
    assert (entry["count"], entry["process"], entry["level"]) == (2, "web", "info")
    assert entry["odd"] == "{'a': 1}"


def test_the_supervisors_name_wins_and_libraries_are_quiet(kept_root: None, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setenv(PROCESS_NAME_VARIABLE, "worker-7")
    configure_logging("worker", stream=stream)
    logging.getLogger("rq.worker").info("chatter")
    logging.getLogger("app.x").info("hello")
    assert "worker-7" in stream.getvalue()
    assert "chatter" not in stream.getvalue()


def test_an_exception_brings_its_traceback() -> None:
    error = ValueError("why")
    exc_info = (ValueError, error, None)
    entry = logging.getLogger("x").makeRecord("x", logging.ERROR, "f", 1, "failed", (), exc_info)
    assert "ValueError: why" in LineFormatter("web").format(entry)
    assert "ValueError: why" in json.loads(JsonFormatter("web").format(entry))["traceback"]
