"""Fetches the third-party files of the console: the only way one of them changes.

``python tools/vendor.py`` reads ``app/console/static/vendor/vendor.json``, fetches each package of npm in the version
that stands there, compares what came with the integrity that stands there, and writes the files anew with their
SHA-256. After changing a version, run it with ``--accept`` once, which writes down the integrity of what came.
"""

from __future__ import annotations

import base64
import hashlib
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

import orjson

FOLDER = Path(__file__).parent.parent / "app/console/static/vendor"
MANIFEST = FOLDER / "vendor.json"
_SHAPE = re.compile(r"<(?:path|circle|rect|line) [^>]*/>")


def main(arguments: list[str]) -> None:
    """Fetch everything."""
    packages = orjson.loads(MANIFEST.read_bytes())
    for package in packages:
        _vendor(package, accept="--accept" in arguments)
    MANIFEST.write_bytes(orjson.dumps(packages, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


def _vendor(package: dict[str, Any], *, accept: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        archive = _fetched(f"{package['name']}@{package['version']}", Path(folder))
        integrity = "sha512-" + base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
        if accept:
            package["integrity"] = integrity
        elif package["integrity"] != integrity:
            sys.exit(f"{package['name']}: another integrity than vendor.json has; nothing was written")
        with tarfile.open(archive) as opened:
            package["licence_text"] = _member(opened, "LICENSE").decode()
            for file in package["files"]:
                content = _sprite(opened, file["icons"]) if "icons" in file else _member(opened, file["from"])
                (FOLDER / file["name"]).write_bytes(content)
                file["sha256"] = hashlib.sha256(content).hexdigest()


def _fetched(wanted: str, folder: Path) -> Path:
    subprocess.run(["npm", "pack", "--silent", wanted], cwd=folder, check=True, capture_output=True)  # noqa: S603, S607 - npm, by whoever runs this
    return next(folder.glob("*.tgz"))


def _member(archive: tarfile.TarFile, name: str) -> bytes:
    found = archive.extractfile(f"package/{name}")
    if found is None:
        sys.exit(f"there is no {name} in the package")
    return found.read()


def _sprite(archive: tarfile.TarFile, icons: list[str]) -> bytes:
    """One file with a symbol per icon, for ``<use href="…#name">``."""
    symbols = []
    for icon in icons:
        shapes = _SHAPE.findall(_member(archive, f"icons/outline/{icon}.svg").decode())
        drawn = "".join(shape for shape in shapes if 'stroke="none"' not in shape).replace(" />", "/>")
        symbols.append(f'<symbol id="{icon}" viewBox="0 0 24 24">{drawn}</symbol>')
    return ('<svg xmlns="http://www.w3.org/2000/svg">\n' + "\n".join(symbols) + "\n</svg>\n").encode()


if __name__ == "__main__":
    main(sys.argv[1:])
