from __future__ import annotations

import tomllib
from importlib import resources
from importlib.metadata import version
from pathlib import Path

import jsonschema_rs
import orjson
import pycurl
from click.testing import CliRunner

from app.cli.sbom import sbom

ROOT = Path(__file__).parents[2]


def components() -> dict[str, set[str]]:
    document = orjson.loads(CliRunner().invoke(sbom).output)
    found: dict[str, set[str]] = {}
    for one in document["components"]:
        found.setdefault(one["name"].lower(), set()).add(one["version"])
    return found


def test_it_is_valid_cyclonedx() -> None:
    folder = resources.files("cyclonedx") / "schema" / "_res"
    schemas = {
        name: orjson.loads((folder / f"{name}.SNAPSHOT.schema.json").read_bytes())
        for name in ("bom-1.6", "spdx", "jsf-0.82")
    }
    registry = jsonschema_rs.Registry(
        [(f"http://cyclonedx.org/schema/{name}.SNAPSHOT.schema.json", one) for name, one in schemas.items()]
    )
    validator = jsonschema_rs.validator_for(schemas["bom-1.6"], registry=registry)
    document = orjson.loads(CliRunner().invoke(sbom).output)
    assert [str(error) for error in validator.iter_errors(document)] == []


def test_it_names_everything_we_ask_for_and_nothing_that_only_developers_need() -> None:
    found = components()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    asked = {line.split(">")[0].partition("[")[0] for line in project["project"]["dependencies"]}
    assert asked <= found.keys()
    assert {"werkzeug", "psycopg-binary"} <= found.keys()
    assert found.keys().isdisjoint({"pytest", "ruff", "hypothesis", "atheris", "relaypoint"})
    assert found["rq"] == {version("rq")}


def test_it_names_the_libcurl_and_every_openssl_inside() -> None:
    found = components()
    info = pycurl.version_info()
    assert found["libcurl"] == {info[1]}
    assert info[5].removeprefix("OpenSSL/") in found["openssl"]
    assert {"sqlite", "cpython", "libpq", "valkey"} <= found.keys()
