"""What a live page listens to: a stream of server-sent events that says that something changed, and nothing else."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from flask import Response, request

from app.console.live.room import LiveRoom
from app.console.live.stream import Listener
from app.console.pages import PageTable, Visit
from app.core.errors import OverloadedError
from app.core.streams import STREAM_TAKER
from app.security.permissions import Permission
from app.services import Services

_NEEDS = Permission.EVENTS_READ
_RETRY_AFTER_S = 60
_UNBUFFERED = {"x-accel-buffering": "no", "content-type": "text/event-stream; charset=utf-8"}
"""nginx reads the first one, and passes on what comes as it comes."""


def live_pages(services: Services) -> PageTable:
    """The stream of a place."""
    table = PageTable()
    room = LiveRoom(services.store, services.clock)

    @table.get("live", needs=_NEEDS)
    def live(visit: Visit) -> Any:
        take = request.environ.get(STREAM_TAKER)
        if take is None:
            return _refused("this server cannot keep a page informed")
        if request.method == "HEAD":
            return Response(headers=_UNBUFFERED)
        place = visit.here
        listener = Listener(visit.session, place.organization_id, place.context_id, _NEEDS)
        try:
            take(room.enter(listener, request.headers.get("last-event-id", "")))
        except OverloadedError as error:
            return _refused(str(error))
        return Response(headers=_UNBUFFERED)

    return table


def _refused(why: str) -> Response:
    """A page that is refused looks by itself, as without a stream."""
    answer = Response(f"{why}; the page looks every few seconds instead\n", HTTPStatus.SERVICE_UNAVAILABLE)
    answer.headers["retry-after"] = str(_RETRY_AFTER_S)
    answer.mimetype = "text/plain"
    return answer
