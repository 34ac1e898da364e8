"""``relaypoint plugins new``: the start of a sink of one's own, complete and passing every check.

The template beside this file is a working plugin named "pigeon"; a new one is the same with another name.
"""

from __future__ import annotations

from pathlib import Path

import click

from app.core.errors import ConflictError, InvalidInputError
from app.sinks.validity import SINK_NAME

TEMPLATE = Path(__file__).parent / "plugin_template"
_STANDS_IN = "pigeon"
"""The name that stands in the template for the new one."""
_SKIPPED = "__pycache__"


@click.command("new")
@click.argument("name")
@click.option(
    "--into",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    help="Folder to make the package in.  [default: here]",
)
def new(name: str, into: Path) -> None:
    """Write an installable package with a new sink: settings, code, golden requests, tests."""
    folder = make_plugin(name, into)
    click.echo(folder)
    click.echo(f"next: pip install -e {folder} && relaypoint plugins check {name}", err=True)


def make_plugin(name: str, into: Path) -> Path:
    """The folder of the new package.

    Raises:
        InvalidInputError: a sink cannot have that name.
        ConflictError: the folder is there already.
    """
    if not SINK_NAME.fullmatch(name):
        raise InvalidInputError(f"a sink's name matches {SINK_NAME.pattern}", field="name")
    folder = into / f"relaypoint-sink-{name.replace('_', '-')}"
    if folder.exists():
        raise ConflictError(f"{folder} is there already; choose another name or place")
    for source in sorted(TEMPLATE.rglob("*")):
        if source.is_file() and _SKIPPED not in source.parts:
            target = folder / _renamed(str(source.relative_to(TEMPLATE)), name)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(_renamed(source.read_text(encoding="utf-8"), name).encode())
    return folder


def _renamed(text: str, name: str) -> str:
    """The template's text for another name: in distributions, modules and entry points, in classes, and for people."""
    words = name.split("_")
    dashed, title, class_name = "-".join(words), " ".join(map(str.title, words)), "".join(map(str.title, words))
    renamed = text.replace(f"relaypoint-sink-{_STANDS_IN}", f"relaypoint-sink-{dashed}")
    for kind in ("Binding", "Config", "Secrets", "Sink"):
        renamed = renamed.replace(_STANDS_IN.title() + kind, class_name + kind)
    return renamed.replace(_STANDS_IN.title(), title).replace(_STANDS_IN, name)
