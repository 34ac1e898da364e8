import pytest

from app.core.shown_url import shown_url


@pytest.mark.parametrize(
    ("url", "shown", "without_path"),
    [
        ("https://h.example/a/b", "https://h.example/a/b", "https://h.example/***"),
        ("https://u:p@h.example:8443/a?k=v#f", "https://***@h.example:8443/a?k=***", "https://***@h.example:8443/***"),
        ("https://h.example/a?token", "https://h.example/a?token=***", "https://h.example/***"),
        ("https://h.example", "https://h.example", "https://h.example/***"),
        ("https://[broken", "***", "***"),
    ],
)
def test_a_url_is_shown_without_what_may_be_secret(url: str, shown: str, without_path: str) -> None:
    assert shown_url(url) == shown
    assert shown_url(url, secret_path=True) == without_path
