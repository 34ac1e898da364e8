"""Checks of what a sink says about itself and of how it takes settings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import orjson
from pydantic import BaseModel, SecretStr, ValidationError

from app.sinks.kit.examples import examples
from app.sinks.kit.subject import Subject, expect, secret_values
from app.sinks.settings import sink_schema
from app.sinks.validity import check_sink


def the_host_takes_it(subject: Subject) -> None:
    """It satisfies the protocol, and its name, title and description can be shown."""
    info = check_sink(subject.sink).info
    expect(info.title and info.description, "title and description must say something")


def settings_can_be_drawn(subject: Subject) -> None:
    """Every setting has a title, so that a form can be drawn."""
    schema = orjson.loads(orjson.dumps(sink_schema(subject.sink)))
    for part in ("config", "secrets"):
        for name, field in schema[part].get("properties", {}).items():
            expect(field.get("title"), f"{part}.{name} has no title")


def valid_settings_are_taken(subject: Subject) -> None:
    """The examples are valid, and so are the numbers at the edge of what a setting allows."""
    for model in (subject.sink.config_model, subject.sink.secrets_model):
        base = examples(model)[0]
        for example in examples(model):
            expect(_takes(model, example), f"{model.__name__} refuses its own example {sorted(example)}")
        for name, value in _edges(model):
            expect(_takes(model, base | {name: value}), f"{model.__name__}.{name} refuses {value}, its own limit")


def invalid_settings_are_refused(subject: Subject) -> None:
    """Unknown settings, values of a wrong type and values outside of the limits are refused, unrepeated."""
    for model in (subject.sink.config_model, subject.sink.secrets_model):
        base = examples(model)[0]
        expect(not _takes(model, base | {"no_such_setting": 1}), f"{model.__name__} takes an unknown setting")
        for name, value in _wrong_values(model):
            expect(not _takes(model, base | {name: value}), f"{model.__name__}.{name} takes {str(value)[:40]!r}")
        _check_unrepeated(model, base)


def secrets_are_masked(subject: Subject) -> None:
    """Secrets are of a secret type; neither ``repr`` nor ``describe`` shows one."""
    for binding in subject.bindings:
        for name in type(binding.secrets).model_fields:
            value = getattr(binding.secrets, name)
            expect(value is None or isinstance(value, SecretStr), f"secret {name!r} must be a SecretStr")
        shown = repr(binding) + repr(binding.secrets) + orjson.dumps(subject.sink.describe(binding)).decode()
        for secret in secret_values(binding):
            expect(secret not in shown, "repr or describe shows a secret")


def _takes(model: type[BaseModel], values: Mapping[str, Any]) -> bool:
    try:
        model.model_validate(values)
    except ValidationError:
        return False
    return True


def _check_unrepeated(model: type[BaseModel], base: Mapping[str, Any]) -> None:
    """An error text travels to logs and answers, so it must not hold what was given."""
    canary = "c4nary-that-nobody-may-see"
    for name in model.model_fields:
        try:
            model.model_validate({**base, name: {"key": [canary]}})
        except ValidationError as error:
            expect(canary not in str(error), f"{model.__name__}.{name} repeats what was given in its error")


def _fields(model: type[BaseModel]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Settings by name, each with its schema; of one that may be left out, the schema of its value."""
    document = model.model_json_schema()
    for name, schema in document.get("properties", {}).items():
        found = next((one for one in schema.get("anyOf", ()) if one.get("type") != "null"), schema)
        reference = found.get("$ref", "").rpartition("/")[2]
        yield name, document["$defs"][reference] if reference else found


def _edges(model: type[BaseModel]) -> Iterator[tuple[str, int | float]]:
    for name, schema in _fields(model):
        for word in ("minimum", "maximum"):
            if word in schema:
                yield name, schema[word]


def _wrong_values(model: type[BaseModel]) -> Iterator[tuple[str, Any]]:
    for name, schema in _fields(model):
        yield name, [{"of": "a wrong type"}] if schema.get("type") != "array" else {"of": "a wrong type"}
        if "minimum" in schema:
            yield name, schema["minimum"] - 1
        if "maximum" in schema:
            yield name, schema["maximum"] + 1
        if "maxLength" in schema:
            yield name, "x" * (schema["maxLength"] + 1)
        if "enum" in schema:
            yield name, "no-such-choice"
