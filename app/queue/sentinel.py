"""Redis behind Sentinel: ``redis+sentinel://[user:password@]host:port[,host:port…]/service[?db=N]``.

The user and password are those of the data servers; with ``rediss+sentinel`` the data servers speak TLS.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from redis import Redis
from redis.sentinel import Sentinel

from app.core.errors import ConfigurationError

SCHEMES = ("redis+sentinel", "rediss+sentinel")
_DEFAULT_PORT = 26379
_SENTINEL: Callable[..., Any] = Sentinel
"""The library's class, which carries no types."""


@dataclass(frozen=True, slots=True)
class SentinelAddress:
    """What a sentinel URL says."""

    sentinels: tuple[tuple[str, int], ...]
    service: str
    database: int
    tls: bool
    ca_file: str | None
    credentials: Mapping[str, str] = field(repr=False)


def is_sentinel(url: str) -> bool:
    """Whether the URL names sentinels rather than a server."""
    return url.partition("://")[0] in SCHEMES


def parse_sentinel(url: str) -> SentinelAddress:
    """Take a sentinel URL apart.

    Raises:
        ConfigurationError: it names no sentinel or no service. The message does not repeat the URL.
    """
    parts = urlsplit(url)
    user_info, _, hosts = parts.netloc.rpartition("@")
    user, _, password = user_info.partition(":")
    try:
        sentinels = tuple(_host_and_port(host) for host in hosts.split(",") if host)
        query = parse_qs(parts.query)
        database = int(query.get("db", ["0"])[0])
    except ValueError as error:
        raise ConfigurationError("the Redis sentinel URL has a port or a database that is no number") from error
    service = parts.path.strip("/")
    if not sentinels or not service:
        raise ConfigurationError("a Redis sentinel URL looks like redis+sentinel://host:26379,host:26379/service")
    named = {"username": unquote(user), "password": unquote(password)}
    credentials = {name: value for name, value in named.items() if value}
    ca_file = query.get("ssl_ca_certs", [None])[0]
    return SentinelAddress(sentinels, service, database, parts.scheme == SCHEMES[1], ca_file, credentials)


def sentinel_redis(url: str, options: Mapping[str, Any]) -> Redis:
    """A client that asks the sentinels for the current primary with every new connection.

    Args:
        url: see the module.
        options: timeouts and retry of the client, used for the sentinels as well.
    """
    address = parse_sentinel(url)
    sentinel = _SENTINEL(address.sentinels, sentinel_kwargs=dict(options))
    tls = {"ssl": True, "ssl_ca_certs": address.ca_file} if address.tls else {}
    client: Redis = sentinel.master_for(address.service, db=address.database, **tls, **address.credentials, **options)
    return client


def _host_and_port(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or port.endswith("]"):
        return text.strip("[]"), _DEFAULT_PORT
    return host.strip("[]"), int(port)
