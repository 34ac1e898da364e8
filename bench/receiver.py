"""The receiver: something that answers ``200`` faster than anybody here can ask."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from app.core.errors import TemporaryError
from bench.processes import running

NGINX = "nginx"
ADDRESSES = 200
"""Hosts that nginx can be."""
_PORTS = range(15_000, 32_000)
"""Below the range that clients get their ports from."""
_START_S = 90.0
_SBIN = "/usr/sbin:/usr/local/sbin"
"""Where systems keep nginx, often outside a user's path."""


@dataclass(frozen=True, slots=True)
class Receiver:
    """A receiver that listens."""

    name: str
    port: int
    pid: int

    @property
    def url(self) -> str:
        """Where to send."""
        return f"http://127.0.0.1:{self.port}/hook"

    def at(self, number: int) -> str:
        """The same receiver as another host, of :data:`ADDRESSES`; nginx only."""
        return f"http://{address(number)}:{self.port}/hook"


@contextmanager
def receiving(folder: Path) -> Iterator[Receiver]:
    """The best at hand: nginx, else a granian process that answers from Rust and a line of Python.

    Raises:
        TemporaryError: it did not begin to listen.
    """
    nginx = find_nginx()
    port = free_port()
    argv = [nginx, "-p", str(folder), "-c", str(_nginx_config(folder, port))] if nginx else _granian(port)
    with running(argv, os.environ, folder / "receiver.log") as child:
        wait_for_port(port)
        yield Receiver(NGINX if nginx else "granian", port, child.pid)


def address(number: int) -> str:
    """One of the many addresses that every machine has for itself."""
    return f"127.0.{1 + number // 250}.{1 + number % 250}"


def find_nginx() -> str | None:
    """The path of nginx, None if it is not installed."""
    return shutil.which("nginx", path=f"{os.environ.get('PATH', os.defpath)}:{_SBIN}")


def free_port() -> int:
    """A loopback port nobody listens on, and none that the kernel hands out to clients meanwhile."""
    while True:
        port = _PORTS.start + secrets.randbelow(len(_PORTS))
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def wait_for_port(port: int, host: str = "127.0.0.1") -> None:
    """Return once somebody listens.

    Raises:
        TemporaryError: nobody did in time.
    """
    deadline = time.monotonic() + _START_S
    while True:
        with socket.socket() as probe:
            if probe.connect_ex((host, port)) == 0:
                return
        if time.monotonic() > deadline:
            raise TemporaryError(f"nobody began to listen on {host}:{port}")
        time.sleep(0.02)


def _granian(port: int) -> list[str]:
    words = ("--interface", "rsgi", "--host", "127.0.0.1", "--port", str(port), "--no-ws", "--log-level", "error")
    return [sys.executable, "-m", "granian", *words, "bench.answering:answer"]


def _nginx_config(folder: Path, port: int) -> Path:
    scratch = "\n".join(
        f"  {kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    places = ["127.0.0.1", *(address(number) for number in range(ADDRESSES))]
    listen = " ".join(f"listen {place}:{port};" for place in places)
    config = folder / "nginx.conf"
    config.write_text(
        # More connections than two workers ever keep: short of them, nginx closes kept ones under a request.
        f"""worker_processes 1;
worker_rlimit_nofile 16384;
daemon off;
pid {folder}/nginx.pid;
error_log stderr crit;
events {{ worker_connections 16000; }}
http {{
  access_log off;
  keepalive_requests 10000000;
  client_body_buffer_size 64k;
{scratch}
  server {{ {listen} location / {{ return 200 "ok"; }} }}
}}
"""
    )
    return config
