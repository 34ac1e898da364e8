"""The settings of one installation: ``RELAYPOINT_*`` environment over ``config.toml`` over defaults.

An unknown or invalid setting stops the start, and all of them are named at once. Values in ``config.toml`` carry the
lower-case name without the prefix; lists are written as comma-separated text or as TOML arrays.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from app.core.egress_table import parse_allow
from app.core.errors import ConfigurationError
from app.security.master_keys import parse_master_keys

PREFIX = "RELAYPOINT_"
CONFIG_FILE = "config.toml"
_INSTANCE = Path("instance")
_MIB = 1024 * 1024
_CERTIFICATE = b"-----BEGIN CERTIFICATE-----"
_DATABASES = ("sqlite:///", "postgresql+psycopg://")
_REDIS_WEAKENING = {"ssl_cert_reqs", "ssl_check_hostname"}
"""Parameters of the URL that would switch a check off."""
_REDIS_SCHEMES = ("redis://", "rediss://", "unix://", "redis+sentinel://", "rediss+sentinel://")


_EVERY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared with, not bound to


class SettingsError(ConfigurationError):
    """One or more settings are wrong; ``problems`` has one sentence for each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


def _boolean(text: str) -> bool:
    words = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
    if text.lower() not in words:
        raise ValueError("must be true or false")
    return words[text.lower()]


def _whole(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
            raise ValueError(f"must be a whole number from {low} to {high}")
        return int(text)

    return parse


def _memory(text: str) -> int:
    if text == "0":
        return 0
    return _whole(256, 1 << 20)(text)


def _names(text: str) -> tuple[str, ...]:
    return tuple(item.strip() for item in text.split(",") if item.strip())


def _networks(text: str) -> tuple[str, ...]:
    items = _names(text)
    for item in items:
        try:
            parse_allow(item)
        except ConfigurationError as error:
            raise ValueError(str(error)) from None
    return items


def _database(text: str) -> str:
    url = text
    for short in ("postgresql://", "postgres://"):
        if text.startswith(short):
            url = "postgresql+psycopg://" + text.removeprefix(short)
    if not url.startswith(_DATABASES):
        raise ValueError("must start with sqlite:/// or postgresql://")
    return url


def _redis(text: str) -> str:
    if not text.startswith(_REDIS_SCHEMES):
        raise ValueError(f"must start with one of {' '.join(_REDIS_SCHEMES)}")
    if set(parse_qs(urlsplit(text).query)) & _REDIS_WEAKENING:
        raise ValueError("certificates are always checked; name a private authority with RELAYPOINT_REDIS_CA_FILE")
    return text


def _secret_keys(text: str) -> str:
    try:
        parse_master_keys(text)
    except ConfigurationError as error:
        raise ValueError(str(error)) from None
    return text


def _certificates(text: str) -> Path:
    path = Path(text)
    try:
        found = _CERTIFICATE in path.read_bytes()
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror}") from None
    if not found:
        raise ValueError("holds no certificate in PEM form")
    return path.resolve()


def _public_url(text: str) -> str:
    parts = urlsplit(text)
    try:
        plain = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        plain = False
    if not plain or parts.path not in {"", "/"} or parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError("must be scheme and host, such as https://relaypoint.example.com")
    return f"{parts.scheme}://{parts.netloc.lower()}"


def _issuer(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("must be the provider's own name, such as https://login.example.com")
    return text


def _proxies(text: str) -> tuple[str, ...]:
    items = _names(text)
    for item in items:
        try:
            ip_network(item)
        except ValueError:
            raise ValueError(f"{item!r} is not a network such as 10.0.0.0/8") from None
    return items


def _log_format(text: str) -> str:
    if text not in {"text", "json"}:
        raise ValueError("must be text or json")
    return text


def _setting(default: Any, parse: Callable[[str], Any], meaning: str, *, secret: bool = False) -> Any:
    return field(default=default, repr=not secret, metadata={"parse": parse, "meaning": meaning})


NOT_SETTINGS = frozenset({"RELAYPOINT_KEY", "RELAYPOINT_BENCH_POSTGRES", "RELAYPOINT_TEST_POSTGRES"})
"""Names with our prefix that single commands and the tests read; a shell that exports them may run every command."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything an operator may set. Made by :func:`load_settings`; tests may build one directly."""

    instance: Path = _setting(  # noqa: RUF009 - _setting makes a dataclasses.field, as for every field below
        _INSTANCE, Path, "folder of the database, keys and sockets (environment only)"
    )
    database_url: str = _setting(
        "", _database, "sqlite:///PATH or postgresql://…; default: relaypoint.db in the instance folder", secret=True
    )
    redis_url: str | None = _setting(
        None, _redis, "redis://, rediss://, unix:// or redis+sentinel://; default: the embedded server", secret=True
    )
    redis_ca_file: Path | None = _setting(  # noqa: RUF009 - as above
        None, _certificates, "PEM file of the authority of a rediss:// server; default: the system's"
    )
    egress_allow: tuple[str, ...] = _setting(
        (), _networks, "networks that may be dialled although not public: CIDR or CIDR:port, comma separated"
    )
    egress_allow_http: bool = _setting(
        False, _boolean, "also deliver to http:// and plain syslog endpoints on public addresses"
    )
    egress_ca_file: Path | None = _setting(  # noqa: RUF009 - as above
        None, _certificates, "PEM file of the certificate authorities that receivers may have; default: the public ones"
    )
    secret_keys: str | None = _setting(
        None,
        _secret_keys,
        "master keys id:base64, the first seals; default: secret.key in the instance folder",
        secret=True,
    )
    host: str = _setting("127.0.0.1", str, "address the web process listens on")
    port: int = _setting(8080, _whole(0, 65535), "port the web process listens on")
    public_url: str | None = _setting(
        None,
        _public_url,
        "what people type to come here, https://HOST; needed to listen on other addresses than loopback",
    )
    trusted_proxies: tuple[str, ...] = _setting(
        (), _proxies, "networks of the proxies in front, whose X-Forwarded-For is believed: CIDR, comma separated"
    )
    oidc_issuer: str | None = _setting(None, _issuer, "OpenID provider where people may sign in, https://…")
    oidc_client_id: str | None = _setting(None, str, "what the provider calls this installation")
    oidc_client_secret: str | None = _setting(
        None, str, "the secret it shares with the provider; without one PKCE alone proves it", secret=True
    )
    workers: int = _setting(2, _whole(1, 256), "delivery worker processes started by `up` and `worker`")
    memory_limit_mib: int = _setting(
        2048, _memory, "MiB of memory that a web or worker process may take, from 256; 0: no limit"
    )
    disabled_plugins: tuple[str, ...] = _setting((), _names, "plugins not to load, comma separated")
    enabled_plugins: tuple[str, ...] = _setting((), _names, "when set, only these plugins load, comma separated")
    strict_plugins: bool = _setting(False, _boolean, "a plugin that fails to load stops the start")
    log_format: str = _setting("text", _log_format, "text or json")
    retention_days: int = _setting(3, _whole(1, 3650), "days that request and response bodies are kept")
    receipt_retention_days: int = _setting(
        90, _whole(1, 3650), "days that events, what became of each, and batches are kept"
    )
    ingest_max_bytes: int = _setting(
        64 * _MIB, _whole(1024, 1024 * _MIB), "largest ingest body in bytes, before and after decompression"
    )
    ingest_rate_per_s: int | None = _setting(
        None, _whole(1, 1_000_000), "events per second that a key or source without a limit of its own may send"
    )

    def __post_init__(self) -> None:
        if not self.database_url:
            object.__setattr__(self, "database_url", f"sqlite:///{self.instance.resolve() / 'relaypoint.db'}")
        if self.redis_url and self.redis_ca_file and self.redis_url.startswith("rediss"):
            joint = "&" if "?" in self.redis_url else "?"
            given = f"{self.redis_url}{joint}ssl_ca_certs={quote(str(self.redis_ca_file))}"
            object.__setattr__(self, "redis_url", given)

    @property
    def local_host(self) -> str:
        """Where this machine finds its own web process: one that listens on every address is on loopback, too."""
        return _EVERY_ADDRESS.get(self.host, self.host)


def load_settings(environ: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings of this process.

    Raises:
        SettingsError: naming every unknown and every invalid setting.
    """
    known = {one.name: one.metadata["parse"] for one in fields(Settings)}
    instance = Path(environ.get(f"{PREFIX}INSTANCE") or "instance")
    problems: list[str] = []
    sources = _from_file(instance / CONFIG_FILE, problems)
    for name, text in environ.items():
        if name.startswith(PREFIX) and name not in NOT_SETTINGS:
            sources[name.removeprefix(PREFIX).lower()] = (name, text)
    values: dict[str, Any] = {}
    for name, (origin, text) in sorted(sources.items()):
        if name not in known:
            problems.append(f"{origin}: there is no such setting")
        elif text.strip():
            try:
                values[name] = known[name](text.strip())
            except ValueError as error:
                problems.append(f"{origin}: {error}")
    if not problems:
        settings = Settings(**values)
        problems = _contradictions(settings)
        if not problems:
            return settings
    raise SettingsError(problems)


def _contradictions(settings: Settings) -> list[str]:
    """What is wrong although each setting alone is right."""
    problems = []
    if settings.receipt_retention_days < settings.retention_days:
        problems.append(f"{PREFIX}RECEIPT_RETENTION_DAYS: must not be less than {PREFIX}RETENTION_DAYS")
    if (settings.oidc_issuer is None) != (settings.oidc_client_id is None):
        problems.append(f"{PREFIX}OIDC_ISSUER and {PREFIX}OIDC_CLIENT_ID: set both or none")
    return problems


def _from_file(path: Path, problems: list[str]) -> dict[str, tuple[str, str]]:
    """``{name: (where it stands, text)}`` of the configuration file; no file is fine."""
    try:
        with path.open("rb") as file:
            content = tomllib.load(file)
    except FileNotFoundError:
        return {}
    except (OSError, tomllib.TOMLDecodeError) as error:
        problems.append(f"{path}: cannot be read: {error}")
        return {}
    found: dict[str, tuple[str, str]] = {}
    for name, value in content.items():
        origin = f"{path}: {name}"
        if name == "instance":
            problems.append(f"{origin}: set {PREFIX}INSTANCE instead; this file lies inside that folder")
        elif isinstance(value, dict):
            problems.append(f"{origin}: there is no such section")
        else:
            found[name] = (origin, _as_text(value))
    return found


def _as_text(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(str(item) for item in value)
    return str(value)


def settings_table() -> str:
    """The documentation table of every setting, in Markdown (`docs/settings.md` is compared with it)."""
    lines = ["| environment variable | default | meaning |", "|---|---|---|"]
    for one in fields(Settings):
        shown = one.default
        if isinstance(shown, tuple):
            shown = ",".join(shown)
        if isinstance(shown, bool):
            shown = str(shown).lower()
        cell = f"`{shown}`" if shown not in {"", None} else ""
        lines.append(f"| `{PREFIX}{one.name.upper()}` | {cell} | {one.metadata['meaning'].replace('|', '/')} |")
    return "\n".join(lines) + "\n"
