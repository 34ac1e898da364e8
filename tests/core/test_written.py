from __future__ import annotations

import re
from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, ValidationError

from app.core.written import Written

PATTERN = r"^[a-z]{2,4}$"


class Named(BaseModel):
    name: Annotated[str, Field(max_length=6), Written(PATTERN, "two to four small letters")]
    other: Annotated[str, Written(PATTERN, "two to four small letters")] | None = None


@given(st.one_of(st.text(max_size=6), st.from_regex(PATTERN)))
def test_a_text_is_taken_if_all_of_it_matches_and_refused_in_words_otherwise(text: str) -> None:
    if re.fullmatch(PATTERN, text):
        assert Named(name=text).name == text
        return
    with pytest.raises(ValidationError) as refused:
        Named(name=text)
    assert [one["msg"] for one in refused.value.errors()] in (
        ["must be two to four small letters"],
        ["String should have at most 6 characters"],
    )


def test_the_pattern_stands_in_the_schema_beside_the_limits() -> None:
    fields = Named.model_json_schema()["properties"]
    assert (fields["name"]["pattern"], fields["name"]["maxLength"]) == (PATTERN, 6)
    assert {"type": "string", "pattern": PATTERN} in fields["other"]["anyOf"]
