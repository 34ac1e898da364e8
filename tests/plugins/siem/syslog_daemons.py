"""rsyslog and syslog-ng as receivers: real daemons on loopback ports, without privileges, storing what they parsed."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import trustme

from tests.debian import Unpacked

_RSYSLOG = """
global(workDirectory="{folder}" defaultNetstreamDriverCAFile="{folder}/ca.pem"
       defaultNetstreamDriverCertFile="{folder}/server.pem" defaultNetstreamDriverKeyFile="{folder}/server.key"
       maxMessageSize="64k")
module(load="imtcp" streamDriver.name="gtls" streamDriver.mode="1" streamDriver.authMode="anon")
module(load="imptcp")
module(load="imudp")
module(load="mmpstrucdata")
template(name="parsed" type="list") {{ property(name="jsonmesg") constant(value="\\n") }}
ruleset(name="all") {{
  action(type="mmpstrucdata")
  action(type="omfile" file="{folder}/out.jsonl" template="parsed")
}}
input(type="imtcp" port="{tls}" address="127.0.0.1" ruleset="all")
input(type="imptcp" port="{tcp}" address="127.0.0.1" ruleset="all")
input(type="imudp" port="{udp}" address="127.0.0.1" ruleset="all")
"""

_SYSLOG_NG = """@version: 3.38
@module syslogformat
@module afsocket
@module basicfuncs
@module affile
@module json-plugin
options {{ keep-hostname(yes); log-msg-size(262144); stats-freq(0); }};
source tls {{ syslog(ip(127.0.0.1) port({tls}) transport("tls") max-connections(10)
  tls(key-file("{folder}/server.key") cert-file("{folder}/server.pem") peer-verify(optional-untrusted))); }};
source tcp {{ syslog(ip(127.0.0.1) port({tcp}) transport("tcp")); }};
source udp {{ syslog(ip(127.0.0.1) port({udp}) transport("udp")); }};
destination stored {{ file("{folder}/out.jsonl" template("$(format-json --scope rfc5424)\\n")); }};
log {{ source(tls); source(tcp); source(udp); destination(stored); }};
"""


@dataclass(frozen=True)
class Daemon:
    """A running receiver; ``ports`` by scheme."""

    ports: dict[str, int]
    output: Path

    def url(self, scheme: str) -> str:
        return f"{scheme}://127.0.0.1:{self.ports[scheme]}"

    def stored(self, count: int, patience_s: float = 15.0) -> list[dict[str, Any]]:
        """What was stored since the last call, waiting until it is ``count`` lines."""
        end = time.monotonic() + patience_s
        while True:
            content = self.output.read_bytes() if self.output.exists() else b""
            lines = content.splitlines()
            # A daemon may write a long line in two parts.
            if (len(lines) >= count and content.endswith(b"\n")) or time.monotonic() > end:
                self.output.write_bytes(b"")
                return [orjson.loads(line) for line in lines]
            time.sleep(0.02)


@contextmanager
def rsyslog(unpacked: Unpacked, authority: trustme.CA, folder: Path) -> Iterator[Daemon]:
    modules = unpacked.folder("usr/lib/*/rsyslog")
    configuration = folder / "rsyslog.conf"
    command = (
        *(str(unpacked.program("rsyslogd")), "-n", "-M", str(modules)),
        *("-f", str(configuration), "-i", str(folder / "pid")),
    )
    with _running(unpacked, authority, folder, _RSYSLOG, configuration, command) as daemon:
        yield daemon


@contextmanager
def syslog_ng(unpacked: Unpacked, authority: trustme.CA, folder: Path) -> Iterator[Daemon]:
    modules = unpacked.folder("usr/lib/syslog-ng/3*")
    configuration = folder / "syslog-ng.conf"
    command = (
        *(str(unpacked.program("syslog-ng")), "-F", "--no-caps", "-f", str(configuration)),
        *(f"--module-path={modules}", "-R", str(folder / "persist"), "-p", str(folder / "pid")),
        *("-c", str(folder / "control")),
    )
    with _running(unpacked, authority, folder, _SYSLOG_NG, configuration, command) as daemon:
        yield daemon


@contextmanager
def _running(
    unpacked: Unpacked,
    authority: trustme.CA,
    folder: Path,
    template: str,
    configuration: Path,
    command: tuple[str, ...],
) -> Iterator[Daemon]:
    ports = {"syslog+tls": _free_port(), "syslog+tcp": _free_port(), "syslog+udp": _free_port(socket.SOCK_DGRAM)}
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    identity = authority.issue_cert("127.0.0.1")
    identity.cert_chain_pems[0].write_to_path(str(folder / "server.pem"))
    identity.private_key_pem.write_to_path(str(folder / "server.key"))
    numbers = {scheme.removeprefix("syslog+"): port for scheme, port in ports.items()}
    configuration.write_text(template.format(folder=folder, **numbers))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command, env=unpacked.environment, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
    try:
        _wait_for(process, ports["syslog+tls"], folder / "log")
        yield Daemon(ports, folder / "out.jsonl")
    finally:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _free_port(kind: int = socket.SOCK_STREAM) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    end = time.monotonic() + 15
    while time.monotonic() < end and process.poll() is None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise AssertionError(f"the daemon does not listen:\n{log.read_text()}")
