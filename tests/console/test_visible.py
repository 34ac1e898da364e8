from __future__ import annotations

import pytest
from markupsafe import Markup

from app.console.visible import visible
from tests.console.site import Site
from tests.world import audit

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ 7 * 7 }}",
    "javascript:alert(1)",
    "gpj\u202eexe.txt",
    "nul\x00 and \x1b[31m",
    "x" * 100_000,
    "\u2066isolated\u2069",
    "</textarea></pre></title><svg onload=alert(1)>",
)
"""What strangers put into fields: markup, templates, overrides of the direction, control characters, sheer length."""


def test_what_reorders_or_hides_text_becomes_a_sign() -> None:
    assert visible("a\u202eb\x00c\x7fd\ne") == "a[U+202E]b\u2400c\u2421d\ne"
    assert visible(Markup("<b>\x00</b>")) == "<b>\x00</b>"
    assert visible("\u0634\u0628\u0643\u0629 \u200f") == "\u0634\u0628\u0643\u0629 \u200f"
    assert visible(3) == 3


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_is_text_on_every_page_that_shows_it(site: Site, text: str) -> None:
    hook = site.world.add_webhook("http://127.0.0.1:9/")
    site.world.change(hook.id, name=text[:100])
    change = {"field": text, "path": text[:200], "before": {text[:40_000]: text}, "after": {}}
    event = audit(1, contextId="c1", userEmail=text[:200], changes=[change])
    site.world.send(event)
    row = site.world.deliveries(hook)[0]
    base = f"/o/acme/webhooks/{hook.id}"
    pages = ("/o/acme/webhooks", base, f"{base}/deliveries", "/o/acme/audit", "/o/acme/audit/event-1", "/o/acme")
    for path in (*pages, f"/o/acme/deliveries?q={row.event_id}"):
        page = site.get(path)
        assert page.status_code == 200, path
        for never in ("<script>alert", "<img src=x", "<svg onload", "\u202e", "\u2066", "\x00", "\x1b", "{{ 49"):
            assert never not in page.text, path
        assert ">49<" not in page.text
