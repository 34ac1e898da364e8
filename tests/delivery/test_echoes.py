"""Taking credentials out of an address never fails, whatever the address looks like."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from app.delivery.echoes import _path_and_query


@pytest.mark.parametrize("url", ["http://[127.0.0.1]/x", "http://[::1", "http://[::1].test/", "no url", "", "://?#"])
def test_what_a_parser_would_refuse_is_read_all_the_same(url: str) -> None:
    path, query = _path_and_query(url)
    assert path in url
    assert query in url


@pytest.mark.parametrize(
    "url",
    ["https://h.example/a/b?c=d&e=f", "https://h.example", "https://h?x", "https://[::1]:8/a?b?c", "https://h/a#b?c"],
)
def test_a_url_is_read_as_every_parser_reads_it(url: str) -> None:
    parts = urlsplit(url)
    assert _path_and_query(url) == (parts.path, parts.query)
