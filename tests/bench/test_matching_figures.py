"""The cost of matching: every figure is measured, over webhooks of which the right ones match."""

from __future__ import annotations

import pytest

from app.routing.routing_table import OrganizationRoutes
from app.store.routes import read_routes
from bench import matching_figures
from bench.databases import sqlite_server
from bench.matching_places import crowd_of, places
from bench.receiver import Receiver
from bench.run import Bench


def test_every_cost_of_matching_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matching_figures, "CROWDS", (1, 5, 20, 60))
    monkeypatch.setattr(matching_figures, "ORGANIZATIONS", 20)
    monkeypatch.setattr(matching_figures, "_EVENTS", 400)
    monkeypatch.setattr(matching_figures, "_JUDGED", 50)
    with sqlite_server() as server:
        measured = matching_figures.matching(Bench(server, Receiver("nobody", 9, 0)), 1)
    assert [one.name for one in measured] == [
        "match-scale",
        "match-scale-new",
        "match-organizations",
        "match-reading",
        "filter-cost",
        "window-cost",
    ]
    assert all(one.value > 0 for one in measured if one.name != "filter-cost")
    assert [one.name for one in measured if one.target is not None] == [
        "match-scale",
        "match-scale-new",
        "match-organizations",
    ]


def test_of_a_crowd_as_many_match_as_were_asked_for() -> None:
    with sqlite_server() as server, places(server) as found:
        found.add_organizations(["one", "many"])
        found.add_webhooks([*crowd_of("one", 1, 5), *crowd_of("many", 40, 5)])
        with found.store.read() as connection:
            sizes = {
                place: len(
                    OrganizationRoutes(read_routes(connection, place)).matching("ctx-1", "x.configuration.audit")
                )
                for place in ("one", "many")
            }
    assert sizes == {"one": 1, "many": 5}
