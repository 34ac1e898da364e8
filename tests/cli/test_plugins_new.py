"""``relaypoint plugins new``: what it writes is a package that installs, shows up and keeps every promise."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson
import pytest
from click.testing import CliRunner

from app.cli import main
from app.cli.plugin_template.relaypoint_sink_pigeon import PigeonSink
from app.cli.plugins_new import make_plugin
from app.core.errors import InvalidInputError
from app.sinks.kit import CHECKS, run_checks
from tests.faults.receivers import Receiver
from tests.faults.sources import sample_events
from tests.faults.stack import Stack

CHECKOUT = Path(__file__).parents[2]
UV = Path(sys.executable).parent / "uv"


def test_the_template_itself_keeps_every_promise() -> None:
    assert [result for result in run_checks(PigeonSink()) if not result.passed] == []


def test_a_new_package_has_exactly_these_files_and_no_word_of_the_template(tmp_path: Path) -> None:
    folder = make_plugin("night_pager", tmp_path)
    assert folder.name == "relaypoint-sink-night-pager"
    files = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    assert files == [
        "README.md",
        "pyproject.toml",
        "relaypoint_sink_night_pager/__init__.py",
        "relaypoint_sink_night_pager/answers.py",
        "relaypoint_sink_night_pager/golden/answers.json",
        "relaypoint_sink_night_pager/golden/example-1-batch.http",
        "relaypoint_sink_night_pager/golden/example-1-instant.http",
        "relaypoint_sink_night_pager/golden/example-2-batch.http",
        "relaypoint_sink_night_pager/golden/example-2-instant.http",
        "relaypoint_sink_night_pager/settings.py",
        "tests/test_night_pager.py",
    ]
    told = "".join((folder / name).read_text(encoding="utf-8") for name in files)
    assert "pigeon" not in told.lower()
    assert "class NightPagerSink:" in told
    assert 'title="Night Pager"' in told


@pytest.mark.parametrize("name", ["Pager", "p", "7up", "a-b", "../x", "x" * 40, "a b"])
def test_a_name_that_no_sink_can_have_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidInputError):
        make_plugin(name, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_there_is_left_alone(tmp_path: Path) -> None:
    words = ["plugins", "new", "pager", "--into", str(tmp_path)]
    first = CliRunner().invoke(main, words)
    assert (first.exit_code, first.stdout.strip()) == (0, str(tmp_path / "relaypoint-sink-pager"))
    changed = tmp_path / "relaypoint-sink-pager" / "README.md"
    changed.write_text("mine")
    assert CliRunner().invoke(main, words).exit_code == 1
    assert changed.read_text() == "mine"


@pytest.mark.process
@pytest.mark.redis
def test_the_package_installs_into_a_fresh_environment_appears_with_no_other_step_and_delivers(tmp_path: Path) -> None:
    package = make_plugin("night_pager", tmp_path)
    python = tmp_path / "fresh" / "bin" / "python"
    uv("venv", "--python", sys.executable, str(tmp_path / "fresh"))
    install("--python", str(python), "--editable", str(CHECKOUT), str(package))
    shown = ran(tmp_path, "plugins", "list", "--json")
    plugins = {plugin["name"]: plugin for plugin in orjson.loads(shown)["plugins"]}
    assert plugins["night_pager"]["distribution"] == "relaypoint-sink-night-pager"
    assert plugins["webhook"]["sha256"] is None, "built in"
    theirs = plugins["night_pager"]["sha256"]
    assert plugins["night_pager"]["changed_files"] == 0
    assert f"(relaypoint-sink-night-pager 0.1.0, sha256 {theirs[:12]})" in ran(tmp_path, "plugins", "list")
    checked = orjson.loads(ran(tmp_path, "plugins", "check", "night_pager", "--json"))
    assert [row["name"] for row in checked] == [check.name for check in CHECKS]
    assert [row for row in checked if not row["passed"]] == []
    deliver_through("night_pager", str(python))


def takes(connection: socket.socket, _number: int) -> None:
    connection.sendall(b'HTTP/1.1 200 OK\r\ncontent-length: 18\r\n\r\n{"status":"taken"}')


def deliver_through(sink: str, python: str) -> None:
    """A whole stack of that environment delivers an event through the sink, with its key."""
    with (
        TemporaryDirectory(prefix="rp-") as instance,
        closing(Receiver(takes)) as receiver,
        closing(Stack(Path(instance), workers=1, python=python)) as stack,
    ):
        stack.create_organization(("ctx_1", "entrypoint"))
        webhook = stack.create_webhook(receiver.url, sink=sink, secrets={"api_key": "k3y-of-the-pager"})
        assert stack.post(orjson.dumps(sample_events(0, 1))).status_code == 200
        webhook.await_state("delivered", 20)
        (request,) = receiver.requests
        assert request.headers["x-api-key"] == "k3y-of-the-pager"
        assert [one["id"] for one in orjson.loads(request.body)] == ["evt-0"]


def ran(folder: Path, *words: str) -> str:
    environ = {"PATH": os.environ["PATH"], "RELAYPOINT_INSTANCE": str(folder / "instance")}
    command = [str(folder / "fresh" / "bin" / "relaypoint"), *words]
    return subprocess.run(command, env=environ, cwd=folder, capture_output=True, text=True, check=True).stdout


def uv(*words: str) -> None:
    subprocess.run([str(UV), "--quiet", *words], check=True, capture_output=True, text=True)


def install(*words: str) -> None:
    """From what this machine has fetched before, else from the package index."""
    try:
        uv("pip", "install", "--offline", *words)
    except subprocess.CalledProcessError:
        uv("pip", "install", *words)
