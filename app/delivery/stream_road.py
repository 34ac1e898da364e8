"""Syslog within the one road out: bytes to a receiver that never answers, over one kept link per target."""

from __future__ import annotations

from app.core.endpoint_url import SYSLOG_UDP, origin, scheme_of
from app.core.errors import InvalidInputError
from app.delivery.egress_loop import TransferLoop
from app.delivery.exchange import Outgoing, Returned
from app.delivery.stream_link import StreamLink
from app.delivery.stream_wire import DatagramWire, StreamWire, Wire
from app.sinks.types import ClientCertificate

_Target = tuple[str, ClientCertificate | None]
"""Where to, and as whom: webhooks with different certificates never share a connection."""

MOST_LINKS = 256
"""Above this many targets, the link that was idle longest is closed for a new one."""


class StreamRoad:
    """Writes messages over the egress client's own loop, so that one thread and one wait serve both.

    Args:
        loop: used by the same thread.
    """

    def __init__(self, loop: TransferLoop) -> None:
        self._loop = loop
        self._links: dict[_Target, StreamLink] = {}
        self.in_flight = 0
        """Messages whose results were not yet reported."""

    def start(self, request: Outgoing) -> None:
        """Begins to write a message; the loop returns its result.

        Raises:
            InvalidInputError: there is nothing to write, or the URL is none that can be sent to.
            pycurl.error, ValueError: libcurl does not take the target; nothing was begun.
        """
        if not request.body:
            raise InvalidInputError("a syslog message cannot be empty", field="body")
        target = (origin(request.url), request.client_certificate)
        link = self._links.get(target)
        if link is None:
            self._make_room()
            link = self._links[target] = self._new_link(target)
        self.in_flight += 1
        try:
            link.push(request)
        except Exception:
            self.in_flight -= 1
            raise

    def close(self) -> None:
        """Drops every link and what waits on it."""
        for link in list(self._links.values()):
            link.close()
        self._links.clear()
        self.in_flight = 0

    def _new_link(self, target: _Target) -> StreamLink:
        url, certificate = target

        def new_wire() -> Wire:
            if scheme_of(url) == SYSLOG_UDP:
                return DatagramWire(self._loop, url)
            return StreamWire(self._loop, url, certificate)

        def forget() -> None:
            self._links.pop(target, None)

        return StreamLink(self._loop, new_wire, self._report, forget)

    def _make_room(self) -> None:
        if len(self._links) >= MOST_LINKS:
            idle = [target for target, link in self._links.items() if link.is_idle]
            if idle:
                self._links.pop(min(idle, key=lambda target: self._links[target].used_at)).close()

    def _report(self, returned: Returned) -> None:
        self.in_flight -= 1
        self._loop.report(returned)
