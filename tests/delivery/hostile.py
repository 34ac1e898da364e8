"""Receivers that misbehave on purpose: one thread, one listening socket, one script per connection."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator

Script = Callable[[socket.socket], None]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Receiver:
    """Runs ``script`` for each connection and counts connections and the bytes read by ``take``."""

    def __init__(self, script: Script, tls: ssl.SSLContext | None = None) -> None:
        self.connections = 0
        self._peers: list[int] = []
        self.tls_failures = 0
        self.requests: list[bytes] = []
        self.over = threading.Event()
        self._script = script
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def _accept(self) -> None:
        while not self.over.is_set():
            try:
                connection, peer = self._listener.accept()
            except OSError:
                return
            if self.over.is_set():
                connection.close()
                return
            self.connections += 1
            self._peers.append(peer[1])
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        connection.settimeout(5)
        try:
            if self._tls:
                connection = self._tls.wrap_socket(connection, server_side=True)
        except OSError:
            self.tls_failures += 1
            connection.close()
            return
        self._open.append(connection)
        with connection, contextlib.suppress(OSError):
            self._script(connection)

    def take(self, connection: socket.socket) -> bytes:
        """Reads one whole request; b"" when the peer closed."""
        data = b""
        while b"\r\n\r\n" not in data:
            chunk = connection.recv(65536)
            if not chunk:
                return b""
            data += chunk
        head, _, body = data.partition(b"\r\n\r\n")
        length = next(
            (int(x.split(b":")[1]) for x in head.split(b"\r\n") if x.lower().startswith(b"content-length")), 0
        )
        while len(body) < length:
            body += connection.recv(65536)
        self.requests.append(head + b"\r\n\r\n" + body)
        return self.requests[-1]

    def was_dialled(self) -> bool:
        """Whether anybody connected so far, also a moment ago: connections are taken in the order they were made."""
        with socket.create_connection(("127.0.0.1", self.port), 5) as own:
            port = own.getsockname()[1]
            end = time.monotonic() + 10
            while port not in self._peers:
                assert time.monotonic() < end
                time.sleep(0.001)
        return self._peers.index(port) > 0

    def close(self) -> None:
        self.over.set()
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            pass
        self._listener.close()
        for connection in self._open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RD)
        for thread in self._threads:
            thread.join(5)


@contextlib.contextmanager
def receiver(make: Callable[[Receiver, socket.socket], None], tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """A receiver whose script gets the receiver and the connection."""
    made: list[Receiver] = []
    made.append(Receiver(lambda connection: make(made[0], connection), tls))
    try:
        yield made[0]
    finally:
        made[0].close()


def answer(data: bytes) -> Callable[[Receiver, socket.socket], None]:
    """Takes one request, sends ``data``, closes."""

    def script(it: Receiver, connection: socket.socket) -> None:
        it.take(connection)
        connection.sendall(data)

    return script


def keep_answering(data: bytes) -> Callable[[Receiver, socket.socket], None]:
    """Answers every request on the connection with ``data``."""

    def script(it: Receiver, connection: socket.socket) -> None:
        while it.take(connection):
            connection.sendall(data)

    return script


def drip(first: bytes, again: bytes, pause_s: float) -> Callable[[Receiver, socket.socket], None]:
    """Takes one request, sends ``first``, then ``again`` for ever."""

    def script(it: Receiver, connection: socket.socket) -> None:
        it.take(connection)
        connection.sendall(first)
        while not it.over.wait(pause_s):
            connection.sendall(again)

    return script


def reset(connection: socket.socket) -> None:
    """Makes the close that follows a RST."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
