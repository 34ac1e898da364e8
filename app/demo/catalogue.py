"""The 85 configuration changes that sample events are made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import orjson


@dataclass(frozen=True, slots=True)
class Action:
    """One change an administrator can make, with sample values.

    ``name`` is a stable dotted id; ``path`` is where the value lives, ``[key]`` selecting a member of a collection;
    ``sensitivity`` runs from 1 (cosmetic) to 5 (admits strangers, or blinds the audit stream).
    """

    name: str
    verb: str
    resource_type: str
    label: str
    path: str
    before: Any
    after: Any
    secret: bool
    sensitivity: int
    of_organization: bool
    tag: str


@cache
def actions() -> Mapping[str, Action]:
    """All actions by name, in the order of the file."""
    text = resources.files("app.demo").joinpath("actions.json").read_bytes()
    rows = orjson.loads(text.replace(b"crl.contoso.com", b"crl.example.com"))
    return {
        row["action"]: Action(
            name=row["action"],
            verb=row["verb"],
            resource_type=row["resource_type"],
            label=row["field_label"],
            path=row["field_path"],
            before=row["before"],
            after=row["after"],
            secret=row["secret"],
            sensitivity=row["sensitivity"],
            of_organization=row["scope"] == "organization",
            tag=row["tag"],
        )
        for row in rows
    }
