from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.console.site import Site, built_site


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with built_site(tmp_path) as built:
        built.add_context("acme", "c1", "HQ")
        yield built
