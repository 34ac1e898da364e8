"""A small OpenID provider on a loopback socket. It holds callers to the specification, and can be told to lie.

Tokens are put together by hand with ``cryptography``, so that what checks them is not what made them.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import orjson
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

CLIENT_ID = "relaypoint"
CLIENT_SECRET = "client:secret/ü"
ALGORITHM = "RS256"


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def number(value: int) -> str:
    return encoded(value.to_bytes((value.bit_length() + 7) // 8, "big"))


@dataclass
class OpenIdProvider:
    """One provider, whoever is signed in at it, and the lies it tells."""

    url: str = ""
    key: rsa.RSAPrivateKey = field(default_factory=lambda: rsa.generate_private_key(65537, 2048))
    claims: dict[str, Any] = field(default_factory=dict)
    lies: dict[str, Any] = field(default_factory=dict)
    header: dict[str, Any] = field(default_factory=dict)
    signing_key: rsa.RSAPrivateKey | None = None
    issuer: str | None = None
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    token_requests: int = 0
    refusal: str | None = None
    """What it sends the browser back with instead of a code."""
    is_silent: bool = False
    """It hangs up on whoever asks it anything."""
    leaves: bool = False
    """It does so from the moment on in which it has sent a browser back."""

    def discovery(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer or self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
        }

    def keys(self) -> dict[str, Any]:
        public = self.key.public_key().public_numbers()
        entry = {
            "kty": "RSA",
            "use": "sig",
            "kid": "k1",
            "alg": ALGORITHM,
            "n": number(public.n),
            "e": number(public.e),
        }
        return {"keys": [entry]}

    def authorize(self, query: dict[str, str]) -> str:
        """What the browser is sent back with, as if its person had agreed."""
        assert query["response_type"] == "code"
        assert query["client_id"] == CLIENT_ID
        assert "openid" in query["scope"].split()
        assert query["code_challenge_method"] == "S256"
        if self.refusal is not None:
            return f"{query['redirect_uri']}?{urlencode({'error': self.refusal, 'state': query['state']})}"
        code = secrets.token_urlsafe(8)
        self.codes[code] = query
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}"

    def token(self, form: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        self.token_requests += 1
        expected = f"{CLIENT_ID}:{'client%3Asecret%2F%C3%BC'}"
        begun = self.codes.pop(form.get("code", ""), None)
        challenge = encoded(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        good = (
            begun is not None
            and form.get("grant_type") == "authorization_code"
            and form.get("redirect_uri") == begun["redirect_uri"]
            and challenge == begun["code_challenge"]
            and authorization == f"Basic {base64.b64encode(expected.encode()).decode()}"
        )
        if begun is None or not good:
            return 400, {"error": "invalid_grant"}
        now = int(time.time())
        claims = {"iss": self.url, "aud": CLIENT_ID, "iat": now, "exp": now + 300, "nonce": begun["nonce"]}
        told = {**claims, **self.claims, **self.lies}
        token = self.signed({name: value for name, value in told.items() if value is not None})
        return 200, {"access_token": "unused", "token_type": "Bearer", "id_token": token}

    def signed(self, claims: dict[str, Any]) -> str:
        header = {"alg": ALGORITHM, "kid": "k1", **self.header}
        signed = f"{encoded(orjson.dumps(header))}.{encoded(orjson.dumps(claims))}"
        if header["alg"] == "none":
            return f"{signed}."
        key = self.signing_key or self.key
        return f"{signed}.{encoded(key.sign(signed.encode(), padding.PKCS1v15(), SHA256()))}"


@contextmanager
def openid_provider() -> Iterator[OpenIdProvider]:
    provider = OpenIdProvider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            answers = {"/.well-known/openid-configuration": provider.discovery, "/keys": provider.keys}
            if provider.is_silent:
                self.close_connection = True
            elif parts.path == "/authorize":
                provider.is_silent = provider.leaves
                self.send_response(302)
                self.send_header("location", provider.authorize(dict(parse_qsl(parts.query))))
                self.end_headers()
            elif parts.path in answers:
                self._answer(200, answers[parts.path]())
            else:
                self._answer(404, {})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            if provider.is_silent:
                self.close_connection = True
                return
            self._answer(*provider.token(form, self.headers.get("authorization", "")))

        def _answer(self, status: int, content: dict[str, Any]) -> None:
            body = orjson.dumps(content)
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
