"""The page that a form stands on, for whoever asks for the form's own address: a browser shows that after an answer."""

from __future__ import annotations

from urllib.parse import quote

from werkzeug.exceptions import MethodNotAllowed, NotFound
from werkzeug.routing import MapAdapter, RequestRedirect

NOWHERE = "nowhere"
"""The endpoint of every path that is no page."""


def page_of_form(routes: MapAdapter, path: str) -> str | None:
    """The nearest page above the path of a form, quoted; None when the path is no form's."""
    if not _exists(routes, path, "POST"):
        return None
    above = path.rpartition("/")[0]
    while above and not _exists(routes, above, "GET"):
        above = above.rpartition("/")[0]
    return quote(above, safe="/:@~") or None


def _exists(routes: MapAdapter, path: str, method: str) -> bool:
    try:
        endpoint, _ = routes.match(path, method)
    except (NotFound, MethodNotAllowed, RequestRedirect):
        return False
    return not str(endpoint).endswith(f".{NOWHERE}")
