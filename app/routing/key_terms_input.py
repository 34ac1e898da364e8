"""What a person may say about the terms under which a key sends."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from app.core.header_rules import is_token
from app.security.inbound_signatures import MAX_SECRET_CHARACTERS, MAX_SECRETS, Scheme, SignatureRule
from app.security.key_terms import KeyTerms

MAX_RATE = 1_000_000
_Secret = Annotated[SecretStr, Field(min_length=1, max_length=MAX_SECRET_CHARACTERS)]
_Header = Annotated[str, Field(max_length=100)]
_Rate = Annotated[int, Field(ge=1, le=MAX_RATE)]


def _check_header(name: str) -> str:
    if name and not is_token(name):
        raise ValueError("not the name of a header")
    return name


class Signature(BaseModel):
    """How requests must be signed; ``header`` is only for senders that use another one than the scheme's."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)
    scheme: Scheme
    secrets: Annotated[list[_Secret], Field(min_length=1, max_length=MAX_SECRETS)]
    header: _Header = ""
    _named = field_validator("header")(_check_header)

    def rule(self) -> SignatureRule:
        """The rule as it is applied."""
        return SignatureRule(self.scheme, tuple(one.get_secret_value() for one in self.secrets), self.header)


class NewTerms(BaseModel):
    """The whole terms of a key: what is left out is without limit or signature."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)
    rate_per_s: _Rate | None = None
    signature: Signature | None = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.rate_per_s is None and self.signature is None:
            raise ValueError("give rate_per_s, signature or both; DELETE takes all terms away")
        return self

    def terms(self) -> KeyTerms:
        """The terms as they are applied."""
        return KeyTerms(self.rate_per_s, self.signature.rule() if self.signature else None)


class RateLimit(BaseModel):
    """How many events a key may send per second; None = as many as the installation takes."""

    model_config = ConfigDict(extra="forbid")
    rate_per_s: _Rate | None


class SignatureChange(BaseModel):
    """Another way to sign, or another secret. ``scheme`` None = no signature is asked for.

    Without ``secret`` those that are stored stay, and one is made where there are none, or with ``make_secret``. A new
    one takes the place of those stored, unless ``keep_secrets``.
    """

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)
    scheme: Scheme | None
    header: _Header = ""
    secret: _Secret | None = None
    make_secret: bool = False
    keep_secrets: bool = False
    _named = field_validator("header")(_check_header)

    def applied(self, before: SignatureRule | None, fresh: str) -> SignatureRule | None:
        """The rule that follows from the one before.

        Args:
            before: the rule that is stored.
            fresh: a secret to use where one is to be made.
        """
        if self.scheme is None:
            return None
        stored = before.secrets if before is not None and before.scheme is self.scheme else ()
        new = self.secret.get_secret_value() if self.secret else fresh
        if self.secret is None and stored and not self.make_secret:
            return SignatureRule(self.scheme, stored, self.header)
        kept = stored if self.keep_secrets else ()
        return SignatureRule(self.scheme, tuple(dict.fromkeys([new, *kept])), self.header)
