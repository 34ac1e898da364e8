"""Running one check against one sink."""

from __future__ import annotations

from pathlib import Path

from app.sinks.kit import CHECKS, BrokenContractError, Subject
from app.sinks.kit.examples import example_bindings
from tests.sinks.kit.faulty_settings import Boasting
from tests.sinks.kit.sound import Sound


def problem(name: str, sink: Sound, golden: Path | None = None) -> str:
    check = next(one for one in CHECKS if one.name == name)
    binding = example_bindings(Sound())[0]
    if not isinstance(sink, Boasting):
        binding = example_bindings(sink)[0]
    try:
        check.run(Subject(sink, (binding,), golden))
    except BrokenContractError as error:
        return str(error)
    except (KeyError, TypeError, AttributeError) as error:
        return f"{type(error).__name__}"
    return ""
