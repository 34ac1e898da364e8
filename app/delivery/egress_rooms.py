"""How many requests may be under way to one receiver at once, however many webhooks lead there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence

from app.core.endpoint_url import origin
from app.core.errors import InvalidInputError
from app.delivery.exchange import Outgoing, Returned

MOST_AT_ONCE = 256
"""To one origin (scheme, host and port), from one client. As much as one webhook may ask for."""
_KNOWN = 4_096
"""URLs whose origin is remembered; a full memory is emptied."""


class Rooms:
    """Counts what is under way to each origin.

    Args:
        most: at most so many requests to one origin at once.
    """

    def __init__(self, most: int = MOST_AT_ONCE) -> None:
        self._most = most
        self._origins: dict[str, str] = {}
        self._taken: defaultdict[str, int] = defaultdict(int)
        self._under_way: defaultdict[Hashable, list[str]] = defaultdict(list)

    def has_room(self, url: str) -> bool:
        """Whether one more request may begin. What is no URL has room: the client says what is wrong with it."""
        return self._taken.get(self._origin(url), 0) < self._most

    def begun(self, request: Outgoing) -> None:
        """A request is under way."""
        place = self._origin(request.url)
        self._taken[place] += 1
        self._under_way[id(request.key)].append(place)

    def ended(self, finished: Sequence[Returned]) -> None:
        """These requests are over."""
        for returned in finished:
            places = self._under_way.get(id(returned.key))
            if not places:
                continue
            place = places.pop()
            if not places:
                del self._under_way[id(returned.key)]
            self._taken[place] -= 1
            if not self._taken[place]:
                del self._taken[place]

    def _origin(self, url: str) -> str:
        known = self._origins.get(url)
        if known is None:
            if len(self._origins) >= _KNOWN:
                self._origins.clear()
            try:
                known = origin(url)
            except InvalidInputError:
                known = ""
            self._origins[url] = known
        return known
