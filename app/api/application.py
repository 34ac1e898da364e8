"""The Flask application: routes, errors, headers."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from flask import Flask, Response, request
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import make_url

from app.api.authentication import Authenticator
from app.api.batches import batch_routes
from app.api.deliveries import delivery_routes
from app.api.event_door import EventDoor
from app.api.events import event_routes
from app.api.front import EVENTS_PATH, Front, answer_headers, count_answer
from app.api.health import health_routes
from app.api.key_terms import key_terms_routes
from app.api.openapi import openapi_document
from app.api.people import key_routes, member_routes
from app.api.places import place_routes
from app.api.policies import policy_routes, trial_routes
from app.api.problems import install_error_handlers
from app.api.radius import radius_routes
from app.api.replays import replay_routes
from app.api.routing import PUBLIC, Route, RouteTable
from app.api.sinks import sink_routes
from app.api.sources import source_door_routes, source_routes
from app.api.webhooks import webhook_action_routes, webhook_routes
from app.core.clock import Clock, system_clock
from app.services import Services, build_services
from app.settings import Settings
from app.store.engine import Store, engine_options, store_over
from app.store.tables import metadata

EXTENSION = "relaypoint"
"""``app.extensions`` key of the :class:`~app.services.Services`."""
AUTHENTICATOR = "relaypoint-authenticator"
"""``app.extensions`` key of the :class:`~app.api.authentication.Authenticator`, which the event lane shares."""


def build_application(settings: Settings, clock: Clock = system_clock) -> Flask:
    """A Flask application with every route of the API."""
    app = Flask("relaypoint", static_folder=None)
    app.debug = False  # whatever FLASK_DEBUG says: a debugger in a page is a shell
    services = build_services(settings, application_store(app, settings), clock=clock)
    app.extensions[EXTENSION] = services
    install_error_handlers(app)
    tables = [
        place_routes(services),
        key_routes(services),
        member_routes(services),
        key_terms_routes(services),
        event_routes(services),
        policy_routes(services),
        trial_routes(services),
        radius_routes(services),
        webhook_routes(services),
        webhook_action_routes(services),
        delivery_routes(services),
        batch_routes(services),
        replay_routes(services),
        sink_routes(services),
        source_routes(services),
        source_door_routes(services),
        health_routes(services),
    ]
    routes = [route for table in tables for route in table.routes]
    tables.append(_description(routes))
    authenticator = Authenticator(services.store, services.clock)
    app.extensions[AUTHENTICATOR] = authenticator
    for table in tables:
        table.register(app, authenticator)
    _finish_answers(app, services)
    doors = {("POST", EVENTS_PATH): EventDoor(services, authenticator)}
    # Flask's documented way to put something before itself, which its type calls a method.
    app.wsgi_app = Front(app.wsgi_app, doors)  # type: ignore[method-assign]
    return app


def application_store(app: Flask, settings: Settings) -> Store:
    """The store of one application; Flask-SQLAlchemy owns the engine, so that two applications share nothing."""
    url = make_url(settings.database_url)
    app.config["SQLALCHEMY_DATABASE_URI"] = url
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = engine_options(url)
    database = SQLAlchemy(metadata=metadata)
    database.init_app(app)
    with app.app_context():
        return store_over(database.engine)


def _description(routes: list[Route]) -> RouteTable:
    table = RouteTable()

    @table.add("GET", "/v1/openapi.json", access=PUBLIC, summary="This description")
    def openapi() -> dict[str, Any]:
        return openapi_document([*routes, *table.routes], version("relaypoint"))

    return table


def _finish_answers(app: Flask, services: Services) -> None:
    headers = answer_headers(services.settings)

    @app.after_request
    def finish(answer: Response) -> Response:
        for name, value in headers.items():
            answer.headers.setdefault(name, value)
        count_answer(services.counts, request.method, answer.status_code)
        return answer
