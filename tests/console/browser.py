"""Chromium for tests: the machine's own, or Debian's package unpacked into the cache."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Program:
    """Chromium as a program, and what it wants in its environment."""

    binary: Path
    environment: dict[str, str]


def chromium_program(cache: Path) -> Program:
    """The program with its libraries and fonts."""
    packages = unpacked(cache, "chromium", "chromium", "fonts-inter")
    fonts = cache / "fonts.conf"
    fonts.write_text(
        '<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig>'
        f"<dir>{packages.root}/usr/share/fonts</dir><dir>/usr/share/fonts</dir><cachedir>{cache}/fontcache</cachedir>"
        "<alias><family>system-ui</family><prefer><family>Inter</family></prefer></alias>"
        "<alias><family>monospace</family><prefer><family>DejaVu Sans Mono</family></prefer></alias></fontconfig>"
    )
    environment = {**packages.environment, "FONTCONFIG_FILE": str(fonts)}
    return Program(packages.root / "usr/lib/chromium/chromium", environment)


@contextmanager
def chromium(cache: Path) -> Iterator[Browser]:
    """A browser for a whole test session."""
    program = chromium_program(cache)
    environment: dict[str, str | float | bool] = {**program.environment}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(program.binary), args=list(FLAGS), env=environment)
        yield browser
        browser.close()
