from __future__ import annotations

import gzip
import hashlib
import re
from pathlib import Path

import orjson

from app.console.assets import FOLDER, load_assets
from app.console.door.headers import PAGE_HEADERS
from tests.console.site import Site

TEMPLATES = FOLDER.parent / "templates"
VENDOR = FOLDER / "vendor"


def test_every_vendored_file_is_the_one_that_the_manifest_describes() -> None:
    described = [file for package in orjson.loads((VENDOR / "vendor.json").read_bytes()) for file in package["files"]]
    for file in described:
        assert hashlib.sha256((VENDOR / file["name"]).read_bytes()).hexdigest() == file["sha256"], file["name"]
    assert {file["name"] for file in described} | {"vendor.json"} == {path.name for path in VENDOR.iterdir()}


def test_every_vendored_package_names_its_version_integrity_and_licence() -> None:
    for package in orjson.loads((VENDOR / "vendor.json").read_bytes()):
        assert re.fullmatch(r"\d+\.\d+\.\d+", package["version"])
        assert package["integrity"].startswith("sha512-")
        assert package["licence"]
        assert len(package["licence_text"]) > 200


def test_style_and_script_stay_small() -> None:
    assert (FOLDER / "app.css").stat().st_size <= 25 * 1024
    assert (FOLDER / "app.js").stat().st_size <= 6 * 1024
    assert (FOLDER / "live.js").stat().st_size <= 4 * 1024
    scripts = [(VENDOR / "htmx.min.js").read_bytes(), *(path.read_bytes() for path in FOLDER.glob("*.js"))]
    assert sum(len(gzip.compress(script, 9)) for script in scripts) <= 25 * 1024


def test_light_and_dark_differ_in_colours_only() -> None:
    """So that what the browser tests found out about the light page holds for the dark one."""
    style, script = (FOLDER / "app.css").read_text(), (FOLDER / "app.js").read_text()
    assert "prefers-color-scheme" not in style + script
    assert re.findall(r'\[data-theme="(?:light|dark)"\] (\{.*\})', style) == [
        "{ color-scheme: light; }",
        "{ color-scheme: dark; }",
    ]


def test_no_template_has_inline_style_script_or_evaluated_attribute() -> None:
    forbidden = re.compile(
        r"<style|<script(?![^>]*\bsrc=)|\sstyle=|\son[a-z]+=|hx-on|js:|hx-vals|\|\s*safe", re.IGNORECASE
    )
    for path in TEMPLATES.rglob("*.html"):
        found = forbidden.search(path.read_text())
        assert found is None, f"{path.name}: {found and found.group()}"


def test_every_icon_that_a_template_names_is_in_the_sprite() -> None:
    sprite = set(re.findall(r'<symbol id="([^"]+)"', (VENDOR / "icons.svg").read_text()))
    code = "".join(path.read_text() for path in [*TEMPLATES.rglob("*.html"), *Path(FOLDER.parent).rglob("*.py")])
    named = set(re.findall(r'icon\("([a-z-]+)"\)', code)) | set(re.findall(r'State\("[^"]+", "([a-z-]+)"', code))
    assert named <= sprite


def test_a_file_is_served_for_ever_under_the_name_of_its_content(site: Site) -> None:
    url = load_assets().url("app.css")
    answer = site.app.test_client().get(url, headers={"accept-encoding": "gzip"})
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert gzip.decompress(answer.data) == (FOLDER / "app.css").read_bytes()
    assert site.get(url).data == (FOLDER / "app.css").read_bytes()
    assert site.get("/static/app.0000000000.css").status_code == 404


def test_the_first_page_with_all_it_needs_is_at_most_60_kilobytes(site: Site) -> None:
    page = site.get("/o/acme/webhooks")
    names = re.findall(r'(?:src|href)="(/static/[^"#]+)', page.text)
    weight = len(page.data) + sum(
        len(site.app.test_client().get(name, headers={"accept-encoding": "gzip"}).data) for name in set(names)
    )
    assert weight <= 60 * 1024


def test_a_page_is_kept_by_no_cache_and_allows_no_foreign_source(site: Site) -> None:
    answer = site.get("/o/acme/webhooks")
    for name, value in PAGE_HEADERS.items():
        assert answer.headers[name] == value
    assert "unsafe" not in answer.headers["content-security-policy"]
