"""The documents say what the code says: links lead somewhere, commands, options, settings and dependencies exist."""

import re
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import click
import pytest

from app.cli import COMMANDS, main
from app.core.signing import Signer, format_secret
from app.settings import PREFIX, Settings

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted(
    [
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/*.md"),
        *ROOT.glob("docs/hooks/*.md"),
        *ROOT.glob("docs/gallery/README.md"),
        *ROOT.glob("plugins/*/*.md"),
        *ROOT.glob("bench/*.md"),
    ]
)
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
COMMAND = re.compile(r"\brelaypoint ((?:[a-z]+(?:-[a-z]+)* ?){1,2})(.*)")
CODE = re.compile(r"```.*?```|`[^`\n]+`", re.DOTALL)
SETTING = re.compile(rf"\b{PREFIX}[A-Z][A-Z_]*")
REGISTRY = re.compile(r"\b(pypi|pythonhosted|npmjs|crates|rubygems|docker)\.(org|com|io)\b", re.IGNORECASE)
MACHINE_PATH = re.compile(r"(?<![\w.:/>~-])/(home|root|tmp|usr|var|opt|work|mnt|Users)/")


def each(pattern: str) -> list[Path]:
    """The documents that hold the pattern, so that a test names each one it looks at."""
    return [path for path in DOCUMENTS if re.search(pattern, path.read_text(encoding="utf-8"))]


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def anchors(path: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def code_lines(path: Path) -> Iterator[str]:
    for block in CODE.findall(path.read_text(encoding="utf-8")):
        yield from block.strip("`").splitlines()


def python_blocks(name: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", (ROOT / "docs" / name).read_text(encoding="utf-8"), re.DOTALL)


def command_named(words: list[str]) -> tuple[click.Command | None, str]:
    """The command that the words lead to, and what was not understood."""
    command: click.Command = main
    for word in words:
        if not isinstance(command, click.Group):
            return command, ""
        found = command.get_command(click.Context(command), word)
        if found is None:
            return None, word
        command = found
    return command, ""


def option_names(command: click.Command) -> set[str]:
    return {name for one in command.params for name in one.opts} | {"--help", "-h"}


def key_variables(command: click.Command) -> Iterator[str]:
    """Environment variables that options read by themselves."""
    for one in command.params:
        if isinstance(one.envvar, str):
            yield one.envvar
    if isinstance(command, click.Group):
        for inner in command.commands.values():
            yield from key_variables(inner)


def test_the_documents_that_users_are_sent_to_exist() -> None:
    named = {"README", "CHANGELOG", "CONTRIBUTING", "SECURITY"}
    tasks = {"send-events", "webhooks", "verify-signatures", "operate", "architecture", "plugins", "hooks", "settings"}
    assert named <= {path.stem for path in ROOT.glob("*.md")}
    assert tasks <= {path.stem for path in ROOT.glob("docs/*.md")}


@pytest.mark.parametrize("path", each(r"\]\("), ids=name_of)
def test_every_relative_link_leads_to_a_file_and_a_heading(path: Path) -> None:
    for link in LINK.findall(path.read_text(encoding="utf-8")):
        if link.startswith(("https://", "http://", "mailto:")):
            continue
        place, _, anchor = link.partition("#")
        target = (path.parent / place).resolve() if place else path
        assert target.exists(), link
        assert target.is_relative_to(ROOT), link
        if anchor and target.suffix == ".md":
            assert anchor in anchors(target), link


@pytest.mark.parametrize("path", each(r"relaypoint [a-z]"), ids=name_of)
def test_every_command_and_option_named_exists(path: Path) -> None:
    for line in code_lines(path):
        for words, rest in COMMAND.findall(line):
            command, unknown = command_named(words.split())
            assert command is not None, f"relaypoint {words}: there is no {unknown!r} in {line!r}"
            used = re.match(r"[^|#;`)]*", rest)
            options = set(re.findall(r"(?<!\S)--?[a-z][a-z-]*", used[0] if used else ""))
            assert options <= option_names(command), line


def test_the_readme_names_every_command() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [name for name in COMMANDS if not re.search(rf"relaypoint {name}\b|make {name}\b", text)] == []


@pytest.mark.parametrize("path", each(PREFIX + "[A-Z]"), ids=name_of)
def test_every_setting_named_exists(path: Path) -> None:
    known = {PREFIX + one.name.upper() for one in fields(Settings)}
    send, _ = command_named(["events"])
    assert send is not None
    known |= set(key_variables(send))
    sources = [*ROOT.glob("bench/*.py"), *ROOT.glob("tests/*.py")]
    known |= {name for file in sources for name in SETTING.findall(file.read_text(encoding="utf-8"))}
    assert set(SETTING.findall(path.read_text(encoding="utf-8"))) - known == set()


def test_every_dependency_has_its_reason_and_every_reason_its_dependency() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    required = [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]
    names = {re.split(r"[\[<>=!~ ]", line, maxsplit=1)[0] for line in required}
    section = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").partition("## Dependencies")[2]
    assert set(re.findall(r"^\| `([a-z0-9-]+)` \| \S", section, re.MULTILINE)) == names


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_no_document_names_a_registry_or_a_path_of_one_machine(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert REGISTRY.search(text) is None
    assert MACHINE_PATH.search(text) is None


def test_make_targets_in_the_documents_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = {word for path in DOCUMENTS for line in code_lines(path) for word in re.findall(r"\bmake ([a-z-]+)", line)}
    assert named - targets == set()


def test_the_example_plugin_passes_the_contract(tmp_path: Path) -> None:
    plugin, tests = python_blocks("plugins.md")
    (tmp_path / "relaypoint_sink_pager.py").write_text(plugin, encoding="utf-8")
    (tmp_path / "test_pager.py").write_text(tests, encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:plugin",
        "-p",
        "no:splunk",
        "test_pager.py",
    ]
    done = subprocess.run(
        command, cwd=tmp_path, env={"PYTHONPATH": f"{tmp_path}:{ROOT}"}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:]


def test_the_verification_example_takes_a_true_signature_once_and_refuses_a_false_one() -> None:
    kept: dict[str, Any] = {}
    names: dict[str, Any] = {"is_new": lambda one: one not in kept, "store": kept.__setitem__}
    exec(python_blocks("verify-signatures.md")[0], names)  # noqa: S102 - the document's own example
    key, body, now = b"k" * 32, b'{"id":"evt_1"}', int(time.time())
    signature = Signer([key]).sign("dlv_1", now, body)
    headers = {"webhook-id": "dlv_1", "webhook-timestamp": str(now), "webhook-signature": signature}
    answers = [names["receive"](headers, sent, format_secret(key)) for sent in (body, body, b"{}")]
    assert answers == [204, 204, 401]
    assert kept == {"dlv_1": {"id": "evt_1"}}
