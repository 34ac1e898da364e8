"""docs/gallery is generated: the sample data as every sink sends it. ``GOLDEN=write`` writes it anew."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.catalogue import events, planted_in
from tests.docs.gallery import FOLDER, pages

PAGES = dict(pages())


def test_the_gallery_has_these_pages_and_no_others() -> None:
    if os.environ.get("GOLDEN") == "write":
        FOLDER.mkdir(exist_ok=True)
        for path, text in PAGES.items():
            path.write_text(text, encoding="utf-8")
    assert set(FOLDER.iterdir()) == set(PAGES)


@pytest.mark.parametrize("path", PAGES, ids=[path.stem for path in PAGES])
def test_a_page_shows_what_the_sink_sends_today(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == PAGES[path], "GOLDEN=write pytest tests/docs writes the gallery anew"


@pytest.mark.parametrize("path", [path for path in PAGES if path.stem != "README"], ids=lambda path: path.stem)
def test_a_page_has_every_change_and_no_secret(path: Path) -> None:
    assert [name for name in events() if f"### `{name}`\n" not in PAGES[path]] == []
    assert planted_in(PAGES[path].encode()) == []
