"""Takes the pictures of ``docs/screens.md``: every kind of page of a furnished console, light and dark.

``make screenshots``. With names as arguments only those are taken anew.
"""

from __future__ import annotations

import base64
import logging
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Page

from app.console.theme import COOKIE
from app.core.clock import HOUR, SECOND
from app.queue.connection import ring_redis, worker_redis
from app.queue.doorbell import RedisDoorbell
from app.queue.worker import DrainWorker
from app.store.partitions import take_partition, take_tick_lease
from tests.console.browser import chromium
from tests.console.pages.tab import NARROW, WIDE, signed_in
from tests.console.redis_beside import running_redis, using_redis
from tests.console.showroom import NOW, PLACE, Showroom, showroom

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docs" / "screens"
CACHE = ROOT / ".pytest_cache" / "d" / "debian"
"""Where the tests keep their browser."""
HEIGHT = 900
QUALITY = 60
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


@dataclass(frozen=True)
class Shot:
    """One picture: its file's name, the page, and what is done there first.

    Args:
        name: of the file.
        page: a key of the showroom's addresses, or a path.
        click: a button that is pressed first.
        fill: an input and what is typed into it, before the click.
        scroll_to: what stands at the top of the picture.
        signed_out: nobody is signed in.
        width: of the window.
        height: of the window.
        theme: that somebody chose.
    """

    name: str
    page: str
    click: str = ""
    fill: tuple[str, str] = ("", "")
    scroll_to: str = ""
    signed_out: bool = False
    width: int = WIDE
    height: int = HEIGHT
    theme: str = "system"


SHOTS = (
    Shot("health", "/ops/health?ledger=1", height=1000),
    Shot("queues", "/ops/queues", height=1000),
    Shot("overview", PLACE),
    Shot("webhooks", f"{PLACE}/webhooks"),
    Shot("webhook", "splunk"),
    Shot("webhook-filter", "slack", click="#conditions button[formaction]", scroll_to="#conditions"),
    Shot("webhook-test", "splunk", click="form[action*='/test'] button", scroll_to="#test"),
    Shot("webhook-new", f"{PLACE}/webhooks/new"),
    Shot("webhook-sink", "new", scroll_to="#sink"),
    Shot("deliveries", "deliveries"),
    Shot("delivery", "delivery"),
    Shot("delivery-attempts", "retried"),
    Shot("redeliver", "replay"),
    Shot("batch", "batch"),
    Shot("webhooks-of-a-context", f"{PLACE}/c/ctx_1/webhooks"),
    Shot("audit-log", f"{PLACE}/audit"),
    Shot("event", "event"),
    Shot("contexts", f"{PLACE}/contexts"),
    Shot("context", f"{PLACE}/c/ctx_1"),
    Shot("connected-devices", f"{PLACE}/c/ctx_1/groups"),
    Shot("change-windows", f"{PLACE}/change-windows"),
    Shot("window-import", f"{PLACE}/change-windows/import"),
    Shot("sensitivity-rules", f"{PLACE}/sensitivity-rules"),
    Shot("event-types", f"{PLACE}/event-types"),
    Shot("members", f"{PLACE}/members"),
    Shot("keys", f"{PLACE}/keys"),
    Shot("key", "key"),
    Shot("sources", f"{PLACE}/sources"),
    Shot("source", "source"),
    Shot("settings", f"{PLACE}/settings"),
    Shot("connect", f"{PLACE}/connect", click="main form button"),
    Shot("plugins", "/ops/plugins"),
    Shot("egress-policy", "/ops/egress"),
    Shot("account", "/account"),
    Shot("sign-in", "/login", signed_out=True),
    Shot("webhooks-empty", "/o/globex/webhooks"),
    Shot(
        "form-refused",
        "new",
        fill=("#f-endpoint-url", "http://10.0.0.1/hook"),
        click="#endpoint button.primary",
        scroll_to="[data-errors]",
    ),
    Shot("no-match", f"{PLACE}/deliveries?state=failed&q=nothing-begins-so"),
    Shot("narrow-overview", PLACE, width=NARROW),
    Shot("narrow-webhooks", f"{PLACE}/webhooks", width=NARROW),
    Shot("high-contrast", f"{PLACE}/webhooks", theme="contrast"),
    Shot("not-there", f"{PLACE}/webhooks/wh_gone"),
)


def main(wanted: list[str]) -> None:
    """Take the pictures."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    shots = [shot for shot in SHOTS if not wanted or shot.name in wanted]
    FOLDER.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="rp-") as folder,
        showroom(Path(folder)) as room,
        at_work(room, Path(folder)),
        chromium(CACHE) as browser,
    ):
        for shot in shots:
            for scheme in SCHEMES:
                picture = taken(browser, room, shot, scheme)
                (FOLDER / f"{shot.name}-{scheme}.webp").write_bytes(picture)
                print(f"{shot.name}-{scheme}: {len(picture) // 1024} KB")  # noqa: T201 - a command


@contextmanager
def at_work(room: Showroom, folder: Path) -> Iterator[None]:
    """Within the block there are a Redis, a tick and two workers, of which one holds a partition."""
    store, now = room.site.services.store, room.clock()
    busy = room.hooks["Change tickets"].partition
    take_tick_lease(store, "tick", now, HOUR)
    with store.write() as connection:
        take_partition(connection, busy, 2, now)
    with running_redis(folder) as url, using_redis(room.site, url), closing(worker_redis(url)) as redis:
        for name in ("relaypoint-1", "relaypoint-2"):
            worker = DrainWorker(redis, lambda: False)
            worker.name = name
            worker.register_birth()
        RedisDoorbell(ring_redis(url), room.clock).ring([busy])
        yield


def taken(browser: Browser, room: Showroom, shot: Shot, scheme: Literal["light", "dark"]) -> bytes:
    """One picture as WebP, which Chromium writes and Playwright does not ask for."""
    with tab(browser, room, shot, scheme) as page:
        page.goto(room.site.url + room.addresses.get(shot.page, shot.page))
        if shot.fill[0]:
            page.fill(*shot.fill)
        if shot.click:
            page.click(shot.click)
            page.wait_for_load_state("load")
        if shot.scroll_to:
            page.evaluate("(selector) => document.querySelector(selector).scrollIntoView()", shot.scroll_to)
        page.evaluate("document.activeElement.blur()")
        session = page.context.new_cdp_session(page)
        answer = session.send("Page.captureScreenshot", {"format": "webp", "quality": QUALITY})
        return base64.b64decode(answer["data"])


@contextmanager
def tab(browser: Browser, room: Showroom, shot: Shot, scheme: Literal["light", "dark"]) -> Iterator[Page]:
    """A tab that has the showroom's time."""
    context = signed_in(browser, room.site, viewport={"width": shot.width, "height": shot.height}, color_scheme=scheme)
    if shot.signed_out:
        context.clear_cookies()
    context.add_cookies([{"name": COOKIE, "value": shot.theme, "url": room.site.url}])
    context.clock.set_fixed_time(datetime.fromtimestamp(NOW // SECOND, UTC))
    yield context.new_page()
    context.close()


if __name__ == "__main__":
    main(sys.argv[1:])
