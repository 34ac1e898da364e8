"""Targets that nobody may reach, however they are written. The list only grows.

Names end in ``.test`` and say themselves what they resolve to (``tests/faults/dns_server.py``), so that the attacks of
wildcard DNS, of mixed answers and of rebinding are part of it.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address

from app.core.egress_table import REFUSED_IPV4, REFUSED_IPV6

METADATA = "169.254.169.254"
PUBLIC = "8.8.8.8"
REDIRECTOR = f"http://{PUBLIC}:8000"
"""Answers every request with a redirect to what its query says."""


def name_for(*addresses: str, how: str = "to") -> str:
    """A name that resolves to these addresses."""
    return "-".join([how, *(ip_address(one).packed.hex() for one in addresses)]) + ".test"


_IPV4_LITERALS = (
    *("127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7F.1", "0x7f.0x0.0x0.0x1", "017700000001"),
    *("0177.0.0.1", "0177.0.0.01", "00000177.0.0.1", "127.000.000.001", "127.0.0.1.", "127.1.", "0", "0.0.0.0", "0.0"),  # noqa: S104 - hostile targets
    *("127.255.255.254", "127.0.0.53", "0x7f.1.", "2130706434", "127.0x1", "0b1", "00", "0x0", "0000.0"),
    *("10.0.0.1", "10.1", "167772161", "0xa000001", "012.0.0.1", "10.255.255.255", "0x0a.0.0.1"),
    *("172.16.0.1", "172.31.255.254", "2886729729", "0xac100001", "192.168.0.1", "192.168.1", "3232235521"),
    *("0300.0250.0.1", METADATA, "2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "169.254.43518", "169.16689662"),
    *("0xa9.0xfe.0xa9.0xfe", "169.254.169.253", "169.254.170.2", "100.64.0.1", "100.100.100.200", "100.127.255.255"),
    *("168.63.129.16", "2822734096", "192.0.0.8", "192.0.0.192", "192.0.2.1", "192.88.99.1", "198.18.0.1"),
    *("198.19.255.255", "198.51.100.7", "203.0.113.7", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255"),
    *("4294967295", "0xffffffff", "037777777777", "127.0.0.1%00", "127.0.0.1%20", "127.0.0.1%2e"),
)
_IPV6_LITERALS = (
    *("::1", "0:0:0:0:0:0:0:1", "0000:0000:0000:0000:0000:0000:0000:0001", "::0001", "::", "0::0", "::127.0.0.1"),
    *("::7f00:1", "::10.0.0.1", "::a9fe:a9fe", "::ffff:127.0.0.1", "::ffff:7f00:1", "::FFFF:7F00:0001"),
    *("0:0:0:0:0:ffff:127.0.0.1", "0:0:0:0:0:ffff:7f00:1", "::ffff:10.0.0.1", "::ffff:169.254.169.254"),
    *("::ffff:a9fe:a9fe", "::ffff:192.168.0.1", "::ffff:100.64.0.1", "::ffff:0.0.0.0", "::ffff:168.63.129.16"),
    *("::ffff:0:127.0.0.1", "64:ff9b::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b::10.0.0.1"),
    *("64:ff9b:0:0:0:0:a9fe:a9fe", "64:ff9b:1::1", "64:ff9b:1::7f00:1", "2002:7f00:1::", "2002:a9fe:a9fe::1"),
    *("2002:0a00:0001::1", "2002:c0a8:1::", "2002:6440:1::", "2001::1", "2001:0:7f00:1::", "2001:1ff:ffff::1"),
    *("2001:db8::1", "2001:20::1", "3fff::1", "3fff:fff::1", "5f00::1", "fc00::1", "fd00::1", "fdff:ffff::1"),
    *("fd00:ec2::254", "fd20:ce::254", "fe80::1", "fe80::1%25lo", "fe80::1%25eth0", "fe80::1%lo", "::1%25lo"),
    *("fec0::1", "ff02::1", "ff05::1:3", "100::1", "1fff::1", "4000::1", "8000::1", "::ffff:8.8.8.8%25lo"),
)
_HOST_TRICKS = (
    *("localhost", "LOCALHOST", "localhost.", "localhost.localdomain", "ip6-localhost", "foo.localhost"),
    *(
        "\uff11\uff12\uff17.0.0.1",
        "\u2460\u2461\u2466.0.0.1",
        "127\u30020\u30020\u30021",
        "127\uff0e0\uff0e0\uff0e1",
        "⑯⑨。②⑤④。⑯⑨。②⑤④",
    ),
    *("%31%32%37.0.0.1", "%6c%6f%63%61%6c%68%6f%73%74", "127%2e0%2e0%2e1", "127.0.0.1%09", "\u0131localhost"),
    *("user@127.0.0.1", "user:pass@127.0.0.1", "8.8.8.8@127.0.0.1", "8.8.8.8:80@127.0.0.1", "a@b@127.0.0.1"),
    *(
        "8.8.8.8\\@127.0.0.1",
        "evil\\@127.0.0.1",
        "127.0.0.1\\.example.com",
        "8.8.8.8%2f@127.0.0.1",
    ),
    *(
        "8.8.8.8%00@127.0.0.1",
        "@127.0.0.1",
        ":@127.0.0.1",
        "127.0.0.1:0x50",
        "[127.0.0.1]",
        "[::1",
        "::1",
        "[::1].test",
    ),
    *(
        "127.0.0.1\t",
        "\t127.0.0.1",
        "127.0.\n0.1",
        "127.0.0.1\r\nHost: x",
        "127.0.0.1\0.example.com",
        "127.0.0.1 .test",
    ),
    *(
        "127.0.0.1:22",
        "127.0.0.1:6379",
        f"{PUBLIC}:22",
        f"{PUBLIC}:25",
        f"{PUBLIC}:6379",
        f"{PUBLIC}:2375",
        f"{PUBLIC}:0",
    ),
)
_NAMES = (
    *(name_for("127.0.0.1"), name_for("10.0.0.1"), name_for(METADATA), name_for("100.64.0.1"), name_for("0.0.0.0")),  # noqa: S104 - as above
    *(name_for("::1"), name_for("fd00::1"), name_for("64:ff9b::a9fe:a9fe"), name_for("::ffff:127.0.0.1")),
    *(name_for("fe80::1"), name_for("2002:7f00:1::"), name_for("168.63.129.16"), name_for("127.0.0.1") + "."),
    *(name_for("127.0.0.1", "10.0.0.1"), name_for("127.0.0.1", "::1"), name_for("192.168.1.1").upper()),
)
_SLIPPERY_NAMES = (
    *(name_for("127.0.0.1", PUBLIC), name_for("::1", "2606:4700::1"), name_for("127.0.0.1", PUBLIC, "10.0.0.1")),
    *(name_for(PUBLIC, "127.0.0.1"), name_for(PUBLIC, "::1"), name_for(PUBLIC, PUBLIC, "10.0.0.1")),
    *(name_for(PUBLIC, "127.0.0.1", how=f"rebind{number}") for number in range(4)),
    *(name_for(PUBLIC, METADATA, how=f"rebind{number}") for number in range(2)),
    name_for(PUBLIC, "::1", how="rebind0"),
)
_FOREIGN_SCHEMES = (
    *("file:///etc/hostname", "file://127.0.0.1/etc/passwd", "FILE:///etc/hostname", "gopher://127.0.0.1:6379/_INFO"),
    *("ftp://127.0.0.1/", "ws://127.0.0.1/", "dict://127.0.0.1:11211/stat", "ldap://127.0.0.1/", "telnet://127.0.0.1"),
    *("smtp://127.0.0.1:25/", "unix:///run/docker.sock", "http+unix://%2frun%2fdocker.sock/", "jar:http://127.0.0.1!/"),
    *("//127.0.0.1/", "127.0.0.1", "http:127.0.0.1", "http:/127.0.0.1", "http:///127.0.0.1/", "http:////127.0.0.1/"),
    *("http:\\\\127.0.0.1\\", "https:@127.0.0.1/", " http://127.0.0.1/", "http://127.0.0.1#@8.8.8.8/", "javascript:0"),
)
_TAILS = (
    "http://127.0.0.1?@8.8.8.8/",
    "http://127.0.0.1/@8.8.8.8/",
    "http://127.0.0.1;@8.8.8.8/",
    "http://127.0.0.1,8.8.8.8/",
)
_MISREAD = (
    f"http://127.0.0.1\\@{PUBLIC}/",
    f"http://{PUBLIC}#@127.0.0.1/",
    f"http://{PUBLIC}?@127.0.0.1/",
    f"http://{PUBLIC}/@127.0.0.1/",
)
_SYSLOG = tuple(
    f"{scheme}://{host}:{port}"
    for scheme, port in (("syslog+tcp", 514), ("syslog+tls", 6514), ("syslog+udp", 514))
    for host in ("127.0.0.1", "[::1]", "0x7f.1", METADATA, "[::ffff:10.0.0.1]", name_for("127.0.0.1"), "2130706433")
)
_REDIRECTS = tuple(
    f"{REDIRECTOR}/?{to}"
    for to in (
        *(
            "http://127.0.0.1/",
            "https://127.0.0.1/",
            f"http://{METADATA}/latest/meta-data/",
            "http://[::1]/",
            "file:///etc/hostname",
        ),
        *(
            "//127.0.0.1/",
            f"http://{name_for('127.0.0.1')}/",
            "gopher://127.0.0.1:6379/",
            "http://0x7f.1/",
            f"http://{PUBLIC}:81/",
        ),
    )
)

FORBIDDEN: tuple[str, ...] = (
    *(f"http://{host}/" for host in (*_IPV4_LITERALS, *_HOST_TRICKS, *_NAMES)),
    *(f"http://[{address}]/" for address in _IPV6_LITERALS),
    *(f"https://{host}:8443/" for host in ("127.0.0.1", "[::1]", "2130706433", METADATA, name_for("10.0.0.1"))),
    *_FOREIGN_SCHEMES,
    *_TAILS,
    *_SYSLOG,
)
"""Nothing is dialled for these, on any path."""

SLIPPERY: tuple[str, ...] = (*(f"http://{host}/" for host in _SLIPPERY_NAMES), *_MISREAD, *_REDIRECTS)
"""A public address may be dialled for these, and no other."""


def generated(seed: int, count: int) -> Iterator[str]:
    """Random spellings of random forbidden addresses, and of names that lead to them."""
    dice = random.Random(seed)  # noqa: S311 - a reproducible test corpus
    for _ in range(count):
        yield _one(dice)


def _one(dice: random.Random) -> str:
    host = _HOSTS[dice.randrange(len(_HOSTS))](dice)
    host = dice.choice(_DRESSINGS)(host, dice)
    scheme = dice.choice(("http", "https", "HTTP", "hTTps", "http", "http"))
    port = dice.choice(("", "", "", ":80", ":443", ":8080", ":65535", ":22", ":"))
    tail = dice.choice(("", "/", "/x", "?@8.8.8.8", "/%2e%2e/", "/a?b=http://8.8.8.8/"))
    return f"{scheme}://{host}{port}{tail}"


def _ipv4(dice: random.Random) -> IPv4Address:
    network = dice.choice(REFUSED_IPV4)[0]
    return network[dice.randrange(network.num_addresses)]


def _ipv6(dice: random.Random) -> IPv6Address:
    if dice.random() < 0.5:
        network = dice.choice(REFUSED_IPV6)[0]
        return network[dice.randrange(network.num_addresses)]
    inner = _ipv4(dice).packed
    wrapped = (bytes(10) + b"\xff\xff" + inner, b"\x00\x64\xff\x9b" + bytes(8) + inner, b"\x20\x02" + inner + bytes(10))
    return IPv6Address(dice.choice(wrapped))


def _parts(dice: random.Random) -> str:
    """An IPv4 address in one to four parts, each in a base of its own, as ``inet_aton`` takes it."""
    packed = _ipv4(dice).packed
    split = dice.randrange(4)
    numbers = [*packed[:split], int.from_bytes(packed[split:], "big")]
    return ".".join(_number(dice, number) for number in numbers)


def _number(dice: random.Random, number: int) -> str:
    return dice.choice(
        (f"{number}", f"0x{number:x}", f"0X{number:X}", f"0{number:o}", f"000{number:o}", f"0x00{number:x}")
    )


def _spelled_ipv6(dice: random.Random) -> str:
    address = _ipv6(dice)
    tail = IPv4Address(address.packed[12:])
    groups = address.exploded.split(":")
    return (
        "["
        + dice.choice((str(address), address.exploded, address.exploded.upper(), ":".join([*groups[:6], str(tail)])))
        + "]"
    )


def _name(dice: random.Random) -> str:
    address = _ipv4(dice) if dice.random() < 0.6 else _ipv6(dice)
    return name_for(str(address), *([PUBLIC] if dice.random() < 0.3 else []))


def _full_width(dice: random.Random) -> str:
    return "".join(chr(ord(one) + 0xFEE0) if one.isdigit() and dice.random() < 0.5 else one for one in str(_ipv4(dice)))


def _percent(dice: random.Random) -> str:
    return "".join(f"%{ord(one):02x}" if dice.random() < 0.4 else one for one in str(_ipv4(dice)))


def _plain(dice: random.Random) -> str:
    return str(_ipv4(dice))


_HOSTS: tuple[Callable[[random.Random], str], ...] = (
    _plain,
    _parts,
    _parts,
    _spelled_ipv6,
    _spelled_ipv6,
    _name,
    _full_width,
    _percent,
)
_DRESSINGS: tuple[Callable[[str, random.Random], str], ...] = (
    *((lambda host, _: host),) * 6,
    lambda host, _: f"{host}.",
    lambda host, _: f"user:pw@{host}",
    lambda host, _: f"{PUBLIC}@{host}",
    lambda host, _: f"{PUBLIC}\\@{host}",
    lambda host, dice: f"{host}{dice.choice(_STRAY)}",
    lambda host, dice: f"{dice.choice(_STRAY)}{host}",
)
_STRAY = ("\t", "\n", "\r", " ", "\0", "%00", "%20", "\u00ad", "\u200b", "\u3002", "%25lo", "..")
