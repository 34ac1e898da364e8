"""The contract kit itself: a sound sink keeps every promise, and each check fails for a sink that breaks it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import pytest
from pydantic import Field, SecretStr

from app.sinks import (
    HeaderSecret,
    Hint,
    Settings,
)
from app.sinks.kit import CHECKS, run_checks
from app.sinks.kit.examples import example_bindings
from tests.sinks.kit import faulty_answers, faulty_confirmations, faulty_requests, faulty_settings
from tests.sinks.kit.judging import problem
from tests.sinks.kit.sound import Sound

FAULTY = [
    *faulty_settings.FAULTY,
    *faulty_requests.FAULTY,
    *faulty_answers.FAULTY,
    *faulty_confirmations.FAULTY,
]
GOLDEN = {"golden-requests", "golden-answers", "golden-confirmations"}
"""Broken by a changed file, in ``test_golden.py``."""


def test_a_sound_sink_keeps_every_promise(golden: Path) -> None:
    assert {check.name: problem(check.name, Sound(), golden) for check in CHECKS} == dict.fromkeys(
        (check.name for check in CHECKS), ""
    )


@pytest.mark.parametrize(("name", "faulty"), FAULTY, ids=[f"{name}-{one.__name__}" for name, one in FAULTY])
def test_each_check_fails_for_a_sink_that_breaks_its_promise(name: str, faulty: type[Sound]) -> None:
    assert problem(name, faulty())


def test_every_check_has_a_sink_that_breaks_it() -> None:
    assert {name for name, _ in FAULTY} | GOLDEN == {check.name for check in CHECKS}


def test_a_whole_run_reports_every_check_and_what_broke() -> None:
    results = {result.name: result for result in run_checks(faulty_settings.Leaky())}
    assert list(results) == [check.name for check in CHECKS]
    assert not results["masking"].passed
    assert results["concurrency"].passed
    assert all(result.promise.endswith(".") for result in results.values())


def test_a_sink_whose_examples_are_wrong_is_told_so_at_once() -> None:
    (result,) = run_checks(faulty_settings.Boasting())
    assert "size is refused" in result.problem


def test_settings_without_examples_get_made_up_ones() -> None:
    class Bare(Settings):
        first: Annotated[HeaderSecret, Hint(title="First")]
        second: Annotated[SecretStr | None, Field(max_length=3), Hint(title="Second")] = None

    class Unhelpful(Sound):
        secrets_model = Bare

    secrets = example_bindings(Unhelpful())[0].secrets
    assert (secrets.first.get_secret_value(), secrets.second) == ("s3cret-of-first", None)
