"""The egress policy as the client asks it: one remembered verdict per address and port."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

import pycurl

from app.core.egress_table import SYSLOG_PORTS, WEB_PORTS, AllowRule, Verdict, judge, rule_for
from app.core.endpoint_url import SYSLOG_SCHEMES, is_encrypted
from app.core.errors import ConfigurationError

LIBCURL_FLOOR: Final = 0x080600
"""8.6.0: the oldest release whose pre-request callback and header limits this client was written for."""
_KEY_LOG = "SSLKEYLOGFILE"
_REMEMBERED = 8192
_PLAIN = "plain "
_UNREADABLE = Verdict(allowed=False, rule="unreadable address")


@dataclass(frozen=True, slots=True)
class EgressPolicy:
    """What the operator decided about outgoing requests.

    Attributes:
        allow: addresses that may be dialled although the table refuses them; also without encryption.
        allow_http: True lets plain http and plain syslog go to public addresses as well.
        ca_bundle: path of the PEM file with the trusted certificate authorities.
    """

    allow: tuple[AllowRule, ...]
    ca_bundle: str
    allow_http: bool = False


@dataclass(frozen=True, slots=True)
class Judged:
    """One address the client wanted to dial, and what the policy said."""

    address: str
    port: int
    allowed: bool
    rule: str

    @property
    def remedy(self) -> str:
        """What to do about a refusal; "" when it may be dialled."""
        if self.allowed:
            return ""
        if self.rule == _UNREADABLE.rule:
            return "use another address"
        if self.rule.startswith(_PLAIN):
            return "use an address that is encrypted, such as https://"
        return (
            f"the operator can allow it with RELAYPOINT_EGRESS_ALLOW={rule_for(self.address, self.port)} and a restart"
        )


class Guard:
    """Judges the addresses the client is about to dial or has dialled."""

    def __init__(self, policy: EgressPolicy) -> None:
        self._policy = policy
        self._verdicts: dict[tuple[str, int, str], Verdict] = {}

    def verdict(self, address: str, port: int, scheme: str) -> Verdict:
        """May bytes of this scheme go to this textual address and port? What cannot be read is refused."""
        key = (address, port, scheme)
        known = self._verdicts.get(key)
        if known is None:
            if len(self._verdicts) >= _REMEMBERED:
                self._verdicts.clear()
            known = self._verdicts[key] = self._judge(address, port, scheme)
        return known

    def _judge(self, address: str, port: int, scheme: str) -> Verdict:
        low_ports = SYSLOG_PORTS if scheme in SYSLOG_SCHEMES else WEB_PORTS
        try:
            verdict = judge(ip_address(address), port, self._policy.allow, low_ports)
        except ValueError:
            return _UNREADABLE
        if verdict.allowed and not (is_encrypted(scheme) or verdict.operator_allowed or self._policy.allow_http):
            return Verdict(allowed=False, rule=f"{_PLAIN}{scheme}")
        return verdict


def check_environment(environ: Mapping[str, str]) -> None:
    """Makes sure that nobody told the TLS library to write the keys of its connections into a file.

    It reads that wish by itself, and every request could then be read by whoever has the file and the traffic.

    Raises:
        ConfigurationError: naming the variable.
    """
    if environ.get(_KEY_LOG):
        raise ConfigurationError(f"{_KEY_LOG} is set: the keys of every TLS connection would be written down; unset it")


@dataclass(frozen=True, slots=True)
class Build:
    """What the installed HTTP library says about itself."""

    pycurl: str
    libcurl: str
    tls: str


def check_build() -> Build:
    """Makes sure that the installed pycurl can keep the promises of this client.

    Raises:
        ConfigurationError: naming everything that is missing.
    """
    info = pycurl.version_info()
    missing = [
        problem
        for problem, present in (
            ("libcurl 8.6.0 or newer", info[2] >= LIBCURL_FLOOR),
            ("asynchronous name resolution", bool(info[4] & pycurl.VERSION_ASYNCHDNS)),
            ("OpenSSL", str(info[5]).startswith("OpenSSL/")),
            ("the pre-request callback", hasattr(pycurl, "PREREQFUNCTION")),
            ("the socket callback of CurlMulti", hasattr(pycurl, "M_SOCKETFUNCTION")),
        )
        if not present
    ]
    if missing:
        raise ConfigurationError(f"the installed pycurl ({pycurl.version}) lacks: {', '.join(missing)}")
    return Build(pycurl=pycurl.version.split()[0].partition("/")[2], libcurl=str(info[1]), tls=str(info[5]))
