"""An installation with a web process of its own, which pages are live on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_bytes

import orjson
import requests

from app.core.clock import system_clock
from app.security.api_keys import create_key
from app.security.permissions import Role
from tests.console.live.server import Listening, WebProcess, web_process
from tests.console.site import Site, built_site
from tests.world import audit


@dataclass
class Stage:
    """A web process, and the installation behind it."""

    site: Site
    server: WebProcess
    key: str
    streams: list[Listening] = field(default_factory=list)

    def listen(self, known: str = "", place: str = "/o/acme") -> Listening:
        """As whoever is signed in now."""
        self.streams.append(Listening(self.server, f"{self.site.cookie}={self.site.session}", place, known))
        return self.streams[-1]

    def leave(self) -> None:
        """Every stream hangs up."""
        while self.streams:
            self.streams.pop().leave()

    def send(self, number: int, organization: str = "acme") -> float:
        """An event over HTTP; answers the seconds it took."""
        body = orjson.dumps(audit(number, organizationId=organization))
        headers = {"authorization": f"Bearer {self.key}", "content-type": "application/json"}
        answer = requests.post(f"{self.server.url}/v1/events", body, headers=headers, timeout=10)
        assert answer.json()["accepted"] == 1
        return answer.elapsed.total_seconds()

    def page(self, path: str) -> float:
        """The seconds that a page takes."""
        cookies = {self.site.cookie: self.site.session}
        answer = requests.get(self.server.url + path, cookies=cookies, timeout=10)
        assert answer.ok
        return answer.elapsed.total_seconds()


@contextmanager
def staged(folder: Path, heartbeat_s: float = 15.0, longest_s: float = 60.0) -> Iterator[Stage]:
    with built_site(folder) as site:
        site.add_context("acme", "c1", "HQ")
        site.add_organization("other", "Other")
        with site.services.store.write() as connection:
            _, key = create_key(
                connection,
                name="k",
                role=Role.ADMIN,
                organization_id=None,
                now=system_clock(),
                random_bytes=token_bytes,
            )
        with web_process(folder, heartbeat_s, longest_s) as server:
            made = Stage(site, server, key)
            yield made
            made.leave()
