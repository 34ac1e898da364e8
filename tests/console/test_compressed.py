"""Pages that browsers get compressed, and those that must not be."""

from __future__ import annotations

import gzip
import re

import pytest

from app.console.door.same_site import form_token
from tests.console.site import Site

GZIP = {"accept-encoding": "gzip"}


def test_a_page_is_compressed_for_whoever_understands_it(site: Site) -> None:
    packed = site.get("/o/acme/webhooks", **GZIP)
    assert packed.headers["content-encoding"] == "gzip"
    assert "accept-encoding" in packed.headers["vary"].lower()
    assert gzip.decompress(packed.data) == site.get("/o/acme/webhooks").data


def test_two_answers_with_the_same_page_differ_in_length_and_not_in_their_tag(site: Site) -> None:
    answers = [site.get("/o/acme/webhooks", **GZIP) for _ in range(20)]
    assert len({len(one.data) for one in answers}) > 5
    assert len({one.headers["etag"] for one in answers}) == 1


def test_a_page_that_did_not_change_is_not_sent_again(site: Site) -> None:
    tag = site.get("/o/acme/webhooks", **GZIP).headers["etag"]
    again = site.get("/o/acme/webhooks", **GZIP, **{"if-none-match": tag})
    assert (again.status_code, again.data) == (304, b"")


def test_an_answer_that_shows_a_new_key_is_never_compressed(site: Site) -> None:
    client = site.client()
    client.environ_base["HTTP_ACCEPT_ENCODING"] = "gzip"
    answer = client.post("/o/acme/connect", data={"csrf_token": form_token(site.session), "name": "EntryPoint"})
    assert "Bearer rp_" in answer.text
    assert "content-encoding" not in answer.headers


@pytest.mark.parametrize("path", ["/o/acme", "/o/acme/webhooks", "/o/acme/webhooks/{webhook}", "/o/acme/audit"])
def test_the_first_load_of_a_page_is_at_most_60_kilobytes(site: Site, path: str) -> None:
    hook = site.world.add_webhook("http://127.0.0.1:9/")
    page = site.get(path.format(webhook=hook.id), **GZIP)
    names = set(re.findall(r'(?:src|href)="(/static/[^"#]+)', gzip.decompress(page.data).decode()))
    assert len(names) >= 4
    assert len(page.data) + sum(len(site.get(name, **GZIP).data) for name in names) <= 60 * 1024
