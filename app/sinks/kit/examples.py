"""Webhooks made from the examples in a sink's own settings models, for checks and golden requests."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, SecretStr, ValidationError

from app.sinks.kit.subject import BrokenContractError
from app.sinks.protocol import AnyBinding, Sink
from app.sinks.tokens import UsesToken
from app.sinks.types import Binding

SAMPLE_TOKEN = "access-t0ken-of-the-kit"  # noqa: S105 - a sample, not a secret


def examples(model: type[BaseModel]) -> list[dict[str, Any]]:
    """The examples a settings model gives (``json_schema_extra``), or, where it gives none, what can be made up."""
    given = model.model_json_schema().get("examples")
    return list(given) if given else [_made_up(model)]


def example_bindings(sink: Sink) -> tuple[AnyBinding, ...]:
    """One webhook for each example of the config, with the first example of the secrets.

    Raises:
        BrokenContractError: an example is refused by its own model.
    """
    secrets = _validated(sink.secrets_model, examples(sink.secrets_model)[0])
    return tuple(_binding(sink, _validated(sink.config_model, one), secrets) for one in examples(sink.config_model))


def _binding(sink: Sink, config: BaseModel, secrets: BaseModel) -> AnyBinding:
    binding: AnyBinding = Binding("wh_example", "Example", "607551", sink.info.sample_url, config, secrets)
    if isinstance(sink, UsesToken) and sink.token_request(binding) is not None:
        return Binding(
            "wh_example", "Example", "607551", sink.info.sample_url, config, secrets, False, SecretStr(SAMPLE_TOKEN)
        )
    return binding


def _validated(model: type[BaseModel], example: dict[str, Any]) -> BaseModel:
    try:
        return model.model_validate(example)
    except ValidationError as error:
        fields = ", ".join(".".join(map(str, one["loc"])) or "all" for one in error.errors(include_input=False))
        complaint = f"{model.__name__}: give valid examples in json_schema_extra ({fields} is refused)"
        raise BrokenContractError(complaint) from None


def _made_up(model: type[BaseModel]) -> dict[str, Any]:
    """Every secret filled in as far as the model takes it; settings other than secrets keep their defaults."""
    filled: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        if "SecretStr" not in str(field.annotation):
            continue
        tried = filled | {name: f"s3cret-of-{name.replace('_', '-')}"}
        try:
            model.model_validate(tried)
        except ValidationError as error:
            if any(name in one["loc"] or not one["loc"] for one in error.errors(include_input=False)):
                continue
        filled = tried
    return filled
