"""How a generic webhook proves to its receiver that it may write."""

from __future__ import annotations

from app.sinks import ClientCertificate, OutboundRequest, basic, bearer, client_credentials_request
from plugins.webhook.settings import WebhookBinding


def authorization(binding: WebhookBinding) -> tuple[tuple[str, str], ...]:
    """The header of the one way that is set up, or none."""
    secrets = binding.secrets
    if secrets.bearer_token is not None:
        return (bearer(secrets.bearer_token),)
    if secrets.basic_password is not None:
        return (basic(binding.config.basic_user, secrets.basic_password),)
    if secrets.api_key is not None:
        return ((binding.config.api_key_header.lower(), secrets.api_key.get_secret_value()),)
    if binding.access_token is not None:
        return (bearer(binding.access_token),)
    return ()


def client_certificate(binding: WebhookBinding) -> ClientCertificate | None:
    """The certificate for mutual TLS, if one is set."""
    secrets = binding.secrets
    if secrets.client_certificate is None or secrets.client_key is None:
        return None
    return ClientCertificate(
        secrets.client_certificate.get_secret_value().encode(), secrets.client_key.get_secret_value().encode()
    )


def token_request(binding: WebhookBinding) -> OutboundRequest | None:
    """The client credentials grant, when OAuth 2.0 is set up."""
    config = binding.config
    secret = binding.secrets.oauth_client_secret
    if config.oauth_token_url is None or secret is None:
        return None
    return client_credentials_request(config.oauth_token_url, config.oauth_client_id, secret, config.oauth_scope)
