"""The WSGI entry point: ``wsgi:app`` is a factory that any WSGI server can call in its worker process."""

from __future__ import annotations

from flask import Flask

from app.settings import load_settings
from app.web import create_app


def app() -> Flask:
    """Build the application from the settings of this process; opens nothing before the first request."""
    return create_app(load_settings())
