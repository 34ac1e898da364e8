"""A DNS server of a test's own, with a will of its own per name, and the namespace that makes processes ask it."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from pathlib import Path

ADDRESS = "127.0.0.77"
"""Where it listens, on port 53: ``resolv.conf`` knows no other port."""

_A = 1
_NXDOMAIN, _SERVFAIL = 3, 2
_RESPONSE = 0x8180
_POINTER = b"\xc0\x0c"


class DnsServer:
    """Answers by the first letters of a name.

    ``nx…``: no such name. ``fail…``: the server failed. ``silent…``: nothing at all. ``rebind…``: ``first`` once,
    ``second`` ever after. ``mixed…``: both at once. Any other: ``first``.

    Args:
        first: an address the policy allows.
        second: one it does not.
    """

    def __init__(self, first: str, second: str) -> None:
        self.asked: list[str] = []
        self.muted = ""
        """Names that begin so get no answer any more."""
        self._first, self._second = first, second
        self._turns: dict[str, int] = {}
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
            labels.append(query[at + 1 : at + 1 + query[at]].decode())
            at += query[at] + 1
        name = ".".join(labels).lower()
        (kind,) = struct.unpack_from("!H", query, at + 1)
        question = query[12 : at + 5]
        self.asked.append(name)
        if name.startswith("silent") or (self.muted and name.startswith(self.muted)):
            return
        code = _NXDOMAIN if name.startswith("nx") else _SERVFAIL if name.startswith("fail") else 0
        addresses = self._addresses(name) if kind == _A and not code else []
        head = query[:2] + struct.pack("!HHHHH", _RESPONSE | code, 1, len(addresses), 0, 0)
        rows = [_POINTER + struct.pack("!HHIH", _A, 1, 0, 4) + socket.inet_aton(one) for one in addresses]
        self._socket.sendto(head + question + b"".join(rows), peer)

    def _addresses(self, name: str) -> list[str]:
        if name.startswith("mixed"):
            return [self._first, self._second]
        if not name.startswith("rebind"):
            return [self._first]
        turn = self._turns[name] = self._turns.get(name, 0) + 1
        return [self._first if turn == 1 else self._second]

    def close(self) -> None:
        """Stop answering."""
        with contextlib.suppress(OSError):
            self._socket.sendto(b"", (ADDRESS, 53))
        self._thread.join(2)
        self._socket.close()


def asking_it(folder: Path) -> list[str]:
    """Words before a command that make the command, and whatever it starts, ask this server; needs root."""
    file = folder / "resolv.conf"
    file.write_text(f"nameserver {ADDRESS}\noptions timeout:30 attempts:1\n")
    return ["unshare", "-m", "sh", "-c", f'mount --bind {file} /etc/resolv.conf && exec "$@"', "sh"]
