"""Arrivals: what libcurl finished is a delivery's answer, an access token that was needed, or word about receipts."""

from __future__ import annotations

from http import HTTPStatus

from app.core.clock import Micros
from app.delivery.access import TokenDesk, TokenErrand
from app.delivery.confirming import ConfirmErrand, Confirming
from app.delivery.exchange import Returned
from app.delivery.landing import Landing
from app.delivery.lanes import Flight, Lane


class Arrivals:
    """Hands what came back to whom it concerns.

    Args:
        tokens: keeps access tokens.
        landing: rules on deliveries.
        confirming: asks about receipts.
    """

    def __init__(self, tokens: TokenDesk, landing: Landing, confirming: Confirming) -> None:
        self._tokens = tokens
        self._landing = landing
        self._confirming = confirming

    def take(self, returned: Returned, now: Micros) -> Lane:
        """Act on one finished request; answers the lane it was made for."""
        if isinstance(returned.key, TokenErrand):
            return self._take_token(returned.key, returned, now)
        if isinstance(returned.key, ConfirmErrand):
            self._confirming.take(returned.key, returned, now)
            return returned.key.lane
        flight: Flight = returned.key
        self._take_answer(flight, returned, now)
        return flight.lane

    def _take_answer(self, flight: Flight, returned: Returned, now: Micros) -> None:
        runtime, used = flight.lane.runtime, flight.access_token
        if returned.status == HTTPStatus.UNAUTHORIZED and self._tokens.refused(runtime, used):
            self._landing.send_again(flight, returned, now)
            return
        if returned.failure is None and returned.status != HTTPStatus.UNAUTHORIZED:
            self._tokens.accepted(runtime, used)
        self._landing.land(flight, returned, now)

    def _take_token(self, errand: TokenErrand, returned: Returned, now: Micros) -> Lane:
        """Without a token, the next delivery is ruled on as if it had been sent; the others wait for a token."""
        lane = errand.lane
        trouble = self._tokens.take(errand, returned, now)
        if trouble is not None:
            self._confirming.without_token(lane, trouble, now)
        if trouble is not None and lane.has_queued:
            self._landing.unsent(lane, lane.next(), trouble, now)
        return lane
