"""Which names answer: so that those that do not, cannot keep the others from being looked up.

libcurl looks names up on a few threads per loop, and a name server that keeps silent holds a thread until the connect
limit. So only names that were resolved before share the main loop. New names, and names that failed, go aside; and of
those that failed, only a few are looked up at once.
"""

from __future__ import annotations

import ipaddress
from collections import defaultdict
from collections.abc import Hashable, Sequence
from urllib.parse import urlsplit

from app.delivery.exchange import FailureClass, Outgoing, Returned

SUSPECTS_AT_ONCE = 4
"""Names that failed last time and are looked up again at the same moment."""
_KNOWN = 8_192
"""Names that are remembered; a full memory is emptied."""


class NameMemory:
    """The names of one client: resolved, failed, or never seen."""

    def __init__(self) -> None:
        self._hosts: dict[str, str] = {}
        self._resolved: set[str] = set()
        self._failed: set[str] = set()
        self._under_way: defaultdict[Hashable, list[tuple[str, bool]]] = defaultdict(list)
        self._suspects = 0

    def is_trusted(self, url: str) -> bool:
        """Whether its host is an address, or a name that was resolved the last time."""
        host = self._host(url)
        return not host or host in self._resolved

    def has_room(self, url: str) -> bool:
        """Whether its host may be looked up now."""
        return self._suspects < SUSPECTS_AT_ONCE or self._host(url) not in self._failed

    def begun(self, request: Outgoing) -> None:
        """A request to it is under way."""
        host = self._host(request.url)
        if host:
            suspect = host in self._failed
            self._suspects += suspect
            self._under_way[id(request.key)].append((host, suspect))

    def learn(self, finished: Sequence[Returned]) -> None:
        """What these results say about their names."""
        if not self._under_way:
            return
        for returned in finished:
            entries = self._under_way.get(id(returned.key))
            if not entries:
                continue
            host, suspect = entries.pop()
            if not entries:
                del self._under_way[id(returned.key)]
            self._suspects -= suspect
            self._judge(host, failed=returned.failure is not None and returned.failure.kind is FailureClass.DNS)

    def _judge(self, host: str, *, failed: bool) -> None:
        known, other = (self._failed, self._resolved) if failed else (self._resolved, self._failed)
        other.discard(host)
        if len(known) >= _KNOWN:
            known.clear()
        known.add(host)

    def _host(self, url: str) -> str:
        """The name to look up; "" when there is none, or the URL is none."""
        host = self._hosts.get(url)
        if host is None:
            if len(self._hosts) >= _KNOWN:
                self._hosts.clear()
            host = self._hosts[url] = _name_of(url)
        return host


def _name_of(url: str) -> str:
    try:
        host = (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return ""  # the check of the URL says what is wrong with it
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return host
    return ""
