"""One way to log: a static event name, and keywords.

``log.info("partition drained", extra={"partition": 3})`` becomes ``12:34:56 worker-1  partition drained  partition=3``
on a terminal, or one JSON object per line. Bodies, headers and secrets never go into a log call.
"""

from __future__ import annotations

import logging
import os
import sys
from datetime import UTC, datetime
from typing import TextIO

import orjson

PROCESS_NAME_VARIABLE = "_RELAYPOINT_PROCESS"
"""How the supervisor tells a child its name. Not a setting, so it does not carry the settings' prefix."""

NAME_WIDTH = 9
_LONGEST_VALUE = 300
_OWN_FIELDS = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_QUIET = ("rq", "rq.worker", "rq.job", "alembic", "granian", "urllib3", "_granian")
"""Libraries whose everyday news would drown ours."""


def keywords(record: logging.LogRecord) -> dict[str, object]:
    """What the caller passed as ``extra``."""
    return {name: value for name, value in vars(record).items() if name not in _OWN_FIELDS}


class LineFormatter(logging.Formatter):
    """Lines for people.

    Args:
        process: name of this process.
    """

    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        """Time of day, process, level when it matters, event name, keywords; a traceback below."""
        moment = datetime.fromtimestamp(record.created, tz=UTC).astimezone()
        level = f"{record.levelname.lower()}: " if record.levelno >= logging.WARNING else ""
        words = "".join(f" {name}={_shown(value)}" for name, value in keywords(record).items())
        line = f"{moment:%H:%M:%S} {self._process:<{NAME_WIDTH}} {level}{_one_line(record.getMessage())}{words}"
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        return line


class JsonFormatter(logging.Formatter):
    """Lines for programs.

    Args:
        process: name of this process.
    """

    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        """One JSON object."""
        moment = datetime.fromtimestamp(record.created, tz=UTC)
        entry: dict[str, object] = {
            **{name: _plain(value) for name, value in keywords(record).items()},
            "time": moment.isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "process": self._process,
            "logger": record.name,
            "event": record.getMessage(),
        }
        if record.exc_info:
            entry["traceback"] = self.formatException(record.exc_info)
        return orjson.dumps(entry).decode()


def configure_logging(
    process: str, *, json_lines: bool = False, level: int = logging.INFO, stream: TextIO | None = None
) -> None:
    """Send every log record of this process to one stream, in one format. Calling it again replaces the first call.

    Args:
        process: name of this process, unless the supervisor gave it another one.
        json_lines: JSON instead of lines for people.
        level: the lowest level shown.
        stream: standard error when not given.
    """
    name = os.environ.get(PROCESS_NAME_VARIABLE) or process
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter(name) if json_lines else LineFormatter(name))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for library in _QUIET:
        logging.getLogger(library).setLevel(logging.WARNING)


def _shown(value: object) -> str:
    text = _one_line(str(value))
    return f'"{text}"' if " " in text or not text else text


def _one_line(text: str) -> str:
    """Printable, on one line and not endless: a log line must not be forgeable by what it speaks of."""
    cut = text if len(text) <= _LONGEST_VALUE else text[:_LONGEST_VALUE] + "…"
    return "".join(character if character.isprintable() else "?" for character in cut)


def _plain(value: object) -> object:
    return value if value is None or isinstance(value, bool | int | float) else _one_line(str(value))
