"""The demo's way to its own instance: the public API over loopback, with a key of its own."""

from __future__ import annotations

import http.client
from typing import Any, cast

import orjson

from app.core.errors import RelaypointError, TemporaryError

_TIMEOUT_S = 10.0


class ApiError(RelaypointError):
    """The API answered with an error.

    Args:
        status: HTTP status.
        detail: the start of the answer.
    """

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(f"the API answered {status}: {detail}")
        self.status = status


class UnreachableError(TemporaryError):
    """The web process does not answer now."""


class ApiClient:
    """Calls ``/v1`` of one instance.

    Args:
        host: address of the web process.
        port: its port.
        key: a bearer key.
    """

    def __init__(self, host: str, port: int, key: str) -> None:
        self._host = host
        self._port = port
        self._key = key

    def call(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """One call; answers the JSON object.

        Raises:
            ApiError: any status but 2xx.
            UnreachableError: nobody answered.
        """
        connection = http.client.HTTPConnection(self._host, self._port, timeout=_TIMEOUT_S)
        headers = {"authorization": f"Bearer {self._key}", "content-type": "application/json"}
        try:
            connection.request(method, path, body=None if body is None else orjson.dumps(body), headers=headers)
            response = connection.getresponse()
            content = response.read()
        except (OSError, http.client.HTTPException) as error:
            raise UnreachableError(f"no answer: {type(error).__name__}") from error
        finally:
            connection.close()
        if not 200 <= response.status < 300:  # noqa: PLR2004 - the success range of HTTP
            raise ApiError(response.status, content[:300].decode("utf-8", "replace"))
        return cast("dict[str, Any]", orjson.loads(content)) if content else {}
