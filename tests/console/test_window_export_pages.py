"""Downloads of change windows over HTTP."""

from __future__ import annotations

import pytest

from app.routing.change_windows import ChangeWindowInput
from app.security.scope import Scope
from tests.console.site import Site

PAGE = "/o/acme/change-windows"
WINDOW = ChangeWindowInput(name="Nights", kind="freeze", time_intervals=[{"weekdays": ["monday"], "location": "Local"}])


@pytest.mark.parametrize(
    ("wanted", "kind", "name", "words"),
    [
        ("alertmanager", "application/yaml", "change-windows.yaml", 'name: "Nights"'),
        ("icalendar", "text/calendar; charset=utf-8", "change-windows.ics", "SUMMARY:Nights\r\n"),
    ],
)
def test_windows_are_downloaded_as_a_file(site: Site, wanted: str, kind: str, name: str, words: str) -> None:
    assert "change-windows/export" not in site.get(PAGE).text
    site.services.change_windows.create(Scope("acme"), "acme", WINDOW)
    site.sign_in("viewer", "acme")
    assert f'href="{PAGE}/export?format={wanted}"' in site.get(PAGE).text
    answer = site.get(f"{PAGE}/export?format={wanted}")
    assert (answer.headers["content-type"], answer.headers["x-content-type-options"]) == (kind, "nosniff")
    assert answer.headers["content-disposition"] == f'attachment; filename="{name}"'
    assert words in answer.data.decode()


def test_a_downloaded_file_is_taken_by_the_import(site: Site) -> None:
    site.services.change_windows.create(Scope("acme"), "acme", WINDOW)
    for wanted in ("alertmanager", "icalendar"):
        text = site.get(f"{PAGE}/export?format={wanted}").data.decode()
        shown = site.post(f"{PAGE}/import", text=text, kind="allow").text
        assert "Freeze</span>" in shown
        assert "Store" in shown


def test_another_form_and_the_organization_of_a_contexts_member_are_not_found(site: Site) -> None:
    assert site.get(f"{PAGE}/export?format=pdf").status_code == 404
    site.sign_in("viewer", "acme", "c1")
    assert site.get(f"{PAGE}/export?format=alertmanager").status_code == 404
