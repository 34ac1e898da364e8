"""A DNS server of a test's own, with a will of its own per name, and the namespace that makes processes ask it."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path

ADDRESS = "127.0.0.77"
"""Where it listens, on port 53: ``resolv.conf`` knows no other port."""

_A, _AAAA = 1, 28
_SIZES = {_A: 4, _AAAA: 16}
"""Bytes of an address in the answer to each kind of question."""
_NXDOMAIN, _SERVFAIL = 3, 2
_RESPONSE = 0x8180
_POINTER = b"\xc0\x0c"

Address = IPv4Address | IPv6Address


class DnsServer:
    """Answers by the first letters of a name.

    ``nx…``: no such name. ``fail…``: the server failed. ``silent…``: nothing at all. ``rebind…``: ``first`` once,
    ``second`` ever after. ``mixed…``: both at once. ``to-…`` and ``rebind…-…`` with addresses in hexadecimal: these, or
    one after the other. Any other: ``first``.

    Args:
        first: an address the policy allows.
        second: one it does not.
    """

    def __init__(self, first: str, second: str) -> None:
        self.asked: list[str] = []
        self.muted = ""
        """Names that begin so get no answer any more."""
        self._first, self._second = ip_address(first), ip_address(second)
        self._turns: dict[tuple[str, int], int] = {}
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((ADDRESS, 53))
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                query, peer = self._socket.recvfrom(4096)
                if query:
                    self._answer(query, peer)
                else:
                    return

    def _answer(self, query: bytes, peer: tuple[str, int]) -> None:
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1 : at + 1 + query[at]].decode("latin-1"))
            at += query[at] + 1
        name = ".".join(labels).lower()
        (kind,) = struct.unpack_from("!H", query, at + 1)
        question = query[12 : at + 5]
        self.asked.append(name)
        if name.startswith("silent") or (self.muted and name.startswith(self.muted)):
            return
        code = _NXDOMAIN if name.startswith("nx") else _SERVFAIL if name.startswith("fail") else 0
        addresses = [] if code else [one.packed for one in self._addresses(name, kind)]
        addresses = [one for one in addresses if len(one) == _SIZES.get(kind)]
        head = query[:2] + struct.pack("!HHHHH", _RESPONSE | code, 1, len(addresses), 0, 0)
        rows = [_POINTER + struct.pack("!HHIH", kind, 1, 0, len(one)) + one for one in addresses]
        self._socket.sendto(head + question + b"".join(rows), peer)

    def _addresses(self, name: str, kind: int) -> list[Address]:
        known = _written(name) or [self._first, self._second]
        if name.startswith(("mixed", "to-")):
            return known
        if not name.startswith("rebind"):
            return known[:1]
        turn = self._turns[name, kind] = self._turns.get((name, kind), 0) + 1
        return known[:1] if turn == 1 else known[1:]

    def close(self) -> None:
        """Stop answering."""
        with contextlib.suppress(OSError):
            self._socket.sendto(b"", (ADDRESS, 53))
        self._thread.join(2)
        self._socket.close()


def _written(name: str) -> list[Address]:
    """The addresses that a name says itself."""
    how, *words = name.partition(".")[0].split("-")
    if not how.startswith(("to", "rebind")):
        return []
    return [ip_address(bytes.fromhex(one)) for one in words]


def asking_it(folder: Path) -> list[str]:
    """Words before a command that make the command, and whatever it starts, ask this server; needs root."""
    file = folder / "resolv.conf"
    file.write_text(f"nameserver {ADDRESS}\noptions timeout:30 attempts:1\n")
    return ["unshare", "-m", "sh", "-c", f'mount --bind {file} /etc/resolv.conf && exec "$@"', "sh"]
