"""Log-in at an OpenID provider: what is asked there, and what is believed of its answer.

The authorization code flow of OpenID Connect Core 1.0 with PKCE (RFC 7636). Its requests go out through a function
that is given: the guarded client. The token's signature and claims are checked by joserfc.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

import orjson
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from app.core.clock import SECOND, Clock
from app.core.errors import PermanentError

Fetch = Callable[[str, str, Mapping[str, str], bytes], tuple[int, bytes]]
"""Sends a request (method, URL, headers, body) and answers status and body; status 0 = there was no answer."""

ALGORITHMS = ("RS256", "PS256", "ES256", "EdDSA")
"""Signatures with a public key only: with a shared one, everybody who knows the client's secret could make tokens."""
LEEWAY_S = 60
"""How far the provider's clock may be off."""
_DISCOVERY = "/.well-known/openid-configuration"
_OK = 200


class OidcError(PermanentError):
    """A log-in at the provider did not come to a good end; the text is for the person who tried."""


class ProviderAwayError(OidcError):
    """The provider cannot be asked now, which is no word about the person who tried."""


@dataclass(frozen=True, slots=True)
class OidcConfig:
    """The provider, and who we are there. Without a secret we are a public client, and PKCE is the proof."""

    issuer: str
    client_id: str
    client_secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who signed in there. ``email`` None = the provider does not vouch for one."""

    subject: str
    email: str | None


@dataclass(frozen=True, slots=True)
class _Provider:
    authorize: str
    token: str
    keys: str


class OidcProvider:
    """Talks to one provider.

    Args:
        config: which provider.
        fetch: sends requests.
        clock: the time.
    """

    def __init__(self, config: OidcConfig, fetch: Fetch, clock: Clock) -> None:
        self._config = config
        self._fetch = fetch
        self._clock = clock

    def authorization_url(self, *, redirect_uri: str, state: str, nonce: str, verifier: str) -> str:
        """Where the browser goes to sign in.

        Args:
            redirect_uri: where it comes back to.
            state: comes back with it.
            nonce: comes back inside the token.
            verifier: of PKCE; only its hash goes out.

        Raises:
            OidcError: the provider does not answer as one.
            ProviderAwayError: it does not answer.
        """
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
        asked = {
            "response_type": "code",
            "client_id": self._config.client_id,
            "redirect_uri": redirect_uri,
            "scope": "openid email",
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        where = self._provider().authorize
        return f"{where}{'&' if '?' in where else '?'}{urlencode(asked)}"

    def identity(self, *, code: str, redirect_uri: str, nonce: str, verifier: str) -> Identity:
        """Who the code stands for: it is exchanged for a token, and that is checked.

        Raises:
            OidcError: the provider refuses the code, or its token is not to be believed.
            ProviderAwayError: it does not answer.
        """
        provider = self._provider()
        answer = self._json("POST", provider.token, *self._token_request(code, redirect_uri, verifier))
        claims = self._checked(answer.get("id_token"), self._json("GET", provider.keys, {}, b""), nonce)
        email = claims.get("email")
        vouched = claims.get("email_verified") is True and isinstance(email, str)
        return Identity(claims["sub"], email if vouched else None)

    def _token_request(self, code: str, redirect_uri: str, verifier: str) -> tuple[dict[str, str], bytes]:
        config = self._config
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
            "client_id": config.client_id,
        }
        headers = {"content-type": "application/x-www-form-urlencoded"}
        if config.client_secret is not None:
            pair = f"{quote(config.client_id, safe='')}:{quote(config.client_secret, safe='')}"
            headers["authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        return headers, urlencode(form).encode()

    def _checked(self, token: Any, keys: dict[str, Any], nonce: str) -> dict[str, Any]:
        """The claims of an ID token, checked as OpenID Connect Core, section 3.1.3.7 asks."""
        config = self._config
        registry = jwt.JWTClaimsRegistry(
            now=self._clock() // SECOND,
            leeway=LEEWAY_S,
            iss={"essential": True, "value": config.issuer},
            sub={"essential": True},
            aud={"essential": True, "value": config.client_id},
            exp={"essential": True},
            iat={"essential": True},
            nonce={"essential": True, "value": nonce},
        )
        try:
            claims = jwt.decode(str(token), KeySet.import_key_set(keys), algorithms=ALGORITHMS).claims  # type: ignore[arg-type]
            registry.validate(claims)
        except (JoseError, ValueError, KeyError, TypeError) as error:
            raise OidcError(f"the provider's token is not to be believed: {type(error).__name__}") from None
        if isinstance(claims["aud"], list) and claims["aud"] != [config.client_id]:
            raise OidcError("the provider's token is for others too")
        return claims

    def _provider(self) -> _Provider:
        """Where the provider does what (OpenID Connect Discovery 1.0)."""
        found = self._json("GET", self._config.issuer.rstrip("/") + _DISCOVERY, {}, b"")
        if found.get("issuer") != self._config.issuer:
            raise OidcError("the provider calls itself by another name than RELAYPOINT_OIDC_ISSUER")
        try:
            return _Provider(found["authorization_endpoint"], found["token_endpoint"], found["jwks_uri"])
        except KeyError as error:
            raise OidcError(f"the provider does not say its {error.args[0]}") from None

    def _json(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
        status, content = self._fetch(method, url, {"accept": "application/json", **headers}, body)
        if status == 0:
            raise ProviderAwayError("the provider did not answer; try again later")
        try:
            found = orjson.loads(content) if status == _OK else None
        except orjson.JSONDecodeError:
            found = None
        if not isinstance(found, dict):
            raise OidcError(f"the provider did not answer as expected (status {status})")
        return found
