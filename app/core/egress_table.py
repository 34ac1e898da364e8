"""Which addresses and ports may be dialled: an explicit table, because no library's idea of "public" is a policy.

The rows come from the IANA special-purpose address registries (RFC 6890 and its updates). An address that wraps an
IPv4 address (mapped, NAT64, 6to4) is judged by the address inside. Everything here is pure: no look-ups, no I/O.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from app.core.errors import ConfigurationError

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

REFUSED_IPV4: tuple[tuple[IPv4Network, str], ...] = tuple(
    (IPv4Network(cidr), name)
    for cidr, name in (
        ("0.0.0.0/8", "this network"),
        ("10.0.0.0/8", "private"),
        ("100.64.0.0/10", "carrier-grade NAT"),
        ("127.0.0.0/8", "loopback"),
        ("169.254.0.0/16", "link-local"),
        ("172.16.0.0/12", "private"),
        ("192.0.0.0/24", "IETF protocol assignments"),
        ("192.0.2.0/24", "documentation"),
        ("192.88.99.0/24", "6to4 relay"),
        ("192.168.0.0/16", "private"),
        ("198.18.0.0/15", "benchmarking"),
        ("198.51.100.0/24", "documentation"),
        ("203.0.113.0/24", "documentation"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "reserved"),
        ("168.63.129.16/32", "cloud host agent"),
    )
)
"""IPv4 ranges that are never dialled without an operator's allow rule."""

REFUSED_IPV6: tuple[tuple[IPv6Network, str], ...] = tuple(
    (IPv6Network(cidr), name)
    for cidr, name in (
        ("::/128", "unspecified"),
        ("::1/128", "loopback"),
        ("::/96", "IPv4-compatible"),
        ("64:ff9b:1::/48", "local-use NAT64"),
        ("100::/64", "discard"),
        ("2001::/23", "IETF protocol assignments"),
        ("2001:db8::/32", "documentation"),
        ("3fff::/20", "documentation"),
        ("5f00::/16", "segment routing"),
        ("fc00::/7", "unique local"),
        ("fe80::/10", "link-local"),
        ("fec0::/10", "site-local"),
        ("ff00::/8", "multicast"),
    )
)
"""IPv6 ranges refused by name. What lies outside ``GLOBAL_UNICAST`` is refused anyway."""

GLOBAL_UNICAST = IPv6Network("2000::/3")
"""The only IPv6 space in use for global unicast (RFC 4291 section 2.4 and the IANA registry)."""

_MAPPED = IPv6Network("::ffff:0:0/96")
_NAT64 = IPv6Network("64:ff9b::/96")
_SIX_TO_FOUR = IPv6Network("2002::/16")

WEB_PORTS = frozenset({80, 443})
SYSLOG_PORTS = frozenset({514, 601})
"""Where syslog is spoken below 1024 (RFC 5426, RFC 6587); port 6514 of RFC 5425 needs no exception."""
LOWEST_FREE_PORT = 1024
HIGHEST_PORT = 65_535
REFUSED_PORTS = frozenset(
    {
        *(1433, 1521, 3306, 5432, 5984, 6379, 9042, 9200, 9300, 11_211, 26_379, 27_017, 27_018, 27_019),
        *(2049, 2375, 2376, 2379, 2380, 3389, 5672, 5900, 9092, 10_250),
    }
)
"""Ports from 1024 up where databases, caches, queues and machine controls listen; none of them takes a webhook."""

NOT_ALLOWED = " is not allowed: "
"""Stands between an address and the rule that refused it, in the words that are written down."""

_RULE = re.compile(r"(?:\[(?P<boxed>[0-9A-Fa-f:./]+)\]|(?P<bare>[0-9./]+))(?::(?P<port>[0-9]{1,5}))?")


_ROWS = frozenset(f"{network} {name}" for table in (REFUSED_IPV4, REFUSED_IPV6) for network, name in table)
_OTHERS = re.compile(r"zone id|not global unicast IPv6|unreadable address|port [0-9]{1,5}|plain [a-z+]{1,20}")
_WORDS = re.compile(rf"(?:[a-z ]+: )?[0-9A-Fa-f.:%\[\]]+{NOT_ALLOWED}(.*)")


def rule_that_refused(words: str) -> str:
    """The rule in words such as ``10.0.0.1:443 is not allowed: 10.0.0.0/8 private``; "" where there is none of ours.

    So what is left tells nothing of the address, nor anything that a receiver said.
    """
    found = _WORDS.fullmatch(words)
    rule = found[1] if found else ""
    return rule if rule in _ROWS or _OTHERS.fullmatch(rule) else ""


@dataclass(frozen=True, slots=True)
class AllowRule:
    """An operator's exception: this network may be dialled, on one port or (``port`` None) on any."""

    network: Network
    port: int | None = None

    def covers(self, address: Address, port: int) -> bool:
        """True when the rule speaks about this address and port."""
        return self.port in {None, port} and address.version == self.network.version and address in self.network


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer about one address and port. ``rule`` names the row that decided, for people to read."""

    allowed: bool
    rule: str
    operator_allowed: bool = False


def parse_allow(text: str) -> AllowRule:
    """Reads ``127.0.0.0/8``, ``127.0.0.1/32:9000``, ``fd00::/8`` or ``[::1/128]:9000``.

    Raises:
        ConfigurationError: the text is none of these.
    """
    wrong = ConfigurationError(
        f"{text!r} is not an allow rule; write a network such as 10.0.0.0/8, 10.1.2.3/32:9000 or [fd00::/8]:9000"
    )
    matched = _RULE.fullmatch(text)
    network_text, port_text = (matched["boxed"] or matched["bare"], matched["port"]) if matched else (text, None)
    try:
        network = ip_network(network_text)
    except ValueError:
        raise wrong from None
    port = int(port_text) if port_text else None
    if "%" in text or (port is not None and not 1 <= port <= HIGHEST_PORT):
        raise wrong
    return AllowRule(network, port)


def rule_for(address: str, port: int) -> str:
    """The narrowest allow rule for a textual address and a port, as :func:`parse_allow` reads it."""
    network = ip_network(address.partition("%")[0])
    return f"[{network}]:{port}" if isinstance(network, IPv6Network) else f"{network}:{port}"


def judge(
    address: bytes | Address, port: int, allow: Sequence[AllowRule] = (), low_ports: Collection[int] = WEB_PORTS
) -> Verdict:
    """May this address be dialled on this port?

    Args:
        address: 4 or 16 bytes in network order, or an ``ipaddress`` object.
        port: the port about to be dialled.
        allow: the operator's exceptions; one that covers the pair overrides the address and the port rules.
        low_ports: the ports below 1024 that the protocol to be spoken may use.
    """
    whole = ip_address(address) if isinstance(address, bytes) else address
    if isinstance(whole, IPv6Address) and whole.scope_id is not None:
        return Verdict(allowed=False, rule="zone id")
    for rule in allow:
        if rule.covers(whole, port):
            return Verdict(allowed=True, rule=f"allowed by the operator: {rule.network}", operator_allowed=True)
    refusal = _address_refusal(whole) or _port_refusal(port, low_ports)
    return Verdict(allowed=not refusal, rule=refusal or "public")


def _address_refusal(address: Address) -> str:
    if isinstance(address, IPv4Address):
        return _row(address, REFUSED_IPV4)
    inner = _wrapped_ipv4(address)
    if inner is not None:
        return _row(inner, REFUSED_IPV4)
    return _row(address, REFUSED_IPV6) or ("" if address in GLOBAL_UNICAST else "not global unicast IPv6")


def _row(address: Address, table: Sequence[tuple[Network, str]]) -> str:
    for network, name in table:
        if address in network:
            return f"{network} {name}"
    return ""


def _wrapped_ipv4(address: IPv6Address) -> IPv4Address | None:
    if address in _MAPPED or address in _NAT64:
        return IPv4Address(address.packed[12:])
    if address in _SIX_TO_FOUR:
        return IPv4Address(address.packed[2:6])
    return None


def _port_refusal(port: int, low_ports: Collection[int]) -> str:
    if port in low_ports or (LOWEST_FREE_PORT <= port <= HIGHEST_PORT and port not in REFUSED_PORTS):
        return ""
    return f"port {port}"
