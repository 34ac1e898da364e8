"""``POST /v1/events``: the way in, as a WSGI application of its own (see ``app.api.front``)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from http import HTTPStatus
from typing import TYPE_CHECKING

import orjson

from app.api.authentication import Authenticator
from app.api.front import answer_headers, count_answer
from app.api.problems import ProblemError, answer_to, unauthenticated
from app.api.request_body import read_bounded, require_plain
from app.ingest.accept import IngestResult, NothingAcceptedError
from app.ingest.passage import Passage
from app.ops.counts import Counts
from app.security.inbound_signatures import SignatureRefusedError, SignatureRule
from app.security.permissions import Permission
from app.services import Services

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

SEND_ACCESS = Permission.EVENTS_SEND
_EVENT_HEADERS = ("HTTP_CE_", "HTTP_WEBHOOK_ID")
"""Headers that may say something about the event itself: CloudEvents' binary mode and Standard Webhooks."""


class EventDoor:
    """Takes events in: who sends, what, and the answer after the commit.

    Args:
        services: the use cases.
        authenticator: who is calling.
    """

    def __init__(self, services: Services, authenticator: Authenticator) -> None:
        self._ingest = services.ingest
        self._gate = services.gate
        self._counts = services.counts
        self._limit = services.settings.ingest_max_bytes
        self._authenticator = authenticator
        self._headers = answer_headers(services.settings)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        try:
            result = self._taken(environ)
        except Exception as error:  # noqa: BLE001 - as in Flask: whatever it is becomes a problem document
            answer = answer_to(_with_rejections(error))
            answer.headers.update(self._headers)
            count_answer(self._counts, "POST", answer.status_code)
            return answer(environ, start_response)
        headers, body = accepted_answer(result, self._counts)
        start_response("200 OK", [*headers, *self._headers.items()])
        return [body]

    def _taken(self, environ: WSGIEnvironment) -> IngestResult:
        principal = self._authenticator.recent(environ.get("HTTP_AUTHORIZATION", ""))
        principal.require(SEND_ACCESS)
        terms = self._gate.terms(principal.id)
        passage = self._gate.admit(principal.id, terms)
        if terms.rule is not None:
            require_plain(environ)
        body = read_bounded(environ, self._limit)
        if terms.rule is not None:
            passage = self._proven(passage, terms.rule, environ, body)
        return self._ingest.accept(body, environ.get("CONTENT_TYPE", ""), _event_headers(environ), principal, passage)

    def _proven(self, passage: Passage, rule: SignatureRule, environ: WSGIEnvironment, body: bytes) -> Passage:
        names = {name: "HTTP_" + name.upper().replace("-", "_") for name in rule.header_names()}
        signed = {name: environ[variable] for name, variable in names.items() if variable in environ}
        try:
            return self._gate.proven(passage, rule, signed, body)
        except SignatureRefusedError as error:
            self._counts.add("relaypoint_signatures_refused_total", f'{{reason="{error.reason}"}}')
            raise unauthenticated(str(error)) from None


def accepted_answer(result: IngestResult, counts: Counts) -> tuple[list[tuple[str, str]], bytes]:
    """Headers of its own and body of the 200 for what was committed, counted."""
    count_answer(counts, "POST", HTTPStatus.OK.value)
    for outcome, amount in (
        ("accepted", result.accepted),
        ("duplicate", result.duplicates),
        ("rejected", len(result.rejected)),
    ):
        if amount:
            counts.add(f"relaypoint_events_{outcome}_total", amount=amount)
    body = orjson.dumps(
        {
            "accepted": result.accepted,
            "duplicates": result.duplicates,
            "rejected": [asdict(one) for one in result.rejected],
            "ids": result.ids,
        }
    )
    return [("content-length", str(len(body))), ("content-type", "application/json")], body


def _event_headers(environ: WSGIEnvironment) -> dict[str, str]:
    return {
        name.removeprefix("HTTP_").replace("_", "-").lower(): value
        for name, value in environ.items()
        if name.startswith(_EVENT_HEADERS)
    }


def _with_rejections(error: Exception) -> Exception:
    """A body without a single event is told what is wrong with each element."""
    if not isinstance(error, NothingAcceptedError):
        return error
    return ProblemError(HTTPStatus.BAD_REQUEST, str(error), rejected=[asdict(one) for one in error.rejected])
