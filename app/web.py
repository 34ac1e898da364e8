"""The web process's application: the API and the console side by side.

Importing this module is cheap; nothing is opened before the first request.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from app.api.server import ServerApplication
    from app.core.clock import Clock
    from app.settings import Settings


def create_app(settings: Settings | None = None, clock: Clock | None = None) -> Flask:
    """The WSGI application.

    Args:
        settings: this process's settings; read from the environment when absent.
        clock: current time; the system's when absent.

    Raises:
        ConfigurationError: a setting, a key file or (in strict mode) a plugin is wrong.
    """
    from app.api.application import EXTENSION, build_application  # noqa: PLC0415 - importing the module must stay cheap
    from app.api.problems import answer_to  # noqa: PLC0415 - as above
    from app.console.door.entrance import entrance  # noqa: PLC0415 - as above
    from app.console.door.keeper import DoorKeeper  # noqa: PLC0415 - as above
    from app.console.frame import install_console  # noqa: PLC0415 - as above
    from app.console.strays import install_stray_pages  # noqa: PLC0415 - as above
    from app.core.clock import system_clock  # noqa: PLC0415 - as above
    from app.settings import load_settings  # noqa: PLC0415 - as above

    app = build_application(settings or load_settings(), clock or system_clock)
    services = app.extensions[EXTENSION]
    keeper = DoorKeeper(services.people, services.settings)
    app.register_blueprint(entrance(keeper, services.joining, services.provider_login))
    install_console(app, services, keeper)
    install_stray_pages(app, services.settings, answer_to)
    return app


def create_server_app(settings: Settings) -> ServerApplication:
    """The application of ``relaypoint web``: the same routes, with events served on the server's event loop.

    Raises:
        ConfigurationError: as for :func:`create_app`.
    """
    from app.api.server import ServerApplication  # noqa: PLC0415 - as above

    return ServerApplication(create_app(settings))
