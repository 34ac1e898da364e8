"""Chromium for tests: the machine's own, or Debian's package unpacked into the cache."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.debian import unpacked

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
"""Debian's Chromium in a container that runs as the superuser, without any traffic of its own."""


@contextmanager
def chromium(cache: Path) -> Iterator[Browser]:
    """A browser for a whole test session."""
    packages = unpacked(cache, "chromium", "chromium", "fonts-inter")
    binary = packages.root / "usr/lib/chromium/chromium"
    fonts = cache / "fonts.conf"
    fonts.write_text(
        '<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig>'
        f"<dir>{packages.root}/usr/share/fonts</dir><dir>/usr/share/fonts</dir><cachedir>{cache}/fontcache</cachedir>"
        "<alias><family>system-ui</family><prefer><family>Inter</family></prefer></alias>"
        "<alias><family>monospace</family><prefer><family>DejaVu Sans Mono</family></prefer></alias></fontconfig>"
    )
    environment: dict[str, str | float | bool] = {**packages.environment, "FONTCONFIG_FILE": str(fonts)}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(binary), args=list(FLAGS), env=environment)
        yield browser
        browser.close()
