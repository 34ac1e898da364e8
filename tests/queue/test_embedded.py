from __future__ import annotations

import stat
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError
from redis.retry import Retry

from app.core.errors import ConfigurationError
from app.queue import embedded
from app.queue.embedded import find_server, prepare_server

if TYPE_CHECKING:
    from conftest import RedisProcess

pytestmark = pytest.mark.redis


def fake_server(folder: Path, name: str, version: str) -> Path:
    path = folder / name
    path.write_text(f"#!/bin/sh\necho 'Redis server v={version} sha=00000000:0'\n")
    path.chmod(0o755)
    return path


def test_the_systems_server_is_taken_when_it_is_new_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    redis = fake_server(tmp_path, "redis-server", "7.0.15")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_server() == redis
    valkey = fake_server(tmp_path, "valkey-server", "8.1.1")
    assert find_server() == valkey


def test_an_old_server_is_passed_over_for_the_packaged_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_server(tmp_path, "redis-server", "6.2.14")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_server().name == "valkey-server"
    assert tmp_path not in find_server().parents


def test_without_any_server_the_message_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(embedded, "_packaged_server", lambda: None)
    with pytest.raises(ConfigurationError, match="RELAYPOINT_REDIS_URL"):
        find_server()


def test_socket_and_configuration_are_private_and_the_password_is_not_on_the_command_line(tmp_path: Path) -> None:
    server = prepare_server(tmp_path)
    password = server.url.split("@")[0].removeprefix("unix://:")
    assert len(password) > 20
    assert not any(password in word for word in server.argv)
    assert stat.S_IMODE(server.folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((server.folder / "redis.conf").stat().st_mode) == 0o600
    assert prepare_server(tmp_path).url != server.url


def test_a_long_instance_path_moves_the_socket(tmp_path: Path) -> None:
    server = prepare_server(tmp_path / ("x" * 120))
    assert len(str(server.folder / "redis.sock")) <= 100
    assert stat.S_IMODE(server.folder.stat().st_mode) == 0o700


def test_the_running_server_keeps_to_itself(redis_process: RedisProcess, redis: Redis) -> None:
    settings = redis.config_get("*")
    assert settings["port"] == "0"
    assert settings["save"] == ""
    assert settings["appendonly"] == "no"
    assert settings["maxmemory-policy"] == "noeviction"
    stranger = Redis(unix_socket_path=str(redis_process.server.folder / "redis.sock"), retry=Retry(NoBackoff(), 0))
    with pytest.raises(AuthenticationError):
        stranger.ping()
    stranger.close()
