"""A console with people in it, over a real socket: organizations in every state that a page may find."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.serving import make_server

from app.api.application import EXTENSION
from app.console.door.keeper import DoorKeeper
from app.console.door.same_site import form_token
from app.core.clock import Clock, system_clock
from app.routing.places import NewContext, NewOrganization
from app.services import Services
from app.settings import Settings
from app.web import create_app
from tests.databases import fresh_sqlite
from tests.people import PASSWORD, SOMEWHERE, add_member, add_person, front_door
from tests.world import PLATFORM, World


@dataclass
class Site:
    """An installation, and who is signed in to its console."""

    app: Flask
    services: Services
    world: World
    keeper: DoorKeeper
    url: str = ""
    session: str = ""
    email: str = ""
    _people: itertools.count[int] = field(default_factory=itertools.count)

    def sign_in(self, role: str = "owner", organization: str | None = None, context: str | None = None) -> None:
        """From now on somebody with this one role asks for pages."""
        store, clock, self.email = self.services.store, self.world.clock, f"person-{next(self._people)}@example.com"
        add_member(store, add_person(store, self.email, now=clock()), role, organization, context)
        self.session = front_door(store, clock).sign_in(self.email, PASSWORD, SOMEWHERE)

    @property
    def cookie(self) -> str:
        return self.keeper.session.name

    def add_organization(self, organization: str, name: str, timezone: str = "Europe/Stockholm") -> None:
        new = NewOrganization(id=organization, name=name, timezone=timezone)
        self.services.places.create_organization(PLATFORM, new)

    def add_context(self, organization: str, context: str, name: str, service: str = "entrypoint") -> None:
        new = NewContext(id=context, name=name, service=service)
        self.services.places.create_context(PLATFORM, organization, new)

    def post(self, path: str, **values: Any) -> Any:
        """Send a form as the signed-in person does."""
        return self.client().post(path, data={"csrf_token": form_token(self.session), **values})

    def get(self, path: str, **headers: str) -> Any:
        return self.client().get(path, headers=headers)

    def client(self) -> FlaskClient:
        """A browser that has the session's cookie."""
        client = self.app.test_client()
        if self.session:
            client.set_cookie(self.cookie, self.session)
        return client


@contextmanager
def built_site(
    folder: Path, clock: Clock = system_clock, allow: tuple[str, ...] = ("127.0.0.0/8",), **more: Any
) -> Iterator[Site]:
    """A site without a socket, that may send to what is allowed; its owner is signed in."""
    with new_site(folder, clock, allow, **more) as site:
        site.sign_in()
        yield site


@contextmanager
def new_site(
    folder: Path, clock: Clock = system_clock, allow: tuple[str, ...] = ("127.0.0.0/8",), **more: Any
) -> Iterator[Site]:
    """A site that nobody knows yet; ``more`` are further settings."""
    settings = Settings(instance=folder, egress_allow=allow, egress_allow_http=True, **more)
    fresh_sqlite(folder)
    app = create_app(settings, clock)
    services: Services = app.extensions[EXTENSION]
    keeper = DoorKeeper(services.people, settings)
    site = Site(app, services, World(services.store, clock, folder), keeper)
    try:
        yield site
    finally:
        services.egress.close()
        services.store.close()


@contextmanager
def served(site: Site) -> Iterator[Site]:
    """The site on a free loopback port."""
    server = make_server("127.0.0.1", 0, site.app, threaded=True)
    site.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
