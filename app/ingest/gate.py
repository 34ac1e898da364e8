"""The gate of ingest: how much a sender may send, and how it must sign. Nothing is read of a body before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from app.core.clock import MILLISECOND, SECOND, Clock, Micros
from app.core.rate_limit import Rate
from app.ingest.passage import Buckets, Passage
from app.security.inbound_signatures import SignatureRule
from app.security.key_terms import KeyTerms, read_terms
from app.security.vault import Vault
from app.store.engine import Store
from app.store.seen_messages import MessageMark

TRUSTED_FOR: Micros = 2 * SECOND
"""How long terms that were changed still hold."""
LOOK_AGAIN: Micros = 1500 * MILLISECOND
"""At this age one request looks again while the others go on trusting."""
REMEMBERED = 10_000
"""Senders remembered before the memory starts over."""
BURST_S = 2
"""Seconds' worth of events that a sender may send at once."""


@dataclass(slots=True)
class _Known:
    """Terms as the database had them. ``looked_at`` moves before the look, so that only one request looks."""

    terms: Terms
    seen_at: Micros
    looked_at: Micros


@dataclass(frozen=True, slots=True)
class Terms:
    """How a sender may come in. None = no limit, no signature."""

    rate: Rate | None
    rule: SignatureRule | None


class Gate:
    """Lets senders in, for one process. Used by any thread.

    Args:
        store: where terms are kept.
        vault: opens their secrets.
        clock: the time.
        buckets: what is known of each sender's bucket.
        default_rate: events per second of a sender without a rate of its own; None = any number.
    """

    def __init__(
        self, store: Store, vault: Vault, clock: Clock, buckets: Buckets, default_rate: int | None = None
    ) -> None:
        self._store = store
        self._vault = vault
        self._clock = clock
        self._buckets = buckets
        self._default_rate = default_rate
        self._known: dict[str, _Known] = {}

    def remembered(self, sender: str) -> Terms | None:
        """As :meth:`terms`, from memory only; None when the database has to be asked."""
        known = self._known.get(sender)
        now = self._clock()
        if known is None or now - known.seen_at >= TRUSTED_FOR:
            return None
        if now - known.looked_at >= LOOK_AGAIN:
            known.looked_at = now
            return None
        return known.terms

    def terms(self, sender: str) -> Terms:
        """The terms of a key or source, as they were :data:`TRUSTED_FOR` ago at most.

        Raises:
            SecretUnreadableError: a secret cannot be opened.
        """
        found = self.remembered(sender)
        if found is None:
            with self._store.read() as connection:
                found = self._of(read_terms(connection, self._vault, sender))
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            now = self._clock()
            self._known[sender] = _Known(found, now, now)
        return found

    def admit(self, sender: str, terms: Terms) -> Passage:
        """Let a sender in that is within its rate.

        Raises:
            RateLimitedError: it is not.
        """
        if terms.rate is not None:
            self._buckets.admit(sender, terms.rate, self._clock())
        return Passage(sender, terms.rate)

    def proven(self, passage: Passage, rule: SignatureRule, headers: Mapping[str, str], body: bytes) -> Passage:
        """The passage of a request whose signature is right.

        Args:
            passage: as it was admitted.
            rule: how its sender signs.
            headers: by lower-case name.
            body: the bytes that were signed.

        Raises:
            SignatureRefusedError: it is not.
        """
        now = self._clock()
        mark = MessageMark(passage.sender, rule.proven(headers, body, now), now + rule.scheme.window)
        return Passage(passage.sender, passage.rate, mark)

    def _of(self, found: KeyTerms) -> Terms:
        per_s = found.rate_per_s or self._default_rate
        return Terms(None if per_s is None else Rate(per_s, BURST_S * per_s), found.rule)
