"""The one road out: every request to an address that a user chose goes through this client.

libcurl does the transfers, and opens the connections to syslog receivers. Each address it is about to dial is judged
in its socket callback, so that resolution and check cannot diverge, and the peer is judged once more before a request
goes over a kept connection.
"""

from __future__ import annotations

import threading

import pycurl

from app.core.endpoint_url import ENDPOINT_SCHEMES, check_endpoint_url, is_syslog
from app.core.errors import InvalidInputError
from app.core.header_rules import header_lines
from app.delivery.egress_guard import EgressPolicy, Judged
from app.delivery.egress_handle import BODILESS, METHODS, Errand
from app.delivery.egress_loop import TransferLoop
from app.delivery.egress_names import NameMemory
from app.delivery.egress_rooms import Rooms
from app.delivery.exchange import CONNECT_LIMIT_MS, FailureClass, Outgoing, Returned, Timings, TransferFailure
from app.delivery.stream_road import StreamRoad

DEFAULT_IN_FLIGHT = 256
_SUPPRESSED = ("Expect:",)
"""libcurl would ask large requests' receivers for a ``100 Continue`` first."""
_UNTYPED = "Content-Type:"
"""libcurl would call an untyped body a form."""
_PUMP_S = 1.0
_ASIDE_LOOK_S = 0.01
"""How often the road for names that may not answer is looked at while it is used."""
_KNOWN_URLS = 4096


class EgressClient:
    """Sends requests within the operator's policy.

    One thread owns ``start``, ``poll`` and ``close``; ``wake`` may be called from any thread, ``fetch`` and
    ``dry_run`` too (they run on a loop of their own, one call at a time). Sockets and descriptors come to be at the
    first use, so build it and use it after a fork. A change of policy needs a new client.
    """

    def __init__(self, policy: EgressPolicy, max_in_flight: int = DEFAULT_IN_FLIGHT) -> None:
        self._policy = policy
        self._max_in_flight = max_in_flight
        self._main: _Road | None = None
        self._aside: _Road | None = None
        self._names = NameMemory()
        self._rooms = Rooms()
        self._side: _Road | None = None
        self._creation = threading.Lock()
        self._side_turn = threading.Lock()
        self._refused: list[Returned] = []
        self._known_urls: set[str] = set()

    @property
    def in_flight(self) -> int:
        """Requests started whose results were not yet returned."""
        return len(self._refused) + sum(road.in_flight for road in (self._main, self._aside) if road)

    @property
    def capacity(self) -> int:
        """How many more requests should be started now."""
        return max(0, self._max_in_flight - self.in_flight)

    def has_room(self, url: str) -> bool:
        """Whether its receiver has less than it may get at once; the capacity is for all receivers together."""
        return self._rooms.has_room(url)

    def start(self, request: Outgoing) -> None:
        """Begins a request; its result comes from ``poll``, whatever is wrong with it."""
        if not self._names.has_room(request.url):
            self._refused.append(_unresolved(request))
            return
        refusal = self._begun(self._road_to(request.url), request)
        if refusal is None:
            self._names.begun(request)
            self._rooms.begun(request)
        else:
            self._refused.append(refusal)

    def poll(self, timeout_s: float) -> list[Returned]:
        """Works until a request finished, ``wake`` was called, or ``timeout_s`` is over; returns what finished."""
        refused, self._refused = self._refused, []
        finished = self._pump(0.0 if refused else timeout_s)
        self._names.learn(finished)
        self._rooms.ended(finished)
        return refused + finished

    def _pump(self, timeout_s: float) -> list[Returned]:
        main, aside = self._main_road(), self._aside
        if aside is None or not aside.in_flight:
            return main.loop.pump(timeout_s)
        finished = aside.loop.pump(0.0)
        return finished + main.loop.pump(0.0 if finished else min(timeout_s, _ASIDE_LOOK_S))

    def wake(self) -> None:
        """Ends the present or next ``poll`` early; for any thread."""
        self._main_road().loop.wake()

    def fetch(self, request: Outgoing) -> Returned:
        """One request and its result, beside those of ``start`` and ``poll``."""
        with self._side_turn:
            road = self._side_road()
            refusal = self._begun(road, request)
            if refusal is not None:
                return refusal
            while True:
                finished = road.loop.pump(_PUMP_S)
                if finished:
                    return finished[0]

    def dry_run(self, url: str) -> list[Judged]:
        """Every address that would be dialled for ``url``, judged; no connection is opened.

        An empty list means that the name has no address at present.

        Raises:
            InvalidInputError: the URL is none that can be sent to.
        """
        check_endpoint_url(url, ENDPOINT_SCHEMES)
        with self._side_turn:
            loop = self._side_road().loop
            offered = loop.errand(Errand.LOOK, url, CONNECT_LIMIT_MS, loop.report).offered
            ended: list[Returned] = []
            while loop.in_flight:
                ended += loop.pump(_PUMP_S)
        failure = ended[0].failure
        if failure is not None and failure.kind is FailureClass.CONFIGURATION:
            raise InvalidInputError(failure.detail, field="endpoint_url")
        return offered

    def close(self) -> None:
        """Drops what is under way and closes every connection. A name look-up that hangs may delay this."""
        for road in (self._main, self._aside, self._side):
            if road is not None:
                road.close()
        self._main = self._aside = self._side = None
        self._refused = []

    def _main_road(self) -> _Road:
        road = self._main
        return self._first_road() if road is None else road

    def _first_road(self) -> _Road:
        with self._creation:
            if self._main is None:
                self._main = _Road(self._policy, self._max_in_flight)
            return self._main

    def _road_to(self, url: str) -> _Road:
        """The main one, unless its name would have to be looked up and may not answer."""
        if is_syslog(url) or self._names.is_trusted(url):
            return self._main_road()
        self._aside = self._aside or _Road(self._policy, self._max_in_flight)
        return self._aside

    def _side_road(self) -> _Road:
        self._side = self._side or _Road(self._policy, 1)
        return self._side

    def _begin(self, road: _Road, request: Outgoing) -> None:
        self._check_limits(request)
        if is_syslog(request.url):
            road.streams.start(request)
            return
        self._check_request(request)
        lines = header_lines(request.headers)
        lines += _SUPPRESSED
        if request.method not in BODILESS and not _is_typed(request.headers):
            lines.append(_UNTYPED)
        road.loop.start(request, lines)

    def _check_request(self, request: Outgoing) -> None:
        if request.method not in METHODS:
            raise InvalidInputError(f"the method {request.method[:20]!r} cannot be sent", field="method")
        if request.body and request.method in BODILESS:
            raise InvalidInputError(f"a {request.method} request takes no body", field="body")

    def _check_limits(self, request: Outgoing) -> None:
        if request.total_limit_ms <= 0 or request.connect_limit_ms <= 0:
            raise InvalidInputError("a request needs time limits above 0 ms", field="limits")
        if request.url not in self._known_urls:
            check_endpoint_url(request.url, ENDPOINT_SCHEMES)
            if len(self._known_urls) >= _KNOWN_URLS:
                self._known_urls.clear()
            self._known_urls.add(request.url)

    def _begun(self, road: _Road, request: Outgoing) -> Returned | None:
        """Begins a request; what that raises becomes its result, for one bad row must not stop the others."""
        try:
            self._begin(road, request)
        except InvalidInputError as wrong:
            return _unsendable(request, wrong.detail)
        except (pycurl.error, TypeError, ValueError, OverflowError, AttributeError) as wrong:
            return _unsendable(request, f"the request cannot be sent: {type(wrong).__name__}")
        return None


def _is_typed(headers: tuple[tuple[str, str], ...]) -> bool:
    """Whether a content type is among the headers; most sinks write it first."""
    return bool(headers) and (
        headers[0][0] == "content-type" or any(name.lower() == "content-type" for name, _ in headers)
    )


class _Road:
    """A loop for requests, and beside it, on the same loop, the links to syslog receivers."""

    def __init__(self, policy: EgressPolicy, max_in_flight: int) -> None:
        self.loop = TransferLoop(policy, max_in_flight)
        self.streams = StreamRoad(self.loop)

    @property
    def in_flight(self) -> int:
        return self.loop.in_flight + self.streams.in_flight

    def close(self) -> None:
        self.streams.close()
        self.loop.close()


def _unresolved(request: Outgoing) -> Returned:
    detail = "the name was not resolved the last time, and too many such names are being looked up"
    failure = TransferFailure(FailureClass.DNS, detail, request_sent=False)
    return Returned(request.key, 0, b"", b"", truncated=False, peer="", timings=Timings(), failure=failure)


def _unsendable(request: Outgoing, detail: str) -> Returned:
    failure = TransferFailure(FailureClass.CONFIGURATION, detail, request_sent=False)
    return Returned(request.key, 0, b"", b"", truncated=False, peer="", timings=Timings(), failure=failure)
