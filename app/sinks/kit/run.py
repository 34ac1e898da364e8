"""Running the contract against one sink."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from app.sinks.kit.catalogue import CHECKS
from app.sinks.kit.examples import example_bindings
from app.sinks.kit.golden import golden_folder
from app.sinks.kit.subject import BrokenContractError, Subject
from app.sinks.protocol import Sink


@dataclass(frozen=True, slots=True)
class Result:
    """How one check went; ``problem`` is "" when the promise is kept."""

    name: str
    promise: str
    problem: str

    @property
    def passed(self) -> bool:
        """Whether the promise is kept."""
        return not self.problem


def run_checks(sink: Sink) -> list[Result]:
    """Every check, with webhooks made from the examples in the sink's settings. Nothing is sent."""
    try:
        subject = Subject(sink, example_bindings(sink), golden_folder(sink))
    except Exception as error:  # noqa: BLE001 - a plugin may raise anything; that is what is being found out
        return [Result("examples", "The settings models give valid examples.", _words(error))]
    return [Result(check.name, check.promise, _problem(check.run, subject)) for check in CHECKS]


def _problem(run: Callable[[Subject], None], subject: Subject) -> str:
    try:
        run(subject)
    except Exception as error:  # noqa: BLE001 - as above
        return _words(error)
    return ""


def _words(error: Exception) -> str:
    text = str(error) or "no reason given"
    return text if isinstance(error, BrokenContractError) else f"{type(error).__name__}: {text}"
