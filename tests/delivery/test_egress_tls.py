"""History names the TLS version of every request, also where a connection is used again."""

from __future__ import annotations

import ssl

import pytest
import trustme

from app.delivery.egress import EgressClient
from app.delivery.egress_tls import TlsVersions, version_in
from app.delivery.exchange import Outgoing
from tests.delivery.hostile import keep_answering, receiver

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"


@pytest.mark.parametrize(
    ("version", "expected"), [(ssl.TLSVersion.TLSv1_2, "TLSv1.2"), (ssl.TLSVersion.TLSv1_3, "TLSv1.3")]
)
def test_every_request_tells_what_its_connection_speaks(
    client: EgressClient, authority: trustme.CA, version: ssl.TLSVersion, expected: str
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.maximum_version = version
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with receiver(keep_answering(OK), context) as target:
        request = Outgoing(None, "POST", f"https://127.0.0.1:{target.port}/", (), b"{}")
        first, second = client.fetch(request), client.fetch(request)
    assert (first.failure, second.failure) == (None, None)
    assert (first.tls_version, second.tls_version) == (expected, expected)
    assert first.timings.tls > 0
    assert second.timings.tls == 0, "the connection was used again"


def test_a_plain_connection_speaks_none(client: EgressClient) -> None:
    with receiver(keep_answering(OK)) as target:
        answer = client.fetch(Outgoing(None, "POST", f"http://127.0.0.1:{target.port}/", (), b"{}"))
    assert (answer.status, answer.tls_version) == (200, "")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"SSL connection using TLSv1.3 / TLS_AES_256_GCM_SHA384 / x25519 / id-ecPublicKey\n", "TLSv1.3"),
        (b"SSL connection using ", ""),
        (b"Re-using existing https: connection with host example.com\n", ""),
    ],
)
def test_the_version_is_read_from_libcurls_note(line: bytes, expected: str) -> None:
    assert version_in(line) == expected


def test_ports_that_are_used_again_belong_to_the_newest_connection() -> None:
    versions = TlsVersions()
    for port in range(5_000):
        versions.learn(("a", port, "b", 443), "TLSv1.2")
    versions.learn(("a", 4_999, "b", 443), "TLSv1.3")
    assert versions.of(("a", 4_999, "b", 443)) == "TLSv1.3"
    assert versions.of(("a", 0, "b", 443)) == "", "the oldest are forgotten"
