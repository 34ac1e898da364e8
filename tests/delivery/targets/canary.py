"""A network of its own in which every address of the world is this machine, and somebody who sees each connection.

With a route that calls everything local, a connection to any address really reaches a listener here. The watcher reads
every packet, so nothing that was dialled can be missed, whether anybody listened or not.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path

from tests.faults.dns_server import ADDRESS as DNS_ADDRESS

REDIRECTING = 8000
PORTS = (22, 80, 443, 514, 6379, 6514, REDIRECTING, 8080, 8443)
_ETH_P_ALL = 3
_IPV4, _IPV6 = 0x0800, 0x86DD
_TCP, _UDP = 6, 17
_SYN, _ACK = 0x02, 0x10
_END = b"the watcher may go"
_SEND_TO_END = ("127.0.0.1", 9)

Address = IPv4Address | IPv6Address


def own_network(folder: Path) -> list[str]:
    """Words before a command that give it such a network, and our DNS server; needs root."""
    resolver = folder / "resolv.conf"
    resolver.write_text(f"nameserver {DNS_ADDRESS}\noptions timeout:5 attempts:1\n")
    steps = (
        "ip link set lo up",
        "ip addr add 10.255.0.1/32 dev lo",  # without one, the resolver takes the machine for one without IPv4
        "ip -6 addr add fd00:ffff::1/128 dev lo",
        "ip route add local 0.0.0.0/0 dev lo",
        "ip -6 route add local ::/0 dev lo",
        f"mount --bind {resolver} /etc/resolv.conf",
        f"mount -t tmpfs none {folder}",  # thousands of small commits
    )
    return ["unshare", "--net", "--mount", "sh", "-ec", "; ".join((*steps, 'exec "$@"')), "sh"]


class Watcher:
    """Every address that somebody began to speak to, TCP or UDP, but for the DNS server's."""

    def __init__(self) -> None:
        self.dialled: list[tuple[Address, int]] = []
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_ALL))
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024 * 1024)
        self._socket.bind(("lo", 0))
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._over.is_set():
            packet, (_, protocol, kind, *_) = self._socket.recvfrom(2048)
            if kind == socket.PACKET_OUTGOING:
                continue
            if protocol in {_IPV4, _IPV6}:
                self._look(packet[14:], protocol)
            if _END in packet:
                self._over.set()

    def _look(self, packet: bytes, protocol: int) -> None:
        if protocol == _IPV4:
            start, transport, target = (packet[0] & 15) * 4, packet[9], packet[16:20]
        else:
            start, transport, target = 40, packet[6], packet[24:40]
        address = ip_address(target)
        if transport == _TCP:
            flags = packet[start + 13]
            if flags & _SYN and not flags & _ACK:
                self.dialled.append((address, struct.unpack_from("!H", packet, start + 2)[0]))
        elif transport == _UDP and str(address) != DNS_ADDRESS:
            source, port = struct.unpack_from("!HH", packet, start)
            if source != 53 and _END not in packet:
                self.dialled.append((address, port))

    def close(self) -> None:
        """Stop, after everything that was sent so far was looked at."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(_END, _SEND_TO_END)
        self._thread.join(10)
        self._socket.close()


class Listeners:
    """Take connections to any address at well-known ports, count them and hang up; one port answers with redirects."""

    def __init__(self) -> None:
        self.connections = 0
        self._sockets = [_listening(family, port) for family in (socket.AF_INET, socket.AF_INET6) for port in PORTS]
        for listener in self._sockets:
            threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def _accept(self, listener: socket.socket) -> None:
        redirects = listener.getsockname()[1] == REDIRECTING
        with contextlib.suppress(OSError):
            while True:
                connection = listener.accept()[0]
                self.connections += 1
                with connection, contextlib.suppress(OSError):
                    if redirects:
                        _redirect(connection)

    def close(self) -> None:
        """Stop."""
        for listener in self._sockets:
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()


def _redirect(connection: socket.socket) -> None:
    """Answer one small request with a redirect to what stands behind the question mark."""
    connection.settimeout(2)
    request = connection.recv(64 * 1024)
    target = request.partition(b" ")[2].partition(b" ")[0].partition(b"?")[2]
    connection.sendall(
        b"HTTP/1.1 307 Moved\r\nLocation: " + target + b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    )


def _listening(family: socket.AddressFamily, port: int) -> socket.socket:
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    listener.bind(("", port))
    listener.listen(1024)
    return listener
