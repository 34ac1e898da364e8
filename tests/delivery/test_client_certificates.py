"""Mutual TLS with a real server that insists on a certificate."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import trustme

from app.delivery.egress import EgressClient
from app.delivery.exchange import FailureClass, Outgoing, Returned
from app.sinks.types import ClientCertificate


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        peer: Any = self.connection
        subject = str(peer.getpeercert().get("subjectAltName")).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(subject)))
        self.end_headers()
        self.wfile.write(subject)

    def log_message(self, *_arguments: Any) -> None:
        """Say nothing."""


@contextmanager
def insisting(authority: trustme.CA) -> Iterator[int]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False

        def get_request(self) -> Any:
            connection, address = super().get_request()
            return context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False), address

        def handle_error(self, *_arguments: Any) -> None:
            """A refused client is the point."""

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def certificate(authority: trustme.CA, name: str) -> ClientCertificate:
    issued = authority.issue_cert(name)
    return ClientCertificate(issued.cert_chain_pems[0].bytes(), issued.private_key_pem.bytes())


def post(client: EgressClient, port: int, shown: ClientCertificate | None) -> Returned:
    url = f"https://127.0.0.1:{port}/"
    return client.fetch(Outgoing("k", "POST", url, (), b"x", 3000, 3000, client_certificate=shown))


def test_each_request_shows_its_own_certificate_and_no_other(client: EgressClient, authority: trustme.CA) -> None:
    first, second = certificate(authority, "first.example"), certificate(authority, "second.example")
    with insisting(authority) as port:
        for shown, name in ((first, b"first.example"), (second, b"second.example"), (first, b"first.example")):
            returned = post(client, port, shown)
            assert returned.failure is None
            assert name in returned.body


@pytest.mark.parametrize("shown", [None, ClientCertificate(b"no certificate", b"no key")])
def test_without_a_usable_certificate_nothing_is_sent(
    client: EgressClient, authority: trustme.CA, shown: ClientCertificate | None
) -> None:
    with insisting(authority) as port:
        returned = post(client, port, shown)
    assert returned.failure is not None
    assert returned.failure.kind in {FailureClass.TLS, FailureClass.CONNECTION_LOST, FailureClass.CONFIGURATION}
    assert not returned.failure.request_sent
