from __future__ import annotations

import base64
from pathlib import Path

import pytest

from app.settings import Settings, SettingsError, load_settings, settings_table

DOCS = Path(__file__).resolve().parents[1] / "docs" / "settings.md"
KEY = "k1:" + base64.b64encode(bytes(32)).decode()


def test_defaults_need_nothing_and_point_into_the_instance_folder(tmp_path: Path) -> None:
    settings = load_settings({"RELAYPOINT_INSTANCE": str(tmp_path)})
    assert settings.database_url == f"sqlite:///{tmp_path}/relaypoint.db"
    assert settings.redis_url is None
    assert settings.egress_allow == ()
    assert settings.ingest_max_bytes == 64 * 1024 * 1024


def test_the_environment_wins_over_the_file_and_the_file_over_defaults(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(
        'port = 9001\nworkers = 5\negress_allow = ["127.0.0.0/8", "10.0.0.0/8:443"]\n'
    )
    settings = load_settings({"RELAYPOINT_INSTANCE": str(tmp_path), "RELAYPOINT_PORT": "9002"})
    assert (settings.port, settings.workers) == (9002, 5)
    assert settings.egress_allow == ("127.0.0.0/8", "10.0.0.0/8:443")


def test_every_mistake_is_named_at_once(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("colour = 'red'\nlog_format = 'xml'\n")
    environ = {
        "RELAYPOINT_INSTANCE": str(tmp_path),
        "RELAYPOINT_PORT": "eighty",
        "RELAYPOINT_DATABASE_URL": "mysql://db",
        "RELAYPOINT_SECRET_KEYS": "k1:short",
        "RELAYPOINT_EGRESS_ALLOW": "not-a-network",
        "RELAYPOINT_TYPO": "1",
    }
    with pytest.raises(SettingsError) as caught:
        load_settings(environ)
    named = " ".join(caught.value.problems)
    for word in ("colour", "log_format", "PORT", "DATABASE_URL", "SECRET_KEYS", "EGRESS_ALLOW", "TYPO"):
        assert word in named
    assert len(caught.value.problems) == 7


def test_a_broken_file_and_a_wrong_variable_are_reported_together(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("port = = 3")
    with pytest.raises(SettingsError) as caught:
        load_settings({"RELAYPOINT_INSTANCE": str(tmp_path), "RELAYPOINT_WORKERS": "0"})
    assert len(caught.value.problems) == 2


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_postgres_urls_are_brought_to_one_form(scheme: str) -> None:
    settings = load_settings({"RELAYPOINT_DATABASE_URL": f"{scheme}://u:p@h/db"})
    assert settings.database_url == "postgresql+psycopg://u:p@h/db"


@pytest.mark.parametrize(("word", "expected"), [("1", True), ("Yes", True), ("off", False), ("FALSE", False)])
def test_booleans_have_the_usual_words(word: str, expected: bool) -> None:  # noqa: FBT001 - a table column
    assert load_settings({"RELAYPOINT_STRICT_PLUGINS": word}).strict_plugins is expected


def test_an_empty_variable_means_the_default() -> None:
    assert load_settings({"RELAYPOINT_PORT": ""}).port == 8080


def test_printing_the_settings_shows_no_secret() -> None:
    settings = Settings(
        database_url="postgresql+psycopg://u:hunter2@h/d", redis_url="redis://:hunter2@h", secret_keys=KEY
    )
    assert "hunter2" not in repr(settings)
    assert KEY not in repr(settings)


def test_the_documentation_lists_exactly_the_settings_that_exist() -> None:
    assert settings_table() in DOCS.read_text(encoding="utf-8")


def test_a_key_exported_for_sending_stops_no_other_command(tmp_path: Path) -> None:
    load_settings({"RELAYPOINT_INSTANCE": str(tmp_path), "RELAYPOINT_KEY": "rp_x"})


def test_the_file_of_authorities_must_hold_a_certificate(tmp_path: Path) -> None:
    pem = tmp_path / "ca.pem"
    with pytest.raises(SettingsError, match=r"EGRESS_CA_FILE.*cannot be read: No such file"):
        load_settings({"RELAYPOINT_EGRESS_CA_FILE": str(pem)})
    pem.write_text("no certificate")
    with pytest.raises(SettingsError, match=r"EGRESS_CA_FILE.*holds no certificate"):
        load_settings({"RELAYPOINT_EGRESS_CA_FILE": str(pem)})
    pem.write_text("-----BEGIN CERTIFICATE-----\n")
    assert load_settings({"RELAYPOINT_EGRESS_CA_FILE": str(pem)}).egress_ca_file == pem


@pytest.mark.parametrize(
    ("text", "kept"),
    [("https://Relay.Example/", "https://relay.example"), ("http://127.0.0.1:8080", "http://127.0.0.1:8080")],
)
def test_the_public_address_is_kept_as_an_origin(text: str, kept: str) -> None:
    assert load_settings({"RELAYPOINT_PUBLIC_URL": text}).public_url == kept


@pytest.mark.parametrize(
    "text",
    ["relay.example", "ftp://relay.example", "https://", "https://a/b", "https://u@a", "https://a:x", "https://a?b"],
)
def test_a_public_address_that_is_more_or_less_than_an_origin_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="PUBLIC_URL"):
        load_settings({"RELAYPOINT_PUBLIC_URL": text})


def test_trusted_proxies_are_networks() -> None:
    settings = load_settings({"RELAYPOINT_TRUSTED_PROXIES": "10.0.0.0/8, 2001:db8::/32"})
    assert settings.trusted_proxies == ("10.0.0.0/8", "2001:db8::/32")
    with pytest.raises(SettingsError, match="'proxy' is not a network"):
        load_settings({"RELAYPOINT_TRUSTED_PROXIES": "proxy"})
