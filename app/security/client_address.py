"""The network address that a request comes from, through the operator's own proxies."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address, ip_network


def client_address(peer: str, forwarded_for: str, trusted: Sequence[str]) -> str:
    """The nearest address that is no trusted proxy.

    Args:
        peer: who is at the other end of the connection.
        forwarded_for: the ``X-Forwarded-For`` header, to which each proxy has added whom it served; a caller may have
            put anything before that.
        trusted: networks of the operator's proxies.
    """
    chain = [*(part.strip() for part in forwarded_for.split(",") if part.strip()), peer]
    while len(chain) > 1 and _within(chain[-1], trusted) and _is_address(chain[-2]):
        chain.pop()
    return chain[-1]


def _within(address: str, networks: Sequence[str]) -> bool:
    return _is_address(address) and any(ip_address(address) in ip_network(network) for network in networks)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
