"""Who may come from other machines only when the operator has thought of it."""

from __future__ import annotations

from ipaddress import ip_address

from app.core.errors import ConfigurationError
from app.security.master_keys import KEY_FILE
from app.settings import Settings


def refuse_open_bind(settings: Settings) -> None:
    """Refuse to listen where others can reach it without https in front and a master key that was chosen before.

    Passwords and keys would cross the network readable; and a key made in passing is one that nobody has a copy of.

    Raises:
        ConfigurationError: naming what to set.
    """
    if is_loopback(settings.host):
        return
    missing = []
    if not (settings.public_url or "").startswith("https://"):
        missing.append("RELAYPOINT_PUBLIC_URL=https://… (a proxy that speaks https has to stand in front)")
    if settings.secret_keys is None and not (settings.instance / KEY_FILE).exists():
        missing.append(f"RELAYPOINT_SECRET_KEYS (or start once on 127.0.0.1, which writes {KEY_FILE}; keep a copy)")
    if missing:
        raise ConfigurationError(f"to listen on {settings.host}, set {' and '.join(missing)}; or use --host 127.0.0.1")


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address to listen on."""
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
