"""What a sink may have beside the ``Sink`` protocol. The host asks for each with ``isinstance``; none is required."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

from app.sinks.protocol import AnyBinding
from app.sinks.types import SignatureKind


@runtime_checkable
class ChecksSettings(Protocol):
    """Settings that must fit one another, which a model of one part cannot see."""

    def check_settings(self, config: Any, secrets: Any) -> None:
        """Accepts valid config and secrets together.

        Raises:
            ValueError: with one sentence that says which setting to change. It never repeats a secret.
        """
        ...


@runtime_checkable
class ChoosesSignatures(Protocol):
    """A sink that says which Standard Webhooks signatures its requests carry; all others carry ``v1``."""

    def signatures(self, binding: AnyBinding) -> frozenset[SignatureKind]:
        """One or both kinds."""
        ...
