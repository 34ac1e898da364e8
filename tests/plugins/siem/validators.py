"""Readers of the formats that we did not write, each with its known gaps named where they are worked around."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import orjson
from cefevent import CEFEvent
from cefevent.extensions import extension_dictionary
from jsonschema_rs import Draft202012Validator
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

from tests.debian import Unpacked
from tests.npm import Node

_HEADER = re.compile(r"^(?:(?:[^|\\]|\\.)*\|){7}")
_UNKNOWN_TO_CEFEVENT = {"outcome"}
"""In the dictionary of ArcSight, and not among the 121 keys of cefevent."""
_TYPES = {
    "constant_keyword": str,
    "date": str,
    "flattened": dict,
    "float": (int, float),
    "ip": str,
    "keyword": str,
    "long": int,
    "match_only_text": str,
    "wildcard": str,
}


class Lognorm:
    """liblognorm's CEF parser, through its own command."""

    def __init__(self, packages: Unpacked, folder: Path) -> None:
        self._packages = packages
        self._rules = folder / "cef.rulebase"
        self._rules.write_text("version=2\nrule=:%f:cef%\n")

    def read(self, records: Sequence[str]) -> list[dict[str, Any]]:
        """What it understood of each record; what it refuses comes back with ``unparsed-data``.

        It eats the first letter of the first key unless a space follows the seventh pipe, so that space is put there.
        """
        lines = [_HEADER.sub(r"\g<0> ", record, count=1) for record in records]
        finished = subprocess.run(
            (str(self._packages.program("lognormalizer")), "-r", str(self._rules), "-e", "json"),
            input="\n".join(lines).encode() + b"\n",
            capture_output=True,
            env=self._packages.environment,
            timeout=30,
            check=True,
        )
        return [orjson.loads(line) for line in finished.stdout.splitlines()]


def cefevent_accepts(header: Mapping[str, str], extension: Mapping[str, str]) -> str:
    """The same record as cefevent builds it, which in strict mode checks names, types and lengths.

    Under its short name it refuses 0, so full names are used.

    Raises:
        ValueError: it does not take a field.
    """
    event = CEFEvent(strict=True)
    for name, value in header.items():
        event.set_prefix(name, value)
    for key, value in extension.items():
        if key not in _UNKNOWN_TO_CEFEVENT:
            known = extension_dictionary.get(key)
            event.set_field(known["full_name"] if known else key, value)
    return str(event.build_cef())


@cache
def _entity_management() -> Draft202012Validator:
    schema = OcsfJsonSchemaEmbedded(get_ocsf_schema("1.8.0")).get_class_schema("entity_management", [])
    return Draft202012Validator(schema)


def ocsf_faults(event: Mapping[str, Any]) -> list[str]:
    """What the official schema finds wrong."""
    return [
        f"{'.'.join(map(str, one.instance_path))}: {one.message}" for one in _entity_management().iter_errors(event)
    ]


class EcsFields:
    """The field list that Elastic publishes with its own types."""

    def __init__(self, node: Node) -> None:
        self._fields: dict[str, dict[str, Any]] = node.ask(
            'process.stdout.write(JSON.stringify(require("@elastic/ecs").EcsFlat))'
        )

    def faults(self, document: Mapping[str, Any], custom: str) -> list[str]:
        """What the list finds wrong; everything below ``custom`` is our own."""
        return [
            fault
            for path, value in _leaves(document)
            if not _is_below(path, custom)
            for fault in self._leaf(path, value)
        ]

    def _leaf(self, path: str, value: Any) -> list[str]:
        if path.startswith("labels."):
            return [] if isinstance(value, str) else [f"{path} is no keyword"]
        field = self._fields.get(path)
        if field is None:
            return [f"{path} is no field"]
        if ("array" in field["normalize"]) != isinstance(value, list):
            return [f"{path} must {'' if 'array' in field['normalize'] else 'not '}be an array"]
        return [fault for one in (value if isinstance(value, list) else [value]) for fault in _value(path, field, one)]


def _value(path: str, field: Mapping[str, Any], value: Any) -> list[str]:
    if not isinstance(value, _TYPES[field["type"]]):
        return [f"{path} is no {field['type']}"]
    allowed = [one["name"] for one in field.get("allowed_values", [])]
    return [f"{path} cannot be {value!r}"] if allowed and value not in allowed else []


def _leaves(document: Mapping[str, Any], before: str = "") -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for key, value in document.items():
        path = before + key
        found += _leaves(value, path + ".") if isinstance(value, dict) else [(path, value)]
    return found


def _is_below(path: str, parent: str) -> bool:
    return path == parent or path.startswith(parent + ".")
