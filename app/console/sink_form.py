"""The settings of a sink or a source as a form, drawn from the JSON Schemas of its models, and read back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import orjson
from werkzeug.datastructures import MultiDict

from app.console.json_text import indented
from app.core.errors import InvalidInputError
from app.core.whole_numbers import whole_number

_KEEP = {"set": True}
_LAST = 50
"""The place within its group of a setting that asks for none."""


@dataclass(frozen=True, slots=True)
class Input:
    """One setting. ``kind`` is text, number, url, tick, select, lines, json or secret.

    ``is_set``: a secret is stored. ``is_chosen``: the stored value is another than the default.
    """

    name: str
    kind: str
    title: str
    hint: str
    value: Any
    required: bool
    placeholder: str
    options: tuple[tuple[str, str], ...] = ()
    is_set: bool = False
    is_chosen: bool = False
    is_long: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """Settings under one heading. ``is_open`` is False where nothing has to be said and nothing was."""

    title: str
    inputs: tuple[Input, ...]
    is_open: bool


def form_of(
    schemas: Mapping[str, Any], config: Mapping[str, Any], stored_secrets: Mapping[str, Any], sent: MultiDict[str, str]
) -> list[Group]:
    """The groups of a form, with what is stored, or what was sent when that was wrong.

    What must be filled in comes first in its group; the rest follows in the order that the plugin gave it.
    """
    found: list[tuple[str, int, Input]] = []
    for part, values in (("config", config), ("secrets", {})):
        schema = schemas[part]
        for name, field in schema.get("properties", {}).items():
            ui = field.get("x-ui", {})
            made = _input(part, name, field, schema, values, stored_secrets, sent)
            found.append((ui.get("group", ""), ui.get("order") or _LAST, made))
    order = {title: place for place, title in reversed(list(enumerate(group for group, _, _ in found)))}
    found.sort(key=lambda one: (order[one[0]], not one[2].required, one[1]))
    groups: list[Group] = []
    for title, inside in groupby(found, key=lambda one: one[0]):
        inputs = tuple(made for _, _, made in inside)
        said = any(one.required or one.is_set or one.is_chosen for one in inputs)
        groups.append(Group(title, inputs, is_open=said or not groups))
    return groups


def _input(
    part: str,
    name: str,
    field: Mapping[str, Any],
    schema: Mapping[str, Any],
    values: Mapping[str, Any],
    stored_secrets: Mapping[str, Any],
    sent: MultiDict[str, str],
) -> Input:
    ui = field.get("x-ui", {})
    kind, options = _kind(part, field, schema)
    full = f"{part}.{name}"
    value = values.get(name, field.get("default"))
    if full in sent:
        value = sent.getlist(full) if kind == "ticks" else sent[full]
    elif sent and kind == "tick":
        value = False
    elif kind == "lines":
        value = "\n".join(value or [])
    elif kind == "json":
        value = indented(value) if value else ""
    return Input(
        name=full,
        kind=kind,
        title=field.get("title", name),
        hint=ui.get("help", ""),
        value=None if kind == "secret" else value,
        required=name in schema.get("required", ()),
        placeholder=ui.get("placeholder", ""),
        options=options,
        is_set=name in stored_secrets,
        is_chosen=(values.get(name, field.get("default")) or None) != (field.get("default") or None),
        is_long=ui.get("widget") == "textarea",
    )


def _kind(part: str, field: Mapping[str, Any], schema: Mapping[str, Any]) -> tuple[str, tuple[tuple[str, str], ...]]:
    if part == "secrets":
        return "secret", ()
    plain = _resolved(field, schema)
    if "enum" in plain:
        return "select", tuple((str(one), _words(str(one))) for one in plain["enum"])
    if plain.get("type") == "array":
        item = _resolved(plain.get("items", {}), schema)
        if "enum" in item:
            return "ticks", tuple((str(one), _words(str(one))) for one in item["enum"])
        return "lines", ()
    kinds = {"boolean": "tick", "integer": "number", "number": "number", "object": "json"}
    return ("url" if plain.get("format") == "uri" else kinds.get(str(plain.get("type")), "text")), ()


def _resolved(field: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema that says something: behind a reference, or beside the null of what may be left out."""
    for one in field.get("anyOf", ()):
        if one.get("type") != "null":
            return _resolved(one, schema)
    reference = str(field.get("$ref", ""))
    return schema["$defs"][reference.rpartition("/")[2]] if reference else field


def _words(value: str) -> str:
    """An option that is a code name in one case, and readable in the other."""
    return value.replace("_", " ") if "_" in value else value


def read_form(
    schemas: Mapping[str, Any], stored_secrets: Mapping[str, Any], sent: MultiDict[str, str]
) -> dict[str, Any]:
    """``{"config": …, "secrets": …}`` of a form; an empty input counts as not set, an empty secret as kept.

    Raises:
        InvalidInputError: an input is no number or no JSON.
    """
    config: dict[str, Any] = {}
    for name, field in schemas["config"].get("properties", {}).items():
        kind, _ = _kind("config", field, schemas["config"])
        value = _value(kind, f"config.{name}", sent)
        if value is not None and not (value == "" and field.get("default") == ""):
            config[name] = value
    secrets: dict[str, Any] = {}
    for name in schemas["secrets"].get("properties", {}):
        typed = sent.get(f"secrets.{name}", "")
        if typed:
            secrets[name] = typed.replace("\r\n", "\n")
        elif name in stored_secrets and f"secrets.{name}" not in sent.getlist("forget"):
            secrets[name] = _KEEP
    return {"config": config, "secrets": secrets}


def _value(kind: str, name: str, sent: MultiDict[str, str]) -> Any:
    text = sent.get(name, "").strip()
    match kind:
        case "tick":
            return name in sent
        case "ticks":
            return sent.getlist(name)
        case "lines":
            return _lines(text.splitlines())
        case "number" if text:
            return _number(text, name)
        case "json" if text:
            return _json(text, name)
    return text or None


def _number(text: str, name: str) -> int:
    number = whole_number(text.removeprefix("-"))
    if number is None:
        raise InvalidInputError("must be a whole number", field=name)
    return -number if text.startswith("-") else number


def _json(text: str, name: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        raise InvalidInputError("is not JSON", field=name) from None


def _lines(lines: Sequence[str]) -> list[str]:
    return [line.strip() for line in lines if line.strip()]
