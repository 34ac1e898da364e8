import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from app.cli import COMMANDS, SUMMARIES, main
from app.core.errors import NotFoundError


def test_help_lists_every_command_and_imports_neither_flask_nor_the_database() -> None:
    probe = (
        "import sys\nfrom app.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit as end: code = end.code\n"
        "heavy = {'flask', 'sqlalchemy', 'rq', 'requests', 'pycurl', 'pydantic'} & set(sys.modules)\n"
        "sys.exit(code or sorted(heavy) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=False, timeout=30)
    assert (done.returncode, done.stderr) == (0, "")
    for name in COMMANDS:
        assert f"\n  {name} " in done.stdout


def test_every_command_has_a_summary_in_the_same_order() -> None:
    assert list(SUMMARIES) == list(COMMANDS)


def test_an_error_of_ours_is_a_message_on_stderr_and_exit_code_1(monkeypatch: pytest.MonkeyPatch) -> None:
    @click.command()
    def failing() -> None:
        raise NotFoundError("no such webhook")

    monkeypatch.setattr(type(main), "get_command", lambda *_: failing)
    result = CliRunner().invoke(main, ["failing"])
    assert (result.exit_code, result.stdout, result.stderr) == (1, "", "Error: no such webhook\n")


@pytest.mark.parametrize("arguments", [["nonsense"], ["--nonsense"], ["demo", "generate", "--events", "many"]])
def test_wrong_use_exits_with_2(arguments: list[str]) -> None:
    assert CliRunner().invoke(main, arguments).exit_code == 2
