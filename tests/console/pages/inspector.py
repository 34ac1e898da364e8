"""Somebody who opens pages and sends forms, and finds what is wrong with what comes back."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from playwright.sync_api import Response

from app.console.door.same_site import form_token
from tests.console.pages.tab import Tab
from tests.console.site import Site
from tests.npm import Node

_SUBMIT = """([address, values]) => {
    const form = document.createElement("form");
    form.method = "post";
    form.action = address;
    for (const [name, value] of Object.entries(values)) {
        const input = document.createElement("textarea");
        input.name = name;
        input.value = value;
        form.append(input);
    }
    document.body.append(form);
    form.submit();
}"""


class Inspector:
    """Looks at every page in a tab, and keeps its HTML for the checker.

    Args:
        tab: of somebody's window.
        site: whose pages they are.
        folder: for the HTML.
    """

    def __init__(self, tab: Tab, site: Site, folder: Path) -> None:
        self.tab = tab
        self._site = site
        self._folder = folder

    def open(self, address: str, status: int = 200) -> list[str]:
        """What is wrong with a page, when it is asked for."""
        self.tab.messages.clear()
        answer = self.tab.page.goto(self._site.url + address)
        return self._look(address, answer, status)

    def send(self, address: str, typed: dict[str, str], status: int, *, is_stale: bool = False) -> list[str]:
        """What is wrong with the page that answers a form.

        Args:
            address: of the form.
            typed: its fields.
            status: that the answer must have.
            is_stale: the form is of an ended session.
        """
        page, token = self.tab.page, form_token("ended" if is_stale else self._site.session)
        if not page.url.startswith(self._site.url):
            page.goto(f"{self._site.url}/account")
        self.tab.messages.clear()
        with page.expect_navigation() as navigation:
            page.evaluate(_SUBMIT, [self._site.url + address, {**typed, "csrf_token": token}])
        return self._look(f"sent {address}", navigation.value, status)

    def html_errors(self, checkers: Node) -> str:
        """What the HTML checker says of everything that was seen."""
        pages = sorted(self._folder.glob("*.html"))
        assert pages
        jar = checkers.file("vnu-jar/build/dist/vnu.jar")
        command = ("java", "-jar", str(jar), "--format", "gnu", *map(str, pages))
        checked = subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)
        assert bool(checked.returncode) == bool(checked.stderr)
        return checked.stderr

    def _look(self, name: str, answer: Response | None, status: int) -> list[str]:
        assert answer is not None
        if answer.status != status:
            return [f"{name}: status {answer.status} and not {status}"]
        (self._folder / (re.sub(r"\W+", "-", name).strip("-") + ".html")).write_text(answer.text())
        return [f"{name}: {one}" for one in self.tab.look(refused=status >= 400)]
