"""Sinks that are wrong about themselves, their settings or their secrets."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

from pydantic import ConfigDict, Field

from app.sinks import (
    AnyBinding,
    Hint,
    Settings,
)
from tests.sinks.kit.sound import KEY, Config, Sound


class Nameless(Sound):
    info = replace(Sound.info, title="")


class UntitledConfig(Settings):
    room: str = Field("attic", title="")


class Untitled(Sound):
    config_model = UntitledConfig


class BadExample(Config):
    model_config = ConfigDict(json_schema_extra={"examples": [{"room": "hall"}, {"size": 51}]})


class Boasting(Sound):
    config_model = BadExample


class CarelessConfig(Config):
    model_config = ConfigDict(extra="allow")


class Careless(Sound):
    config_model = CarelessConfig


class CoercingConfig(Settings):
    room: Annotated[Any, Hint(title="Room")] = "attic"


class Coercing(Sound):
    config_model = CoercingConfig


class RepeatingConfig(Config):
    model_config = ConfigDict(hide_input_in_errors=False)


class Repeating(Sound):
    config_model = RepeatingConfig


class OpenSecrets(Settings):
    key: Annotated[str, Hint(title="Key")] = KEY


class Plain(Sound):
    secrets_model = OpenSecrets


class Leaky(Sound):
    def describe(self, binding: AnyBinding) -> dict[str, Any]:
        return {"key": binding.secrets.key.get_secret_value()}


FAULTY: list[tuple[str, type[Sound]]] = [
    ("accepted", Nameless),
    ("form", Untitled),
    ("valid-settings", Boasting),
    ("invalid-settings", Careless),
    ("invalid-settings", Coercing),
    ("invalid-settings", Repeating),
    ("masking", Plain),
    ("masking", Leaky),
]
