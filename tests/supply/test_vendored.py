"""Files of others that we carry: each is listed with its hash, and the hash is the file's."""

from __future__ import annotations

import hashlib
from pathlib import Path

import orjson

ROOT = Path(__file__).parents[2]
LIST = "vendor.json"


def test_every_vendored_file_is_listed_and_is_what_the_list_says() -> None:
    for folder in (path for path in ROOT.glob("app/**/vendor") if path.is_dir()):
        listed = orjson.loads((folder / LIST).read_bytes())
        found = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} - {LIST}
        hashes = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in found}
        assert {file["name"]: file["sha256"] for package in listed for file in package["files"]} == hashes, folder
        assert all(package["version"] and package["licence"] for package in listed), folder


def test_no_script_of_others_lies_elsewhere_in_the_packages() -> None:
    scripts = [path for suffix in ("js", "css", "wasm") for path in ROOT.glob(f"app/**/*.min.{suffix}")]
    assert [path for path in scripts if path.parent.name != "vendor"] == []
