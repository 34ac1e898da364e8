"""A receiver may repeat our credentials in its answer. They are masked before the answer is kept."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import parse_qsl

from pydantic import SecretStr

from app.core.masking import is_secret_name
from app.core.shown_url import MASK
from app.delivery.runtime import WebhookRuntime
from app.sinks.types import OutboundRequest

SHORTEST = 6
"""Characters. A shorter secret is not looked for: it would mask words that only look like it."""

_MASK = MASK.encode()


def credentials_of(runtime: WebhookRuntime, request: OutboundRequest) -> tuple[bytes, ...]:
    """Every text that may not be kept when a receiver repeats it: secrets, what may be one in the address or a header.

    The longest come first, so that none is masked in part.
    """
    found = {text for text in _texts(runtime, request) if len(text) >= SHORTEST}
    return tuple(text.encode() for text in sorted(found, key=len, reverse=True))


def masked(answer: bytes, credentials: tuple[bytes, ...]) -> bytes:
    """The head or the body of an answer, without the credentials."""
    for text in credentials:
        if text in answer:
            answer = answer.replace(text, _MASK)
    return answer


def _texts(runtime: WebhookRuntime, request: OutboundRequest) -> Iterator[str]:
    yield from request.secret_texts
    secrets = runtime.binding.secrets
    for name in type(secrets).model_fields:
        value = getattr(secrets, name)
        if isinstance(value, SecretStr):
            yield value.get_secret_value()
    for name, value in request.headers:
        if name.lower() in request.secret_headers:
            yield from (value, value.rpartition(" ")[2])
    for name, value in runtime.headers:
        if is_secret_name(name):
            yield from (value, value.rpartition(" ")[2])
    path, query = _path_and_query(request.url)
    # As it is sent, and as a receiver reads it.
    yield from (piece.partition("=")[2] or piece for piece in query.split("&"))
    yield from (value for _, value in parse_qsl(query))
    if runtime.sink.info.secret_url:
        yield from (path, query)


def _path_and_query(url: str) -> tuple[str, str]:
    """Of any text: a URL that the client refuses must not stop the others, as a parser that raises would."""
    address, _, query = url.partition("://")[2].partition("#")[0].partition("?")
    _, slash, path = address.partition("/")
    return slash + path, query
