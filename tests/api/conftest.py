from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.api.application import EXTENSION, build_application
from app.core.clock import system_clock
from app.security.api_keys import create_key
from app.services import Services
from app.settings import Settings
from tests.databases import fresh_sqlite


@dataclass
class Caller:
    """A client with a key."""

    client: FlaskClient
    key: str

    def __call__(self, method: str, path: str, **more: Any) -> TestResponse:
        headers = {"Authorization": f"Bearer {self.key}", **more.pop("headers", {})}
        return self.client.open(path, method=method, headers=headers, **more)


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Flask]:
    settings = Settings(instance=tmp_path, egress_allow=("127.0.0.0/8",), ingest_max_bytes=200_000)
    fresh_sqlite(tmp_path)
    built = build_application(settings)
    yield built
    services: Services = built.extensions[EXTENSION]
    services.egress.close()
    services.store.close()


@pytest.fixture
def services(app: Flask) -> Services:
    found: Services = app.extensions[EXTENSION]
    return found


@pytest.fixture
def caller(app: Flask, services: Services) -> Callable[..., Caller]:
    def make(role: str = "admin", organization: str | None = None, context: str | None = None, **more: Any) -> Caller:
        with services.store.write() as connection:
            _, key = create_key(
                connection,
                name="test",
                role=role,
                organization_id=organization,
                context_id=context,
                now=system_clock(),
                random_bytes=secrets.token_bytes,
                **more,
            )
        return Caller(app.test_client(), key)

    return make


@pytest.fixture
def platform(caller: Callable[..., Caller]) -> Caller:
    """An admin of the whole platform, with organizations acme (contexts c1, c2) and other."""
    admin = caller()
    for organization in ("acme", "other"):
        created = admin("POST", "/v1/organizations", json={"id": organization, "name": organization.title()})
        assert created.status_code == 201
    for context in ("c1", "c2"):
        body = {"id": context, "service": "entrypoint", "name": f"Context {context}"}
        assert admin("POST", "/v1/organizations/acme/contexts", json=body).status_code == 201
    return admin
