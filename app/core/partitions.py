"""Partitions: how webhooks are spread over workers."""

from __future__ import annotations

import hashlib

PARTITIONS = 16
"""Fixed count. A webhook keeps its partition for life, so changing this number needs a migration."""


def partition_of(webhook_id: str) -> int:
    """The partition of a webhook: a stable hash of its id modulo :data:`PARTITIONS`."""
    return hashlib.blake2b(webhook_id.encode(), digest_size=4).digest()[0] % PARTITIONS
