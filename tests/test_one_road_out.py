"""Nothing in the packages opens a connection but the egress client: what the linter forbids, and that it does."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("app", "plugins")
RULE = "TID251"
EXEMPT = {
    "{tests,bench,tools}/**",
    "app/delivery/{egress,egress_failure,egress_guard,egress_handle,egress_loop}.py",
    "app/delivery/stream_wire.py",
    "app/cli/{demo_client,demo_receiver,demo_stack,receive,receiver_http,send,up}.py",
    "app/cli/{tick,worker}.py",
    "app/cli/sbom.py",
    "app/ops/{child,parent}.py",
    "app/queue/{embedded,worker}.py",
}
"""One more here means one more file that may speak to anybody: that is a decision, not a repair."""
WAYS_OUT = [
    *("import socket", "from socket import create_connection", "import _socket", "import socketserver"),
    *(
        "import http.client",
        "from http import client",
        "from http.client import HTTPSConnection",
        "import urllib.request",
    ),
    *("from urllib.request import urlopen", "from urllib import request", "import urllib3", "import requests"),
    *("from requests import post", "import requests.adapters", "import httpx", "import aiohttp", "import pycurl"),
    *("import ftplib", "import smtplib", "import imaplib", "import poplib", "import telnetlib", "import xmlrpc.client"),
    *("import logging.handlers", "import multiprocessing.connection", "import subprocess", "import ctypes"),
    *("import asyncio\nasyncio.open_connection('x', 1)", "from asyncio import open_connection"),
    *("import asyncio\nasyncio.start_server(None)", "import asyncio\nasyncio.create_subprocess_exec('curl')"),
    *("import asyncio\nasyncio.open_unix_connection('x')", "import ssl\nssl.SSLContext()"),
    *("def late():\n    import socket", "if True:\n    from requests import Session"),
]
CONNECTING = {
    *("create_connection", "create_datagram_endpoint", "create_unix_connection", "sock_connect", "getaddrinfo"),
    *("gethostbyname", "urlopen", "create_server", "open_connection", "system", "popen", "posix_spawn", "spawnv"),
}
"""Names of methods that connect, resolve or start a process, whatever object they are called on."""
COMMANDS_THAT_LISTEN_OR_LOOK = {"app/cli/demo_stack.py", "app/cli/receive.py"}
DYNAMIC = {"import_module", "__import__", "exec", "eval"}
LOADS_MODULES_BY_NAME = {"app/cli/__init__.py", "app/cli/bench.py", "app/cli/web.py"}
"""Commands and the server's application, from tables in the same file."""


def modules() -> list[Path]:
    found = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    assert len(found) > 200
    return found


def called(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            names.add(node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", ""))
    return names


def exempted() -> set[str]:
    lint = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["ruff"]["lint"]
    return {pattern for pattern, rules in lint["per-file-ignores"].items() if RULE in rules}


def test_only_the_named_files_may_use_what_connects() -> None:
    assert exempted() == EXEMPT


def test_the_linter_finds_every_way_out_in_a_plugin_and_in_the_app(tmp_path: Path) -> None:
    ruff = Path(sys.executable).with_name("ruff")
    for package in ("plugins/planted", "app/delivery"):
        folder = tmp_path / package
        folder.mkdir(parents=True)
        for number, code in enumerate(WAYS_OUT):
            (folder / f"way_{number}.py").write_text(code + "\n")
    words = [ruff, "check", "--no-cache", "--config", ROOT / "pyproject.toml", "--select", RULE]
    run = subprocess.run(
        [*words, "--output-format", "concise", "."], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    missed = [
        (package, code)
        for package in ("plugins/planted", "app/delivery")
        for number, code in enumerate(WAYS_OUT)
        if f"{package}/way_{number}.py:" not in run.stdout
    ]
    assert missed == []


def test_no_comment_takes_the_rule_back() -> None:
    assert [path for path in modules() if RULE in path.read_text(encoding="utf-8")] == []


@pytest.mark.parametrize("package", PACKAGES)
def test_nothing_connects_by_a_method_of_something_it_was_handed(package: str) -> None:
    guilty = {
        str(path.relative_to(ROOT)): names
        for path in (ROOT / package).rglob("*.py")
        if (names := called(path) & CONNECTING)
    }
    assert guilty.keys() <= COMMANDS_THAT_LISTEN_OR_LOOK, guilty


def test_nothing_imports_by_a_name_made_up_at_run_time() -> None:
    guilty = {str(path.relative_to(ROOT)) for path in modules() if called(path) & DYNAMIC}
    assert guilty <= LOADS_MODULES_BY_NAME
