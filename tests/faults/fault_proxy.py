"""A TCP proxy with weather: latency, jitter, a thin pipe, resets, half-closed connections, a black hole."""

from __future__ import annotations

import contextlib
import random
import socket
import struct
import threading
import time
from dataclasses import dataclass

_CHUNK = 16_384
_RESET = struct.pack("ii", 1, 0)
"""``SO_LINGER`` with no time: the close becomes a RST."""


@dataclass(frozen=True, slots=True)
class Weather:
    """What happens to the bytes of every connection, both ways unless said otherwise."""

    latency_s: float = 0.0
    jitter_s: float = 0.0
    """Up to this much more latency, drawn for each chunk."""
    bytes_per_s: float = 0.0
    """A thin pipe; 0 = as wide as it is."""
    reset_share: float = 0.0
    """Share of the chunks at which the connection is reset instead."""
    reset_after: int = -1
    """Bytes from the client after which the connection is reset; -1 = never, 0 = at once, nothing passes."""
    half_close_after: int = -1
    """Bytes from the client after which nothing more goes to the server; the way back stays open."""
    answers_reset: bool = False
    """The server hears everything; its answer becomes a RST."""
    black_hole: bool = False
    """Connections are taken, and no byte moves."""


CLEAR = Weather()


class FaultProxy:
    """Stands before a server; ``weather`` may change at any moment, also for open connections.

    Args:
        upstream: ``(host, port)`` or the path of a unix socket.
        seed: for jitter and resets.
    """

    def __init__(self, upstream: tuple[str, int] | str, seed: int = 1) -> None:
        self.weather = CLEAR
        self.connections = 0
        self._upstream = upstream
        self._rng = random.Random(seed)  # noqa: S311 - weather, not a secret
        self._over = threading.Event()
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while not self._over.is_set():
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        try:
            server = self._dial()
        except OSError:
            reset(client)
            return
        self._open |= {client, server}
        if self.weather.reset_after == 0:
            reset(client)
        back = threading.Thread(target=self._pump, args=(server, client, False), daemon=True)
        back.start()
        self._pump(client, server, True)
        back.join()
        for one in (client, server):
            one.close()
            self._open.discard(one)

    def _dial(self) -> socket.socket:
        if isinstance(self._upstream, str):
            server = socket.socket(socket.AF_UNIX)
            server.connect(self._upstream)
            return server
        return socket.create_connection(self._upstream, 10)

    def _pump(self, source: socket.socket, sink: socket.socket, outward: bool) -> None:  # noqa: FBT001 - which way
        passed = 0
        with contextlib.suppress(OSError):
            while chunk := source.recv(_CHUNK):
                self._wait_out_black_holes()
                weather = self.weather
                self._delay(weather, len(chunk))
                if self._rng.random() < weather.reset_share:
                    break
                if outward and 0 <= weather.reset_after <= passed + len(chunk):
                    sink.sendall(chunk[: weather.reset_after - passed])
                    break
                if outward and 0 <= weather.half_close_after <= passed + len(chunk):
                    sink.sendall(chunk[: weather.half_close_after - passed])
                    sink.shutdown(socket.SHUT_WR)
                    return
                if weather.answers_reset and not outward:
                    break
                sink.sendall(chunk)
                passed += len(chunk)
            else:
                sink.shutdown(socket.SHUT_WR)
                return
        reset(source)
        reset(sink)

    def _wait_out_black_holes(self) -> None:
        while self.weather.black_hole and not self._over.wait(0.02):
            continue

    def _delay(self, weather: Weather, size: int) -> None:
        wait_s = weather.latency_s + weather.jitter_s * self._rng.random()
        if weather.bytes_per_s:
            wait_s += size / weather.bytes_per_s
        if wait_s:
            time.sleep(wait_s)

    def hang_up(self) -> None:
        """Reset every open connection."""
        for one in tuple(self._open):
            reset(one)

    def close(self) -> None:
        """Stop listening and reset what is open."""
        self._over.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.hang_up()


def reset(connection: socket.socket) -> None:
    """End a connection with a RST, also under a thread that waits for its bytes."""
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        connection.shutdown(socket.SHUT_RD)
    connection.close()
