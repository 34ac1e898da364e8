"""The address table: one case per row with both boundaries, then random addresses."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.egress_table import (
    GLOBAL_UNICAST,
    NOT_ALLOWED,
    REFUSED_IPV4,
    REFUSED_IPV6,
    REFUSED_PORTS,
    AllowRule,
    judge,
    parse_allow,
    rule_for,
    rule_that_refused,
)
from app.core.errors import ConfigurationError

V4_ROWS = [network for network, _ in REFUSED_IPV4]
V6_ROWS = [network for network, _ in REFUSED_IPV6]
WRAPPERS = {"mapped": "::ffff:0:0", "nat64": "64:ff9b::"}


def wrapped(kind: str, inner: IPv4Address) -> IPv6Address:
    if kind == "6to4":
        return IPv6Address((0x2002 << 112) | (int(inner) << 80))
    return IPv6Address(int(IPv6Address(WRAPPERS[kind])) + int(inner))


def test_the_ipv4_table_holds_exactly_the_known_rows() -> None:
    assert {str(network) for network in V4_ROWS} == {
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24"),
        *("203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4", "168.63.129.16/32"),
    }


@pytest.mark.parametrize("row", V4_ROWS, ids=str)
def test_first_and_last_ipv4_address_of_a_row_are_refused_and_the_neighbours_are_not(row: IPv4Network) -> None:
    assert not judge(row[0], 443).allowed
    assert not judge(row[-1].packed, 443).allowed
    for number in (int(row[0]) - 1, int(row[-1]) + 1):
        if not 0 <= number < 2**32:
            continue
        neighbour = IPv4Address(number)
        assert judge(neighbour, 443).allowed == (not any(neighbour in other for other in V4_ROWS))


@pytest.mark.parametrize("row", V6_ROWS, ids=str)
def test_first_and_last_ipv6_address_of_a_row_are_refused(row: IPv6Network) -> None:
    assert not judge(row[0].packed, 443).allowed
    assert not judge(row[-1], 443).allowed


@pytest.mark.parametrize(
    ("text", "allowed"),
    [
        ("2001:1ff:ffff::1", False),
        ("2001:200::", True),
        ("2001:db7:ffff::1", True),
        ("2001:db9::", True),
        ("3ffe:ffff::1", True),
        ("3fff:0fff:ffff::1", False),
        ("3fff:1000::", True),
        ("1fff:ffff::", False),
        ("4000::", False),
        ("2000::", True),
        ("::127.0.0.1", False),
        ("::8.8.8.8", False),
        ("fec0::1", False),
        ("64:ff9b:1::1", False),
        ("64:ff9b::a9fe:a9fe", False),
        ("64:ff9b::808:808", True),
        ("2002:7f00:1::", False),
        ("2002:808:808::1", True),
        ("::ffff:8.8.8.8", True),
        ("::ffff:10.0.0.1", False),
    ],
)
def test_ipv6_boundaries_and_wrapped_addresses(text: str, allowed: bool) -> None:  # noqa: FBT001 - a table column
    assert judge(ip_address(text), 443).allowed is allowed


def test_a_zone_id_is_refused_even_when_the_network_is_allowed() -> None:
    assert not judge(ip_address("fe80::1%lo"), 443, [parse_allow("fe80::/10")]).allowed


@given(st.integers(0, 2**32 - 1), st.sampled_from(["mapped", "nat64", "6to4"]))
def test_a_wrapped_ipv4_address_is_judged_like_the_one_inside(number: int, kind: str) -> None:
    inner = IPv4Address(number)
    assert judge(wrapped(kind, inner), 443).allowed == judge(inner, 443).allowed


@given(st.integers(0, 2**128 - 1))
def test_ipv6_outside_global_unicast_is_allowed_only_as_a_wrapped_public_ipv4(number: int) -> None:
    address = IPv6Address(number)
    if address not in GLOBAL_UNICAST and address not in IPv6Network("64:ff9b::/96") and address.ipv4_mapped is None:
        assert not judge(address, 443).allowed


@given(st.integers(-1, 70_000))
def test_the_port_rule(port: int) -> None:
    expected = port in {80, 443} or (1024 <= port <= 65_535 and port not in REFUSED_PORTS)
    assert judge(ip_address("8.8.8.8"), port).allowed is expected


@pytest.mark.parametrize("port", [22, 25, 3306, 5432, 6379, 9200, 11211, 27017])
def test_well_known_service_ports_are_refused(port: int) -> None:
    assert judge(ip_address("8.8.8.8"), port).rule == f"port {port}"


@given(st.ip_addresses(), st.integers(1, 65535))
def test_the_rule_that_is_told_for_an_address_and_port_allows_just_these(
    address: IPv4Address | IPv6Address, port: int
) -> None:
    rule = parse_allow(rule_for(str(address), port))
    assert rule.covers(address, port)
    assert rule.network.num_addresses == 1
    assert not rule.covers(address, port - 1)


def test_an_allow_rule_overrides_address_and_port_rules_and_says_so() -> None:
    verdict = judge(ip_address("127.0.0.1"), 6379, [parse_allow("127.0.0.0/8")])
    assert verdict.allowed
    assert verdict.operator_allowed
    assert not judge(ip_address("127.0.0.1"), 9001, [parse_allow("127.0.0.1/32:9000")]).allowed
    assert judge(ip_address("::1"), 9000, [parse_allow("[::1/128]:9000")]).allowed
    assert not judge(ip_address("::ffff:127.0.0.1"), 443, [parse_allow("127.0.0.0/8")]).allowed


@pytest.mark.parametrize(
    ("text", "network", "port"),
    [
        ("127.0.0.0/8", "127.0.0.0/8", None),
        ("10.1.2.3:9000", "10.1.2.3/32", 9000),
        ("[fd00::/8]:9000", "fd00::/8", 9000),
        ("[::1]", "::1/128", None),
        ("fd00::/8", "fd00::/8", None),
    ],
)
def test_allow_rules_are_read(text: str, network: str, port: int | None) -> None:
    rule = parse_allow(text)
    assert (str(rule.network), rule.port) == (network, port)
    assert isinstance(rule, AllowRule)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "*",
        "localhost",
        "10.0.0.0/33",
        "10.0.0.1/8",
        "10.0.0.0/8:0",
        "10.0.0.0/8:70000",
        "[::1",
        "fe80::1%lo",
        "1:2",
    ],
)
def test_junk_is_no_allow_rule(text: str) -> None:
    with pytest.raises(ConfigurationError):
        parse_allow(text)


@given(st.ip_addresses(), st.integers(1, 65_535))
def test_every_refusal_names_a_rule_that_is_found_again_in_its_words(
    address: IPv4Address | IPv6Address, port: int
) -> None:
    verdict = judge(address, port)
    shown = f"[{address}]:{port}" if address.version == 6 else f"{address}:{port}"
    expected = "" if verdict.allowed else verdict.rule
    assert rule_that_refused(f"{shown}{NOT_ALLOWED}{verdict.rule}") == expected
    assert rule_that_refused(f"asked to confirm: {shown}{NOT_ALLOWED}{verdict.rule}") == expected


@pytest.mark.parametrize("row", [*REFUSED_IPV4, *REFUSED_IPV6])
def test_every_row_of_the_table_is_found_again(row: tuple[IPv4Network | IPv6Network, str]) -> None:
    rule = f"{row[0]} {row[1]}"
    assert rule_that_refused(f"10.0.0.1:443{NOT_ALLOWED}{rule}") == rule


@pytest.mark.parametrize("rule", ["zone id", "unreadable address", "plain http", "plain syslog+tcp", "port 25"])
def test_rules_that_are_no_rows_are_found_again(rule: str) -> None:
    assert rule_that_refused(f"8.8.8.8:25{NOT_ALLOWED}{rule}") == rule


@pytest.mark.parametrize(
    "words",
    [
        "",
        "paused by hand",
        "10.0.0.1:443 is not allowed: ask Secretive Ltd",
        "10.0.0.1:443 is not allowed: 10.0.0.0/8 private\nSecretive Ltd",
        "HTTP 403: Secretive Ltd is not allowed: 10.0.0.0/8 private",
        "https://secretive.example is not allowed: port 25",
        "10.0.0.1:443 is not allowed: port 25 of Secretive",
    ],
)
def test_other_words_name_no_rule(words: str) -> None:
    assert rule_that_refused(words) == ""
