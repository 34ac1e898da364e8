"""Which signatures a webhook's requests carry."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from app.core.asymmetric_signing import AsymmetricSigner
from app.core.signing import Signer
from app.delivery.abilities import chooses_signatures
from app.sinks.protocol import AnyBinding, Sink
from app.sinks.types import SignatureKind


class RequestSigner(Protocol):
    """Makes the value of ``webhook-signature``."""

    def sign(self, message_id: str, timestamp_s: int, body: bytes) -> str:
        """One or more signatures, separated by spaces."""
        ...


class _BothSigners:
    """Both kinds in one header, the shared secret's first."""

    def __init__(self, signers: Sequence[RequestSigner]) -> None:
        self._signers = signers

    def sign(self, message_id: str, timestamp_s: int, body: bytes) -> str:
        return " ".join([signer.sign(message_id, timestamp_s, body) for signer in self._signers])


def signer_for(sink: Sink, binding: AnyBinding, secrets: Sequence[bytes]) -> RequestSigner:
    """The signer that the sink's settings ask for: ``v1`` unless it says otherwise."""
    kinds = sink.signatures(binding) if chooses_signatures(sink) else frozenset({SignatureKind.V1})
    if kinds == {SignatureKind.V1A}:
        return AsymmetricSigner(secrets)
    if SignatureKind.V1A in kinds:
        return _BothSigners((Signer(secrets), AsymmetricSigner(secrets)))
    return Signer(secrets)
