"""Every page x everybody who should not see it, from the URL map."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from werkzeug.routing import Rule

from app.console.door.headers import PAGE_HEADERS
from app.console.door.same_site import form_token
from tests.console.site import Site

ARGUMENT = re.compile(r"<(?:\w+:)?\w+>")
WITHOUT_A_ROLE = {"/", "/theme", "/events/<event>"}
"""Pages below no place: whoever is signed in sees what is theirs there."""
OF_THE_PLATFORM = {"/organizations/new"}
"""Pages below no place that need a role of the whole platform."""
OPEN = {"/static/<name>", "/favicon.ico"}


@pytest.fixture
def pages(site: Site) -> list[Rule]:
    site.add_organization("other", "Zanzibar")
    site.add_context("other", "c9", "Tortuga")
    return [rule for rule in site.app.url_map.iter_rules() if rule.endpoint.startswith(("console.", "door."))]


def below_places(pages: list[Rule]) -> Iterator[tuple[str, str, bool]]:
    """Method, path in organization other, and whether it is a page of a context."""
    for rule in pages:
        if not rule.rule.startswith("/o/<organization>"):
            continue
        path = rule.rule.replace("<organization>", "other").replace("<context>", "c9")
        for method in sorted((rule.methods or set()) & {"GET", "POST"}):
            yield method, ARGUMENT.sub("x", path), "<context>" in rule.rule


def test_every_page_is_below_a_place_or_known_to_be_elsewhere(pages: list[Rule]) -> None:
    elsewhere = {rule.rule for rule in pages if not rule.rule.startswith(("/o/<organization>", "/o/<path:rest>"))}
    door = {rule.rule for rule in pages if rule.endpoint.startswith("door.")}
    operator = {one for one in elsewhere if one.startswith("/ops/")}
    assert elsewhere - door - operator == WITHOUT_A_ROLE | OPEN | OF_THE_PLATFORM


def test_pages_of_the_platform_are_refused_to_whoever_owns_only_an_organization(site: Site, pages: list[Rule]) -> None:
    site.sign_in("owner", "other")
    for rule in pages:
        if rule.rule in OF_THE_PLATFORM or rule.rule.startswith("/ops/"):
            for method in sorted((rule.methods or set()) & {"GET", "POST"}):
                answer = site.client().open(rule.rule, method=method, data={"csrf_token": form_token(site.session)})
                assert answer.status_code == 403, (method, rule.rule)


@pytest.mark.parametrize(("organization", "context"), [("acme", None), ("acme", "c1")])
def test_a_person_of_another_place_finds_no_page(
    site: Site, pages: list[Rule], organization: str, context: str | None
) -> None:
    site.sign_in("owner", organization, context)
    token = {"csrf_token": form_token(site.session)}
    for method, path, _ in below_places(pages):
        answer = site.client().open(path, method=method, data=token if method == "POST" else None)
        assert answer.status_code == 404, (method, path)
        assert "Zanzibar" not in answer.text
        assert "Tortuga" not in answer.text
    assert "Zanzibar" not in site.get("/").text


def test_a_person_of_one_context_finds_no_page_of_its_organization_or_of_another_context(
    site: Site, pages: list[Rule]
) -> None:
    site.add_context("other", "c8", "Elsewhere")
    site.sign_in("owner", "other", "c8")
    for method, path, _ in below_places(pages):
        answer = site.client().open(path, method=method, data={"csrf_token": form_token(site.session)})
        assert answer.status_code == 404, (method, path)
        assert "Tortuga" not in answer.text


def test_no_form_is_taken_from_another_site_or_without_its_token(site: Site, pages: list[Rule]) -> None:
    token = {"csrf_token": form_token(site.session)}
    for rule in pages:
        if "POST" not in (rule.methods or set()):
            continue
        path = ARGUMENT.sub("x", rule.rule.replace("<organization>", "other").replace("<context>", "c9"))
        foreign = {"sec-fetch-site": "cross-site", "origin": "https://evil.example"}
        for data, headers in (({}, {}), ({"csrf_token": "x"}, {}), (token, foreign)):
            assert site.client().post(path, data=data, headers=headers).status_code == 403, path


def test_every_answer_has_the_headers_of_a_page(site: Site, pages: list[Rule]) -> None:
    for session in (site.session, ""):
        site.session = session
        for rule in pages:
            path = ARGUMENT.sub("x", rule.rule.replace("<organization>", "other").replace("<context>", "c9"))
            for method in sorted((rule.methods or set()) & {"GET", "POST"}):
                answer = site.client().open(path, method=method)
                expected = dict(PAGE_HEADERS)
                if rule.rule in OPEN and answer.status_code == 200:
                    expected["cache-control"] = "public, max-age=31536000, immutable"
                assert {name: answer.headers.get(name) for name in expected} == expected, (method, path)


def test_a_page_under_a_foreign_host_name_is_refused(site: Site, pages: list[Rule]) -> None:
    for rule in pages:
        path = ARGUMENT.sub("x", rule.rule)
        for method in sorted((rule.methods or set()) & {"GET", "POST"}):
            answer = site.client().open(path, method=method, base_url="http://rebound.example")
            assert answer.status_code == 421, (method, path)
