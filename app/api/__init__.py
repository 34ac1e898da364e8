"""Doors: the HTTP API. Views parse, call one use case and render; rules live further down the road."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from app.api.server import ServerApplication
    from app.settings import Settings


def create_app(settings: Settings | None = None) -> Flask:
    """The WSGI application. Nothing is imported or opened before this is called.

    Args:
        settings: this process's settings; read from the environment when absent.

    Raises:
        ConfigurationError: a setting, a key file or (in strict mode) a plugin is wrong.
    """
    from app.api.application import build_application  # noqa: PLC0415 - importing the package must stay cheap
    from app.settings import load_settings  # noqa: PLC0415 - as above

    return build_application(settings or load_settings())


def create_server_app(settings: Settings) -> ServerApplication:
    """The application of ``relaypoint web``: the same routes, with events served on the server's event loop.

    Raises:
        ConfigurationError: as for :func:`create_app`.
    """
    from app.api.server import ServerApplication  # noqa: PLC0415 - as above

    return ServerApplication(create_app(settings))
