"""A Redis that a site's process knows, for the pages that ask it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from tests.console.site import Site
from tests.queue.conftest import RedisProcess


@contextmanager
def running_redis(folder: Path) -> Iterator[str]:
    """The address of a server that ends with the block."""
    process = RedisProcess(folder)
    process.start()
    try:
        yield process.url
    finally:
        process.kill()


@contextmanager
def using_redis(site: Site, url: str) -> Iterator[None]:
    """Within the block the site's process knows this Redis."""
    services = site.services
    before = services.settings
    object.__setattr__(services, "settings", replace(before, redis_url=url))
    try:
        yield
    finally:
        object.__setattr__(services, "settings", before)
