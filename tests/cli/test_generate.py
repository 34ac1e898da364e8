import subprocess
import sys

import orjson
import pytest


def run(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "app.cli", "demo", "generate", *arguments]
    return subprocess.run(command, capture_output=True, check=False, timeout=60)


@pytest.mark.process
def test_the_command_prints_as_many_json_lines_as_asked_and_the_same_ones_again() -> None:
    first, again = (run("--events", "700", "--seed", "5") for _ in range(2))
    assert (first.returncode, first.stderr) == (0, b"")
    assert first.stdout == again.stdout
    events = [orjson.loads(line) for line in first.stdout.splitlines()]
    assert len(events) == 700


@pytest.mark.process
def test_shape_organization_and_end_are_options() -> None:
    done = run("--events", "20", "--shape", "flat", "--organization", "42", "--until", "2026-05-01T02:00:00+02:00")
    events = [orjson.loads(line) for line in done.stdout.splitlines()]
    assert {event["organizationId"] for event in events} == {"42"}
    assert max(event["timestamp"] for event in events) < "2026-05-01T00:00:00Z"


@pytest.mark.process
@pytest.mark.parametrize("arguments", [[], ["--events", "-1"], ["--events", "1", "--until", "soon"]])
def test_wrong_use_exits_with_2_and_prints_no_data(arguments: list[str]) -> None:
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"Error" in done.stderr
