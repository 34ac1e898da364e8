from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.console.browser import chromium
from tests.console.furnished import Furnished, furnish
from tests.console.pages.inspector import Inspector
from tests.console.pages.tab import Tab, signed_in
from tests.console.site import Site, built_site, served
from tests.delivery.receiver import Receiver, receiving
from tests.npm import Node, node_with


@dataclass(frozen=True)
class Shop:
    """A furnished console on a socket, and a receiver."""

    site: Site
    furnished: Furnished
    receiver: Receiver


@pytest.fixture(scope="session")
def cache(pytestconfig: pytest.Config) -> Path:
    assert pytestconfig.cache is not None
    return pytestconfig.cache.mkdir("debian")


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with receiving() as receiver, built_site(tmp_path_factory.mktemp("console")) as site:
        furnished = furnish(site, receiver)
        with served(site):
            yield Shop(site, furnished, receiver)


@pytest.fixture(scope="session")
def browser(cache: Path) -> Iterator[Browser]:
    with chromium(cache) as launched:
        yield launched


@pytest.fixture(scope="session")
def checkers(pytestconfig: pytest.Config) -> Node:
    """The checkers of accessibility and of HTML."""
    assert pytestconfig.cache is not None
    return node_with(pytestconfig.cache.mkdir("npm"), "axe-core@4.14.1", "vnu-jar@26.9.27")


@pytest.fixture(scope="session")
def axe(checkers: Node) -> str:
    """The source of axe-core."""
    return checkers.file("axe-core/axe.min.js").read_text()


@pytest.fixture(scope="module")
def inspector(browser: Browser, shop: Shop, axe: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Inspector]:
    """The owner's browser, and a folder for what it saw."""
    context = signed_in(browser, shop.site)
    yield Inspector(Tab(context, axe), shop.site, tmp_path_factory.mktemp("html"))
    context.close()
