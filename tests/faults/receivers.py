"""Receivers in the test's own process: one that records exact bytes, and four that misbehave."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

OK = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 2\r\n\r\nok"
BROKEN = b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 4\r\n\r\nbusy"


@dataclass(frozen=True, slots=True)
class Received:
    """A request as it was read from the socket; ``at`` is the wall clock in seconds."""

    at: float
    line: str
    headers: dict[str, str]
    body: bytes


Answer = Callable[[socket.socket, int], None]
"""Answers one request on a connection; the number counts requests from 1."""


class Receiver:
    """Listens on loopback and answers as told, one thread per connection."""

    def __init__(self, answer: Answer | None = None, address: tuple[str, int] = ("127.0.0.1", 0)) -> None:
        self.requests: list[Received] = []
        self.connections = 0
        self._answer = answer or (lambda connection, _number: connection.sendall(OK))
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(address, backlog=256)
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.add(connection)
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            stream = connection.makefile("rb")
            while line := stream.readline():
                headers = {}
                while (header := stream.readline()).strip():
                    name, _, value = header.decode("latin-1").partition(":")
                    headers[name.lower()] = value.strip()
                length = int(headers.get("content-length", "0"))
                body = stream.read(length)
                if not header or len(body) < length:
                    return  # cut off in the middle: no request
                with self._lock:
                    self.requests.append(Received(time.time(), line.decode().strip(), headers, body))
                    number = len(self.requests)
                self._answer(connection, number)
        self._open.discard(connection)

    def hang_up(self) -> None:
        """Break every connection, and go on listening."""
        for connection in tuple(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Stop listening and break every connection."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.hang_up()
        for thread in self._threads:
            thread.join(5)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def hanging() -> Receiver:
    """Takes every request and says nothing until the other side goes away."""

    def wait(connection: socket.socket, _number: int) -> None:
        connection.recv(1)

    return Receiver(wait)


def failing_first(number_of_failures: int) -> Receiver:
    """Answers 500 to the first requests and 200 to all later ones."""
    return Receiver(lambda connection, number: connection.sendall(BROKEN if number <= number_of_failures else OK))


def redirecting(location: str) -> Receiver:
    """Answers every request with 302."""
    head = f"HTTP/1.1 302 Found\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n".encode()
    return Receiver(lambda connection, _number: connection.sendall(head))


def endless() -> Receiver:
    """Answers 200 with a body that does not end until the other side goes away."""

    def pour(connection: socket.socket, _number: int) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\nconnection: close\r\n\r\n")
        while True:
            connection.sendall(b"x" * 16_384)

    return Receiver(pour)
