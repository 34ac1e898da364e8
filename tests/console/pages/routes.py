"""What the route table has: every page and every form, and their addresses at a place."""

from __future__ import annotations

import re
from collections.abc import Iterator

from flask import Flask

from app.console.webhook_forms import READERS
from tests.console.pages.conftest import Shop

PLACES = (
    *("/o/void", "/o/void/c/v1"),
    *("/o/solo", "/o/solo/c/s1"),
    *("/o/acme", "/o/acme/c/c1"),
    "/o/crowd",
)
"""An organization and a context with nothing in them, with one of each, with all there is; and too many for a page."""
PARTS = re.compile(r"<(\w+)>")
_SECTION = "<section>"
_NO_PAGES = {"download", "export", "live"}


def pages_below(app: Flask, place: str) -> list[str]:
    """The paths of every page below a place; what is downloaded or streamed is no page."""
    return [path for path in _below(app, place, "console.GET") if _NO_PAGES.isdisjoint(path.split("/"))]


def forms_below(app: Flask, place: str) -> list[str]:
    """The paths of every form below a place; a path that stands for several sections is each of them."""
    found = _below(app, place, "console.POST")
    return [path.replace(_SECTION, one) for path in found for one in (sorted(READERS) if _SECTION in path else [""])]


def above(app: Flask, beginning: str, method: str) -> set[str]:
    """The paths below no place whose endpoint begins so."""
    rules = (rule for rule in app.url_map.iter_rules() if rule.endpoint.startswith(beginning))
    return {rule.rule for rule in rules if method in (rule.methods or ()) and not rule.rule.startswith("/o/")}


def addresses(shop: Shop, place: str) -> Iterator[str]:
    """Every page below a place whose parts the place has."""
    known = shop.furnished.arguments[place]
    for path in pages_below(shop.site.app, place):
        if set(PARTS.findall(path)) <= set(known):
            yield filled(place, path, known)


def filled(place: str, path: str, known: dict[str, str]) -> str:
    """A path with its parts; a batch stands below a webhook of its own."""
    parts = known | ({"webhook": known["batch's webhook"]} if "<batch>" in path else {})
    return f"{place}/{PARTS.sub(lambda part: parts[part[1]], path)}".rstrip("/")


def _below(app: Flask, place: str, kind: str) -> list[str]:
    base = "/o/<organization>/c/<context>" if "/c/" in place else "/o/<organization>"
    rules = [rule.rule for rule in app.url_map.iter_rules() if rule.endpoint.startswith(kind)]
    below = sorted(rule.removeprefix(base).lstrip("/") for rule in rules if rule == base or rule.startswith(f"{base}/"))
    return [path for path in below if not path.startswith("c/<")]
