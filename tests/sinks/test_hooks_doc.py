"""docs/hooks.md and its pages, one per hook, say what the code says, and their examples work."""

import inspect
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from app.sinks import ChecksSettings, ChoosesSignatures, Confirms, EventSource, Sink, SourceInfo, UsesToken, Verdict
from app.sinks.hookspecs import PROJECT, RelaypointSpecs
from app.sinks.manager import SinkManager

DOCS = Path(__file__).parents[2] / "docs"
DOC = (DOCS / "hooks.md").read_text(encoding="utf-8")
HOOKS = dict(inspect.getmembers(RelaypointSpecs, inspect.isfunction))
TESTS = (Path(__file__).parent / "test_hooks.py").read_text(encoding="utf-8")
SECTIONS = ("**When**", "**Parameters**", "**Returns**", "**Raising**", "**Since**")


def page_of(hook: str) -> str:
    return (DOCS / "hooks" / f"{hook.removeprefix(PROJECT + '_')}.md").read_text(encoding="utf-8")


def example_of(hook: str) -> str:
    (example,) = re.findall(r"```python\n(.*?)```", page_of(hook), re.DOTALL)
    return str(example)


def written(hook: str) -> str:
    signature = inspect.signature(HOOKS[hook])
    parameters = [f"{one.name}: {one.annotation}" for one in signature.parameters.values() if one.name != "self"]
    return f"{hook}({', '.join(parameters)}) -> {signature.return_annotation}"


def test_every_hook_has_its_page_and_there_is_no_other_page() -> None:
    pages = {f"{PROJECT}_{path.stem}" for path in (DOCS / "hooks").glob("*.md")}
    assert pages == set(HOOKS)
    assert {hook for hook in HOOKS if f"[`{hook}`](hooks/{hook.removeprefix(PROJECT + '_')}.md)" not in DOC} == set()


@pytest.mark.parametrize("hook", HOOKS)
def test_a_page_gives_the_exact_signature_and_says_when_what_and_what_raising_does(hook: str) -> None:
    page = page_of(hook)
    assert page.startswith(f"# `{written(hook)}`\n")
    places = [page.index(section) for section in SECTIONS]
    assert places == sorted(places)
    for parameter in list(inspect.signature(HOOKS[hook]).parameters)[1:]:
        assert f"`{parameter}`" in page.partition("**Parameters**")[2].partition("**Returns**")[0]


@pytest.mark.parametrize("hook", HOOKS)
def test_the_example_of_a_page_is_a_plugin_that_loads(hook: str, install: Callable[..., None]) -> None:
    install("relaypoint-example", "example_of_a_page", source=example_of(hook))
    manager = SinkManager.loaded(enabled=["example_of_a_page"], strict=True)
    assert [plugin.hooks for plugin in manager.plugins()] == [(hook,)]


@pytest.mark.parametrize("hook", HOOKS)
def test_the_example_of_a_page_has_a_test_that_uses_it(hook: str) -> None:
    test = TESTS.partition(f"\ndef test_hook_{hook.removeprefix(PROJECT + '_')}")[2].partition("\ndef ")[0]
    assert f'example_of("{hook}")' in test


def test_every_member_of_a_sink_and_every_verdict_is_documented() -> None:
    members = {name for name in dir(Sink) if not name.startswith("_")} | set(Sink.__annotations__)
    assert [name for name in members if not re.search(rf"`{name}\b", DOC)] == []
    assert [verdict for verdict in Verdict if f"| `{verdict}` |" not in DOC] == []


def test_every_member_of_a_source_is_documented_with_its_arguments() -> None:
    page = page_of("relaypoint_sources")
    for name, function in inspect.getmembers(EventSource, inspect.isfunction):
        if not name.startswith("_"):
            assert f"| `{name}({', '.join(list(inspect.signature(function).parameters)[1:])})` |" in page
    assert all(f"| `{name}` |" in page for name in EventSource.__annotations__)
    assert SourceInfo.__name__ in page


def test_every_capability_is_documented_with_its_methods() -> None:
    for capability in (ChecksSettings, ChoosesSignatures, Confirms, UsesToken):
        methods = [
            f"{name}({', '.join(list(inspect.signature(function).parameters)[1:])})"
            for name, function in inspect.getmembers(capability, inspect.isfunction)
            if not name.startswith("_")
        ]
        (row,) = [line for line in DOC.splitlines() if line.startswith(f"| `{capability.__name__}` |")]
        assert [method for method in methods if f"`{method}`" not in row] == []
