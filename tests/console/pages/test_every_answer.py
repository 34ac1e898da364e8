"""Forms whose answer is a page of its own, instead of going on to another: what is shown once, what a file holds."""

from __future__ import annotations

import pytest

from tests.console.pages.conftest import Shop
from tests.console.pages.inspector import Inspector
from tests.console.pages.routes import filled
from tests.npm import Node

WINDOWS = "time_intervals: [{name: Nights, time_intervals: [{weekdays: [monday]}]}"
ANSWERED = (
    ("change-windows/import", {"text": f"{WINDOWS}]", "kind": "freeze"}),
    ("change-windows/import", {"text": f"{WINDOWS}, {{name: Never}}]", "kind": "allow"}),
    ("sources/<source>/secret", {"overlap_s": "1h"}),
    ("keys/<key>/signature", {"scheme": "standard_webhooks", "make_secret": "on"}),
    ("keys", {"name": "Shown once", "role": "read"}),
    ("members", {"email": "shown.once@example.com", "role": "viewer"}),
)


@pytest.mark.timeout(120)
def test_what_a_form_shows_instead_of_going_on_is_sound(inspector: Inspector, shop: Shop, checkers: Node) -> None:
    known = shop.furnished.arguments["/o/acme"]
    wrong = [one for path, typed in ANSWERED for one in inspector.send(filled("/o/acme", path, known), typed, 200)]
    assert wrong == []
    assert inspector.html_errors(checkers) == ""
