"""Texts that must be written in a certain way, and are refused in words: nobody should have to read a pattern."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema


@dataclass(frozen=True, slots=True)
class Written:
    """The pattern of a text; put it into the field's ``Annotated`` type, behind limits of length.

    Args:
        pattern: regular expression that the whole text must match; it stands in the field's JSON Schema.
        rule: what the text must be, such as ``dcr- and 32 hexadecimal digits``; it follows "must be".
    """

    pattern: str
    rule: str

    def __get_pydantic_core_schema__(self, source: type[Any], handler: GetCoreSchemaHandler) -> CoreSchema:
        """Adds the check behind those of the type."""
        fits = re.compile(self.pattern).fullmatch

        def check(text: str) -> str:
            if fits(text) is None:
                raise PydanticCustomError("written_otherwise", "must be {rule}", {"rule": self.rule})
            return text

        return core_schema.no_info_after_validator_function(check, handler(source))

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Writes the pattern into the field's schema."""
        return {**handler(core), "pattern": self.pattern}
