"""Sends a few requests and says what came of them: ``python -m tests.delivery.environment_probe CA URL...``."""

from __future__ import annotations

import sys
from contextlib import closing

import orjson

from app.core.egress_table import parse_allow
from app.delivery.egress import EgressClient
from app.delivery.egress_guard import EgressPolicy
from app.delivery.exchange import Outgoing


def main() -> None:
    """Fetch each URL; then try one that only a private network has."""
    bundle, *urls = sys.argv[1:]
    said = []
    policy = EgressPolicy(allow=(parse_allow("127.0.0.1/32"),), ca_bundle=bundle)
    with closing(EgressClient(policy)) as client:
        for url in (*urls, "http://127.0.0.2/", "http://10.0.0.1/"):
            returned = client.fetch(Outgoing("k", "POST", url, (), b"{}", 3000, 3000))
            said.append(str(returned.failure.kind) if returned.failure else str(returned.status))
    sys.stdout.buffer.write(orjson.dumps(said))


if __name__ == "__main__":
    main()
