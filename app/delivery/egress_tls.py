"""Which TLS version each connection speaks. libcurl says so in words, and only while the connection is made."""

from __future__ import annotations

_LINE = b"SSL connection using "
_REMEMBERED = 4_096
"""More than the connections of one client; the oldest is forgotten first."""

Connection = tuple[str, int, str, int]
"""Local address and port, remote address and port."""


def version_in(line: bytes) -> str:
    """The version in libcurl's note on a finished handshake, "" in any other of its notes."""
    words = line.removeprefix(_LINE).split(maxsplit=1) if line.startswith(_LINE) else []
    return words[0].decode("ascii", "replace") if words else ""


class TlsVersions:
    """The versions of the connections that one client keeps."""

    def __init__(self) -> None:
        self._known: dict[Connection, str] = {}

    def learn(self, connection: Connection, version: str) -> None:
        """A connection was made; what an earlier one of the same ports spoke is forgotten."""
        self._known.pop(connection, None)
        self._known[connection] = version
        if len(self._known) > _REMEMBERED:
            del self._known[next(iter(self._known))]

    def of(self, connection: Connection) -> str:
        """The version, "" when nothing is known of this connection."""
        return self._known.get(connection, "")
