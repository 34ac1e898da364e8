"""Takes the pictures of ``docs/screens.md``: ``python -m tests.console.screenshots``, or ``make screenshots``."""

from __future__ import annotations

import tempfile
from pathlib import Path

from playwright.sync_api import Browser
from sqlalchemy import select, update

from app.core.clock import DAY, system_clock
from app.store.tables import attempts, events
from tests.console.browser import chromium
from tests.console.furnished import Furnished, furnish
from tests.console.pages.tab import WIDE, signed_in
from tests.console.site import Site, built_site, served
from tests.delivery.receiver import receiving

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs/screens"
CACHE = ROOT / ".pytest_cache/d/debian"
_HEIGHT = 860
_CLEAREST = 2
"""Old things lie closer together than new ones, as if traffic had grown during the day."""
PAGES = {
    "overview": "/o/acme",
    "webhooks": "/o/acme/webhooks",
    "webhook": "/o/acme/c/c1/webhooks/{webhook}",
    "delivery": "/o/acme/webhooks/{webhook}/deliveries/{delivery}?tab=response",
    "audit": "/o/acme/audit",
}
"""By the name of the picture."""


def main() -> None:
    """Take every picture, light and dark."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, receiving() as receiver, built_site(Path(folder)) as site:
        furnished = furnish(site, receiver)
        _spread(site)
        with served(site), chromium(CACHE) as browser:
            for scheme in ("light", "dark"):
                _take(browser, site, furnished, scheme)


def _take(browser: Browser, site: Site, furnished: Furnished, scheme: str) -> None:
    context = signed_in(browser, site, viewport={"width": WIDE, "height": _HEIGHT}, color_scheme=scheme)
    page = context.new_page()
    for name, path in PAGES.items():
        place = max((one for one in furnished.arguments if path.startswith(one)), key=len)
        page.goto(site.url + path.format(**furnished.arguments[place]))
        page.screenshot(path=str(FOLDER / f"{name}-{scheme}.png"))
    context.close()


def _spread(site: Site) -> None:
    """As if what happened a moment ago had happened over a day."""
    now = system_clock()
    with site.services.store.write() as connection:
        numbers = list(connection.execute(select(events.c.seq).order_by(events.c.seq)).scalars())
        for place, seq in enumerate(numbers):
            at = now - int(DAY * (1 - place / len(numbers)) ** _CLEAREST)
            connection.execute(update(events).where(events.c.seq == seq).values(received_at=at))
            connection.execute(update(attempts).where(attempts.c.event_seq == seq).values(started_at=at))


if __name__ == "__main__":
    main()
