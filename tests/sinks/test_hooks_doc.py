"""docs/hooks.md says what the code says."""

import inspect
import re
from pathlib import Path

from app.sinks import ChecksSettings, ChoosesSignatures, Sink, UsesToken, Verdict
from app.sinks.hookspecs import PROJECT, RelaypointSpecs

DOC = (Path(__file__).parents[2] / "docs" / "hooks.md").read_text(encoding="utf-8")


def documented_hooks() -> set[str]:
    return set(re.findall(rf"^## `({PROJECT}_.*)`$", DOC, re.MULTILINE))


def hooks_in_code() -> set[str]:
    found = set()
    for name, function in inspect.getmembers(RelaypointSpecs, inspect.isfunction):
        signature = inspect.signature(function)
        parameters = [str(one) for one in signature.parameters.values() if one.name != "self"]
        found.add(f"{name}({', '.join(parameters)}) -> {signature.return_annotation}")
    return found


def test_every_hook_is_documented_with_its_exact_signature_and_no_other() -> None:
    assert documented_hooks() == hooks_in_code()


def test_every_hook_says_when_what_and_what_raising_does() -> None:
    sections = [part for part in DOC.split("\n## ") if part.startswith(f"`{PROJECT}_")]
    for section in sections:
        for word in ("**When**", "**Parameters**", "**Returns**", "**Raising**", "**Since**", "```python"):
            assert word in section


def test_every_member_of_a_sink_and_every_verdict_is_documented() -> None:
    members = {name for name in dir(Sink) if not name.startswith("_")} | set(Sink.__annotations__)
    assert [name for name in members if not re.search(rf"`{name}\b", DOC)] == []
    assert [verdict for verdict in Verdict if f"| `{verdict}` |" not in DOC] == []


def test_every_capability_is_documented_with_its_methods() -> None:
    for capability in (ChecksSettings, ChoosesSignatures, UsesToken):
        methods = [
            f"{name}({', '.join(list(inspect.signature(function).parameters)[1:])})"
            for name, function in inspect.getmembers(capability, inspect.isfunction)
            if not name.startswith("_")
        ]
        (row,) = [line for line in DOC.splitlines() if line.startswith(f"| `{capability.__name__}` |")]
        assert [method for method in methods if f"`{method}`" not in row] == []
