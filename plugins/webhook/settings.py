"""The settings of a generic webhook."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field, SecretStr, model_validator

from app.sinks import Address, Binding, HeaderSecret, Hint, PemSecret, Settings, Written
from plugins.webhook.shapes import BodyShape

_HEADER_NAME = r"^[A-Za-z][A-Za-z0-9-]{0,63}$"


class SignedWith(StrEnum):
    """How requests are signed."""

    HMAC = "hmac"
    ED25519 = "ed25519"
    BOTH = "both"


class WebhookConfig(Settings):
    """How a request looks and how it proves where it comes from."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"body_shape": "auto"},
                {"body_shape": "ndjson", "signed_with": "both"},
                {
                    "body_shape": "cloudevents",
                    "oauth_token_url": "https://login.example/token",
                    "oauth_client_id": "us",
                },
            ]
        }
    )

    body_shape: Annotated[
        BodyShape,
        Hint(
            title="Body shape",
            help="What one request carries. Automatic: one object in instant mode, an array in batch mode.",
            group="Format",
            order=1,
            widget="select",
        ),
    ] = BodyShape.AUTO
    signed_with: Annotated[
        SignedWith,
        Hint(
            title="Signed with",
            help="hmac: the shared secret (v1). ed25519: a key whose public half the receiver gets (v1a).",
            group="Security",
            order=1,
            widget="select",
        ),
    ] = SignedWith.HMAC
    basic_user: Annotated[
        str,
        Field(max_length=255),
        Written(r"^[^:\x00-\x1f]*$", "a name without colons and control characters"),
        Hint(title="User name", help="With a password: HTTP Basic.", group="Authorization", order=2),
    ] = ""
    api_key_header: Annotated[
        str,
        Written(_HEADER_NAME, "the name of a header: a letter, then letters, digits and -"),
        Hint(title="API key header", help="The header an API key goes into.", group="Authorization", order=4),
    ] = "x-api-key"
    oauth_token_url: Annotated[
        Address | None,
        Hint(
            title="Token address",
            help="Where an access token is fetched (OAuth 2.0 client credentials).",
            group="OAuth 2.0",
            order=1,
            placeholder="https://login.example/oauth2/token",
        ),
    ] = None
    oauth_client_id: Annotated[str, Field(max_length=255), Hint(title="Client id", group="OAuth 2.0", order=2)] = ""
    oauth_scope: Annotated[str, Field(max_length=1000), Hint(title="Scope", group="OAuth 2.0", order=4)] = ""


class WebhookSecrets(Settings):
    """At most one way to authorize, and a client certificate."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"oauth_client_secret": "c1ient-s3cret-9f2a"}, {}]})

    bearer_token: Annotated[
        HeaderSecret | None,
        Hint(title="Bearer token", help="A fixed token.", group="Authorization", order=1, widget="password"),
    ] = None
    basic_password: Annotated[
        SecretStr | None,
        Field(max_length=1000),
        Hint(title="Password", group="Authorization", order=3, widget="password"),
    ] = None
    api_key: Annotated[
        HeaderSecret | None, Hint(title="API key", group="Authorization", order=5, widget="password")
    ] = None
    oauth_client_secret: Annotated[
        SecretStr | None,
        Field(max_length=1000),
        Hint(title="Client secret", group="OAuth 2.0", order=3, widget="password"),
    ] = None
    client_certificate: Annotated[
        PemSecret | None,
        Hint(title="Client certificate", help="PEM, with its chain.", group="TLS", order=1, widget="textarea"),
    ] = None
    client_key: Annotated[
        PemSecret | None,
        Hint(title="Client key", help="PEM, without a passphrase.", group="TLS", order=2, widget="textarea"),
    ] = None

    @model_validator(mode="after")
    def _one_authorization(self) -> WebhookSecrets:
        ways = (self.bearer_token, self.basic_password, self.api_key, self.oauth_client_secret)
        if sum(way is not None for way in ways) > 1:
            raise ValueError("set one of bearer_token, basic_password, api_key and oauth_client_secret")
        if (self.client_certificate is None) != (self.client_key is None):
            raise ValueError("client_certificate and client_key belong together")
        return self


WebhookBinding = Binding[WebhookConfig, WebhookSecrets]


def check_together(config: WebhookConfig, secrets: WebhookSecrets) -> None:
    """Accepts config and secrets that fit one another.

    Raises:
        ValueError: OAuth 2.0 is half set up, or the API key's header is the signature's.
    """
    if config.api_key_header.lower().startswith("webhook-"):
        raise ValueError("api_key_header must not start with webhook-: those headers are the signature's")
    wanted = (config.oauth_token_url is not None, bool(config.oauth_client_id), secrets.oauth_client_secret is not None)
    if any(wanted) and not all(wanted):
        raise ValueError("OAuth 2.0 needs oauth_token_url, oauth_client_id and the secret oauth_client_secret")
