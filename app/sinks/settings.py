"""How a sink declares its settings: one pydantic model each for config and secrets, with hints for the form.

The same models validate the API, draw the console's form (JSON Schema with an ``x-ui`` object per field) and decide
what is masked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Annotated, Any
from urllib.parse import quote

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, GetJsonSchemaHandler, SecretStr
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from app.core.endpoint_url import check_endpoint_url
from app.core.errors import InvalidInputError
from app.sinks.protocol import AnyBinding, Sink
from app.sinks.sources import EventSource


class Settings(BaseModel):
    """Base of a sink's config and secrets models: unknown keys refused, immutable, inputs kept out of error texts."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class NoSecrets(Settings):
    """For a sink that has no secrets of its own."""


@dataclass(frozen=True, slots=True)
class Hint:
    """How one field looks in a form; put it into the field's ``Annotated`` type.

    Args:
        title: the label.
        help: one sentence below the input.
        group: heading the field stands under.
        order: position within the group, low first.
        placeholder: shown while the input is empty.
        widget: kind of input, such as ``text``, ``select``, ``switch`` or ``password``; "" lets the form choose.
    """

    title: str
    help: str = ""
    group: str = ""
    order: int = 0
    placeholder: str = ""
    widget: str = ""

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Writes the title and the ``x-ui`` object into the field's schema."""
        schema = handler(core)
        hints = {key: value for key, value in asdict(self).items() if key != "title" and value != ""}
        return {**schema, "title": self.title, "x-ui": hints}


def _visible_ascii(secret: SecretStr) -> SecretStr:
    text = secret.get_secret_value()
    if not text or not all("!" <= character <= "~" for character in text):
        raise ValueError("must be visible ASCII characters without spaces or line breaks")
    return secret


HeaderSecret = Annotated[SecretStr, Field(max_length=4096), AfterValidator(_visible_ascii)]
"""A secret that goes into one HTTP header: it can neither be empty nor break out of its line."""


def _link_base(url: str) -> str:
    if url and not _LINK_BASE.fullmatch(url):
        raise ValueError("must be an http or https address without a query, such as https://relaypoint.example")
    return url.rstrip("/")


_LINK_BASE = re.compile(r"https?://[A-Za-z0-9.\-\[\]:]{1,255}(/[A-Za-z0-9._~/\-]{0,255})?")

ConsoleUrl = Annotated[
    str,
    AfterValidator(_link_base),
    Hint(
        title="Console address",
        help="Where people open Relaypoint. Messages then link to their event; empty: no links.",
        group="Links",
        placeholder="https://relaypoint.example",
    ),
]
"""Base of the links in messages for people; ``event_link`` makes the link."""


DigestLines = Annotated[
    int,
    Field(ge=1, le=20),
    Hint(title="Events shown per digest", help="The most sensitive first; the rest is counted.", group="Message"),
]
"""How many events of a batch a message for people tells, beside ``Digest``'s counts."""

SensitiveFrom = Annotated[
    int,
    Field(ge=1, le=5),
    Hint(title="Sensitive from", help="Sensitivity that a digest counts as sensitive.", group="Message"),
]
"""From which sensitivity on a ``Digest`` counts a change as sensitive."""


MAX_LINK = 800
"""Characters of a link; messages have room for no longer one."""


def event_link(console_url: str, event_id: str) -> str:
    """The page of one event in the console; "" without a console address, or if the link would be too long."""
    url = f"{console_url}/events/{quote(event_id, safe='')}"
    return url if console_url and len(url) <= MAX_LINK else ""


def _pem(secret: SecretStr) -> SecretStr:
    if not _PEM.fullmatch(secret.get_secret_value()):
        raise ValueError("must be PEM: -----BEGIN …-----, base64 lines, -----END …-----")
    return secret


_PEM = re.compile(r"\s*(-----BEGIN [A-Z ]+-----\s[A-Za-z0-9+/=\s]+-----END [A-Z ]+-----\s*)+")

PemSecret = Annotated[SecretStr, Field(max_length=64_000), AfterValidator(_pem)]
"""A certificate chain or a private key in PEM."""


def _address(text: str) -> str:
    try:
        check_endpoint_url(text)
    except InvalidInputError as wrong:
        raise ValueError(wrong.detail) from None
    return text


Address = Annotated[str, Field(max_length=2048, json_schema_extra={"format": "uri"}), AfterValidator(_address)]
"""A further address that requests go to. As with the endpoint, stored secrets are dropped when its host changes."""


def is_address(schema: Mapping[str, Any]) -> bool:
    """Whether a field's JSON Schema is that of an ``Address``, also of one that may be left out."""
    return any(one.get("format") == "uri" for one in (schema, *schema.get("anyOf", ())))


def sink_schema(sink: Sink) -> dict[str, Any]:
    """``{"config": …, "secrets": …}``: two JSON Schemas with form hints."""
    return {"config": sink.config_model.model_json_schema(), "secrets": sink.secrets_model.model_json_schema()}


def source_schema(source: EventSource) -> dict[str, Any]:
    """As :func:`sink_schema`, of a source: its one secret is no setting."""
    return {"config": source.config_model.model_json_schema(), "secrets": {}}


def describe_settings(binding: AnyBinding) -> dict[str, Any]:
    """The usual answer of ``Sink.describe``: config as it is, and of each secret only whether it is set."""
    secrets = {name: {"set": bool(getattr(binding.secrets, name))} for name in type(binding.secrets).model_fields}
    return {"config": binding.config.model_dump(mode="json"), "secrets": secrets}
