"""What an error of a database driver means, in words: whether waiting helps, or what somebody has to mend."""

from __future__ import annotations

import re

from sqlalchemy.exc import DBAPIError

_SQLITE = (
    ("SQLITE_BUSY", "the database is busy: another program holds it"),
    ("SQLITE_LOCKED", "the database is busy: another program holds it"),
    ("SQLITE_FULL", "the disk of the database is full"),
    ("SQLITE_READONLY", "the database cannot be written: look at the rights of its file and folder"),
    ("SQLITE_CANTOPEN", "the file of the database cannot be opened: look at its path and rights"),
    ("SQLITE_IOERR", "the disk of the database fails"),
)
"""By the beginning of the error's name."""
_POSTGRES = {
    "53100": "the disk of the database is full",
    "53300": "the database takes no more connections",
    "57014": "the database took too long",
    "57P01": "the database is being stopped",
    "57P03": "the database is being started or stopped",
}
"""By SQLSTATE (PostgreSQL's appendix A)."""
_UNDEFINED = frozenset({"42P01", "42703"})
"""No such table, no such column."""
_SQLITE_UNDEFINED = re.compile(r"no such (?:table|column): |has no column named ")


def words_of(error: DBAPIError) -> str:
    """Why the database did not do it. Holds no value and no address."""
    name, state = getattr(error.orig, "sqlite_errorname", ""), getattr(error.orig, "sqlstate", None)
    for beginning, words in _SQLITE:
        if name.startswith(beginning):
            return words
    return _POSTGRES.get(state or "", f"the database did not answer: {type(error.orig).__name__}")


def lacking(error: DBAPIError) -> str | None:
    """What the schema lacks, as the driver says it; None when the error is another one."""
    told = str(error.orig)
    if getattr(error.orig, "sqlite_errorname", "") == "SQLITE_ERROR" and _SQLITE_UNDEFINED.search(told):
        return told
    # PostgreSQL goes on with the line of the statement, which may hold values.
    return told.partition("\n")[0] if getattr(error.orig, "sqlstate", None) in _UNDEFINED else None
