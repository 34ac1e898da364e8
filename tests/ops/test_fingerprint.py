"""One number for what is installed: the same for the same wheel, another once a byte differs."""

from __future__ import annotations

import base64
import hashlib
import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.ops import fingerprint as subject
from app.ops.fingerprint import OWN, Fingerprint, fingerprint
from app.sinks.hookspecs import PROJECT

Install = Callable[..., Path]
FILES = {
    "pager/__init__.py": "import re\n",
    "pager/rules.py": "A = 1\n",
    "pager-1.0.dist-info/METADATA": "Name: pager\n",
}


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """``install("one")`` puts the package into a folder, as an installer does, and makes it the one that counts."""
    before = list(sys.path)

    def install_one(place: str, more: dict[str, str] | None = None, *, record: str | None = None) -> Path:
        site = tmp_path / place / "site"
        lines = []
        for name, text in (FILES | (more or {})).items():
            path = site / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")
            lines.append(f"{name},sha256={digest},{len(text)}")
        lines += ["pager/__pycache__/rules.cpython-311.pyc,,", "pager-1.0.dist-info/RECORD,,"]
        told = "\n".join(lines) if record is None else record
        (site / "pager-1.0.dist-info/RECORD").write_text(told + "\n")
        monkeypatch.setattr(sys, "path", [str(site), *before])
        importlib.invalidate_caches()
        fingerprint.cache_clear()
        return site

    yield install_one
    fingerprint.cache_clear()


def test_the_same_files_have_the_same_number_however_they_were_installed(install: Install) -> None:
    install("one")
    first = fingerprint("pager")
    assert len(first.sha256) == 64
    assert first == Fingerprint(first.sha256)
    assert first.short == first.sha256[:12]
    of_installer = {"pager-1.0.dist-info/INSTALLER": "uv", "pager-1.0.dist-info/direct_url.json": "{}"}
    install("two", of_installer | {"../bin/pager": "#!/home/two/python"})
    assert fingerprint("pager") == first


def test_another_version_of_a_file_has_another_number(install: Install) -> None:
    install("one")
    first = fingerprint("pager")
    install("two", {"pager/rules.py": "A = 2\n"})
    assert fingerprint("pager").sha256 != first.sha256
    assert fingerprint("pager").changed == 0


@pytest.mark.parametrize("text", ["A = 3\n", None])
def test_a_file_that_was_changed_by_hand_changes_the_number_and_is_counted(install: Install, text: str | None) -> None:
    site = install("one")
    first = fingerprint("pager")
    path = site / "pager/rules.py"
    path.unlink()
    if text:
        path.write_text(text)
    assert fingerprint("pager") is first, "once in a process"
    fingerprint.cache_clear()
    again = fingerprint("pager")
    assert again.sha256 != first.sha256
    assert again.changed == 1


def test_what_is_beyond_the_bound_counts_as_it_was_recorded(install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    site = install("one")
    first = fingerprint("pager")
    (site / "pager/rules.py").write_text("A = 4\n")
    monkeypatch.setattr(subject, "READ_AT_MOST", 1)
    fingerprint.cache_clear()
    assert fingerprint("pager") == first


@pytest.mark.parametrize(
    ("record", "more", "missing"),
    [
        ("", {}, "its files are not recorded"),
        ("pager/rules.py,md5=abc,1", {}, "its files are not recorded"),
        ("pager/rules.py", {}, "its files are not recorded"),
        ("pager/rules.py,sha256=\u00e9,1", {}, "its files cannot be read"),
        ("pager,sha256=YQ,1", {}, "its files cannot be read"),
        (
            None,
            {"pager-1.0.dist-info/direct_url.json": '{"url": "file:///x", "dir_info": {"editable": true}}'},
            "installed for editing",
        ),
        (None, {"pager-1.0.dist-info/direct_url.json": "{"}, "its files cannot be read"),
    ],
)
def test_where_no_number_can_be_told_it_says_why(
    install: Install, record: str | None, more: dict[str, str], missing: str
) -> None:
    install("one", more, record=record)
    found = fingerprint("pager")
    assert found == Fingerprint(missing=missing)
    assert found.document == {"sha256": None, "changed_files": 0}


def test_nothing_outside_of_where_packages_are_is_read(install: Install) -> None:
    install("one")
    first = fingerprint("pager")
    install("two")
    site = install("three")
    record = site / "pager-1.0.dist-info/RECORD"
    record.write_text(record.read_text() + "/etc/hostname,sha256=YQ,1\n../../x,sha256=YQ,1\n")
    fingerprint.cache_clear()
    assert fingerprint("pager") == first


def test_what_is_not_installed_and_our_own_have_none() -> None:
    assert fingerprint("no-such-distribution").missing == "its files cannot be read"
    assert OWN == PROJECT
    assert fingerprint(OWN).missing == "built in"
