"""A syslog receiver over real sockets that keeps the raw bytes of each connection, and misbehaves when told to."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

Handler = Callable[["LogReceiver", socket.socket], None]


@dataclass
class LogReceiver:
    """``received`` holds what came, one entry per connection (over UDP: per datagram)."""

    port: int = 0
    received: list[bytes] = field(default_factory=list)
    live: list[socket.socket] = field(default_factory=list)
    ended: int = 0
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def everything(self) -> bytes:
        return b"".join(self.received)

    def wait_for(self, size: int, patience_s: float = 5.0) -> bytes:
        end = time.monotonic() + patience_s
        while len(self.everything) < size and time.monotonic() < end:
            time.sleep(0.005)
        return self.everything

    def wait_for_end(self, count: int, patience_s: float = 5.0) -> int:
        end = time.monotonic() + patience_s
        while self.ended < count and time.monotonic() < end:
            time.sleep(0.005)
        return self.ended

    def hang_up(self) -> None:
        """Ends every connection, as a restarting receiver does."""
        for connection in list(self.live):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        end = time.monotonic() + 2
        while self.live and time.monotonic() < end:
            time.sleep(0.005)


def keep_reading(receiver: LogReceiver, connection: socket.socket) -> None:
    place = len(receiver.received)
    receiver.received.append(b"")
    receiver.live.append(connection)
    try:
        while chunk := connection.recv(65536):
            receiver.received[place] += chunk
    finally:
        receiver.live.remove(connection)


def never_read(receiver: LogReceiver, connection: socket.socket) -> None:
    receiver.received.append(b"")
    receiver.over.wait(30)


def hang_up_at_once(receiver: LogReceiver, connection: socket.socket) -> None:
    receiver.received.append(b"")


def talk(receiver: LogReceiver, connection: socket.socket) -> None:
    receiver.received.append(b"")
    with suppress(OSError):
        while True:
            connection.sendall(b"x" * 65536)


@contextmanager
def log_receiver(handler: Handler = keep_reading, tls: ssl.SSLContext | None = None) -> Iterator[LogReceiver]:
    """A receiver on a free loopback port."""
    listener = socket.create_server(("127.0.0.1", 0))
    receiver = LogReceiver(listener.getsockname()[1])

    def serve(connection: socket.socket) -> None:
        if tls is not None:
            connection = tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        with connection, suppress(OSError):
            if isinstance(connection, ssl.SSLSocket):
                connection.do_handshake()
            handler(receiver, connection)
        receiver.ended += 1

    def accept() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threads.append(threading.Thread(target=serve, args=(connection,), daemon=True))
                threads[-1].start()

    threads = [threading.Thread(target=accept, daemon=True)]
    threads[0].start()
    try:
        yield receiver
    finally:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        receiver.over.set()
        receiver.hang_up()
        for thread in threads:
            thread.join(2)


@contextmanager
def datagram_receiver() -> Iterator[LogReceiver]:
    """A UDP socket on a free loopback port."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    listener.bind(("127.0.0.1", 0))
    listener.settimeout(0.05)
    receiver = LogReceiver(listener.getsockname()[1])
    over = threading.Event()

    def read() -> None:
        while not over.is_set():
            with suppress(TimeoutError):
                receiver.received.append(listener.recv(65536))

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        over.set()
        thread.join(5)
        listener.close()
