from __future__ import annotations

from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, SecretStr, ValidationError
from werkzeug.datastructures import MultiDict

from app.console.durations import read_durations, shown_durations
from app.console.exchanges import shown_body
from app.console.forms import Errors, errors_of
from app.console.sink_form import form_of, read_form
from app.console.sizes import read_size, shown_size
from app.console.visible import visible
from app.core.errors import InvalidInputError
from app.sinks.manager import SinkManager
from app.sinks.settings import sink_schema


@pytest.fixture(scope="module")
def sinks() -> SinkManager:
    manager = SinkManager(strict=True)
    manager.load()
    return manager


@given(st.lists(st.integers(1, 7 * 86_400), max_size=20))
def test_a_list_of_spans_reads_back_as_it_was_written(spans: list[int]) -> None:
    assert read_durations(shown_durations(spans), "field") == spans


@pytest.mark.parametrize("text", ["soon", "5x", "-1s", "1h,,x"])
def test_what_is_no_span_is_refused_by_field(text: str) -> None:
    with pytest.raises(InvalidInputError) as raised:
        read_durations(text, "retry.schedule_s")
    assert raised.value.field == "retry.schedule_s"


@given(st.integers(1, 64 * 1024 * 1024))
def test_a_size_reads_back_as_it_was_written(size: int) -> None:
    assert read_size(shown_size(size), "field") == size


@pytest.mark.parametrize(
    ("text", "size"), [("32 MiB", 33_554_432), ("2", 2_097_152), ("500kib", 512_000), (" 1 KiB ", 1024), ("7 B", 7)]
)
def test_a_size_is_read_with_or_without_its_unit(text: str, size: int) -> None:
    assert read_size(text, "field") == size


@pytest.mark.parametrize("text", ["", "much", "1.5 MiB", "-1 KiB", "5 GB", "٣ MiB"])
def test_what_is_no_size_is_refused_by_field(text: str) -> None:
    with pytest.raises(InvalidInputError) as raised:
        read_size(text, "batch.max_bytes")
    assert raised.value.field == "batch.max_bytes"


def test_the_form_of_every_sink_reads_back_as_the_settings_it_shows(sinks: SinkManager) -> None:
    for name in sinks.names():
        sink = sinks.get(name)
        assert sink is not None
        for example in sink.config_model.model_config.get("json_schema_extra", {}).get("examples", [{}]):  # type: ignore[union-attr]
            config = sink.config_model.model_validate(example).model_dump(mode="json")  # type: ignore[arg-type]
            groups = form_of(sink_schema(sink), config, {}, MultiDict())
            sent: MultiDict[str, str] = MultiDict([("sink", name)])
            for one in (one for group in groups for one in group.inputs):
                if one.kind == "ticks":
                    sent.setlist(one.name, one.value or [])
                elif one.kind != "tick":
                    sent[one.name] = "" if one.value is None else str(one.value)
                elif one.value:
                    sent[one.name] = "on"
            read = read_form(sink_schema(sink), {}, sent)
            assert sink.config_model.model_validate(read["config"]).model_dump(mode="json") == config, name
            assert read["secrets"] == {}


def test_what_must_be_filled_in_comes_first_and_the_rest_as_the_plugin_ordered_it(sinks: SinkManager) -> None:
    for name in sinks.names():
        sink = sinks.get(name)
        assert sink is not None
        for group in form_of(sink_schema(sink), {}, {}, MultiDict()):
            required = [one.required for one in group.inputs]
            assert required == sorted(required, reverse=True), (name, group.title)
    splunk = sinks.get("splunk_hec")
    assert splunk is not None
    titles = [one.title for one in form_of(sink_schema(splunk), {}, {}, MultiDict())[0].inputs]
    assert titles[:2] == ["HEC token", "Collector endpoint"]
    assert titles[-1] == "CIM Change fields"


def test_no_secret_is_ever_in_a_form(sinks: SinkManager) -> None:
    sink = sinks.get("splunk_hec")
    assert sink is not None
    sent: MultiDict[str, str] = MultiDict([("sink", "splunk_hec"), ("secrets.token", "t0ken")])
    assert "t0ken" not in repr(form_of(sink_schema(sink), {}, {"token": {"set": True}}, sent))


class Several(BaseModel):
    name: Annotated[str, Field(min_length=3, max_length=5)] = "abc"
    grace: Annotated[int, Field(ge=0, le=240)] = 0
    tags: Annotated[list[Annotated[str, Field(min_length=1)]], Field(max_length=3)] = []
    secret: Annotated[SecretStr, Field(min_length=16)] = SecretStr("x" * 16)


@pytest.mark.parametrize(
    ("typed", "errors"),
    [
        ({"name": "ab"}, {"name": "Use at least 3 characters."}),
        ({"name": "abcdef"}, {"name": "Use at most 5 characters."}),
        ({"grace": 241}, {"grace": "Use 240 at most."}),
        ({"grace": -1}, {"grace": "Use 0 or more."}),
        ({"grace": "soon"}, {"grace": "Write a number."}),
        ({"tags": ["a", "", ""]}, {"tags": "Fill this in."}),
        ({"tags": ["a"] * 4}, {"tags": "Give at most 3."}),
        ({"secret": "short"}, {"secret": "Use at least 16 characters."}),
    ],
)
def test_what_a_model_refuses_is_told_in_words_at_its_input(typed: dict[str, object], errors: Errors) -> None:
    with pytest.raises(ValidationError) as refused:
        Several.model_validate(typed)
    assert errors_of(refused.value) == errors


def test_a_place_inside_of_json_is_told_at_the_input_of_the_json() -> None:
    wrong = InvalidInputError("give a number", field="filter/sensitivity/0")
    assert errors_of(wrong) == {"filter": "At /sensitivity/0: give a number."}


@given(st.binary(max_size=2_000))
def test_any_bytes_are_shown_as_text_without_control_characters(body: bytes) -> None:
    shown = shown_body(body)
    assert shown.size == len(body)
    assert not any(ord(character) < 32 and character not in "\t\n\r" for character in str(visible(shown.text)))


def test_a_long_body_is_cut_and_says_so() -> None:
    shown = shown_body(b"x" * 1_000_000)
    assert len(shown.text) == 64 * 1024
    assert "of 1,000,000 bytes" in shown.note


def test_bytes_that_retention_took_are_said_to_be_gone() -> None:
    gone = shown_body(None, removed="Removed by retention.")
    assert (gone.text, gone.size, gone.note) == ("", 0, "Removed by retention.")
