"""The names under which the vault binds a webhook's secrets, and what the sealed bytes hold."""

from __future__ import annotations

from typing import Final

ENDPOINT: Final = "endpoint_url"
"""``webhooks.endpoint_sealed``: the URL, UTF-8."""

HEADERS: Final = "headers"
"""``webhooks.headers_sealed``: JSON list of ``[name, value]``."""

SECRETS: Final = "secrets"
"""``webhooks.secrets_sealed``: JSON object of the sink's secrets."""

SIGNING: Final = "signing_secret"
"""``webhooks.signing_sealed`` and ``signing_previous_sealed``: the ``whsec_…`` text. One name for both, so that a
rotation moves the sealed bytes without opening them."""
