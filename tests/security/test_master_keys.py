from __future__ import annotations

import base64
import os
import threading
from pathlib import Path

import pytest

from app.core.errors import ConfigurationError
from app.security.master_keys import KeyFile, MasterKeys, parse_master_keys
from app.security.vault import open_vault

GOOD = base64.b64encode(b"m" * 32).decode()


def test_the_first_key_seals() -> None:
    keys = parse_master_keys(f"b:{GOOD}, a:{GOOD}")
    assert keys.current == "b"
    assert set(keys.keys) == {"a", "b"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "at least one"),
        (GOOD, "number 1"),
        (f"UPPER:{GOOD}", "number 1"),
        (f"a:{GOOD},a:{GOOD}", "twice"),
        ("a:%%%", "base64"),
        ("a:" + base64.b64encode(b"short").decode(), "5 bytes"),
    ],
)
def test_a_wrong_key_is_explained_without_showing_it(text: str, says: str) -> None:
    with pytest.raises(ConfigurationError, match=says) as caught:
        parse_master_keys(text)
    assert GOOD not in str(caught.value)


def test_a_new_installation_gets_one_private_key_file(tmp_path: Path) -> None:
    first = KeyFile(tmp_path / "new", os.urandom).read()
    path = tmp_path / "new" / "secret.key"
    assert path.stat().st_mode & 0o777 == 0o600
    assert KeyFile(tmp_path / "new", os.urandom).read() == first
    assert [entry.name for entry in path.parent.iterdir()] == ["secret.key"]


def test_processes_that_start_together_agree_on_one_key(tmp_path: Path) -> None:
    found: list[MasterKeys] = []
    together = threading.Barrier(8)

    def start() -> None:
        together.wait()
        found.append(KeyFile(tmp_path, os.urandom).read())

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert all(keys == found[0] for keys in found)


def test_a_key_file_others_can_read_stops_the_start(tmp_path: Path) -> None:
    KeyFile(tmp_path, os.urandom).read()
    (tmp_path / "secret.key").chmod(0o644)
    with pytest.raises(ConfigurationError, match="chmod 600"):
        KeyFile(tmp_path, os.urandom).read()


def test_printing_master_keys_shows_no_key(tmp_path: Path) -> None:
    assert "mmmm" not in repr(parse_master_keys(f"a:{GOOD}"))


def test_the_setting_wins_over_the_file_and_no_file_appears(tmp_path: Path) -> None:
    assert open_vault(tmp_path, f"env:{GOOD}").current == "env"
    assert not (tmp_path / "secret.key").exists()
