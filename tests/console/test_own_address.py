"""The address that links carry which leave the browser."""

from __future__ import annotations

import pytest
from flask import Request
from werkzeug.test import EnvironBuilder

from app.console.own_address import own_address
from app.settings import load_settings


@pytest.mark.parametrize(
    ("public", "address"),
    [({}, "http://10.0.0.5:8080"), ({"RELAYPOINT_PUBLIC_URL": "https://relay.example"}, "https://relay.example")],
)
def test_behind_a_proxy_links_carry_the_address_that_people_type(public: dict[str, str], address: str) -> None:
    asked = Request(EnvironBuilder(base_url="http://10.0.0.5:8080", path="/o/acme/members").get_environ())
    assert own_address(load_settings(public), asked) == address
