"""A tab that notices what a person would not: violations, messages, reports, scrolling sideways."""

from __future__ import annotations

from typing import Any, Literal

from playwright.sync_api import Browser, BrowserContext, Page

from tests.console.site import Site

WIDE, NARROW = 1280, 320
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
"""All of them by name: without wcag22aa the rule about small targets is silent."""
COLOURS = ["color-contrast", "link-in-text-block"]
"""The rules among those that look at colours."""
LOOKS: tuple[tuple[int, Literal["light", "dark"], list[str]], ...] = (
    (WIDE, "light", TAGS),
    (WIDE, "dark", COLOURS),
    (NARROW, "dark", COLOURS),
    (NARROW, "light", TAGS),
)
"""Every width in every colours, and what axe is asked: of the dark page what colours decide. They decide nothing else,
which a test of the style sheet holds."""
_REPORTS = """
window.__reports = [];
addEventListener("securitypolicyviolation", (report) => window.__reports.push(report.violatedDirective));
"""


def signed_in(browser: Browser, site: Site, **more: Any) -> BrowserContext:
    """A window of somebody who is signed in, and who wants no motion: nothing is looked at half-way."""
    context = browser.new_context(reduced_motion="reduce", **more)
    context.add_cookies([{"name": site.cookie, "value": site.session, "url": site.url}])
    return context


class Tab:
    """One tab.

    Args:
        context: of the browser.
        axe: the source of axe-core.
    """

    def __init__(self, context: BrowserContext, axe: str) -> None:
        self.page: Page = context.new_page()
        self._axe = axe
        self.messages: list[str] = []
        self.page.add_init_script(_REPORTS)
        self.page.on("console", lambda message: self.messages.append(f"{message.type}: {message.text}"))
        self.page.on("pageerror", lambda error: self.messages.append(f"error: {error}"))
        self.page.on("dialog", lambda dialog: self.messages.append(f"dialog: {dialog.message}"))

    def look(self, *, refused: bool = False) -> list[str]:
        """What is wrong with the page that is open, wide and narrow, light and dark.

        Args:
            refused: the server said no, which the browser mentions.
        """
        page = self.page
        page.evaluate(self._axe)
        found = [one for one in self.messages if not (refused and "Failed to load resource" in one)]
        self.messages.clear()
        found += [f"report: {one}" for one in page.evaluate("window.__reports")]
        for width, scheme, asked in LOOKS:
            page.set_viewport_size({"width": width, "height": 900})
            page.emulate_media(color_scheme=scheme)
            page.evaluate("scrollTo(0, 0)")
            found += [f"{scheme} {width}: {one}" for one in self._violations(asked)]
            if page.evaluate("document.documentElement.scrollWidth") > width:
                found.append(f"{width}: scrolls sideways")
        return found

    def glance(self, width: int) -> list[str]:
        """What is wrong with the page that is open, as it is.

        Args:
            width: of the window.
        """
        self.page.evaluate(self._axe)
        found = [*self.messages, *self._violations(TAGS)]
        self.messages.clear()
        if self.page.evaluate("document.documentElement.scrollWidth") > width:
            found.append("scrolls sideways")
        return found

    def _violations(self, asked: list[str]) -> list[str]:
        script = """async (asked) => {
            const found = await axe.run({ runOnly: asked, resultTypes: ["violations"] });
            return found.violations.flatMap((rule) => rule.nodes.map((one) => `${rule.id} ${one.html.slice(0, 160)}`));
        }"""
        found: list[str] = self.page.evaluate(script, asked)
        return found
