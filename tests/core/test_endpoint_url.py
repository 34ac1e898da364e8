from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.endpoint_url import ENDPOINT_SCHEMES, check_endpoint_url, is_encrypted, is_syslog, origin, scheme_of
from app.core.errors import InvalidInputError


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("", "Give"),
        ("example.com/x", "no scheme"),
        ("ftp.example.com", "no scheme"),
        ("//example.com", "no scheme"),
        ("localhost:8080/x", "scheme"),
        ("ftp://example.com/", "cannot receive"),
        ("file:///etc/hostname", "cannot receive"),
        ("gopher://example.com/", "cannot receive"),
        ("ws://example.com/", "cannot receive"),
        ("javascript:alert(1)", "cannot receive"),
        ("https:/example.com/", "two slashes"),
        ("https://", "no host"),
        ("https:///x", "no host"),
        ("https://u:p@example.com/", "user name"),
        ("https://evil\\@example.com/", "backslash"),
        ("https://%31%32%37.0.0.1/", "percent"),
        ("https://[fe80::1%25lo]/", "percent"),
        ("https://[127.0.0.1]/", "no IPv6"),
        ("https://[1:2]/", "no IPv6"),
        ("https://bücher.example/", "ASCII"),
        ("https://example.com/ü", "ASCII"),
        ("https://example.com/#x", "fragment"),
        ("https://example.com/a b", "space"),
        ("https://example.com/\r\nx: y", "control"),
        ("https://example.com:0/", "port"),
        ("https://example.com:65536/", "port"),
        ("https://example.com:/", "port"),
        ("https://example.com:x/", "port"),
        ("https://exa{m}ple.com/", "letters"),
        ("https://example.com/" + "a" * 2048, "longer"),
    ],
)
def test_a_doubtful_url_is_refused_with_a_sentence_that_helps(url: str, word: str) -> None:
    with pytest.raises(InvalidInputError, match=word) as caught:
        check_endpoint_url(url)
    assert caught.value.field == "endpoint_url"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://Example.COM/a?b=c%20d", "https://example.com:443"),
        ("http://127.0.0.1:8088/services/collector", "http://127.0.0.1:8088"),
        ("HTTPS://[2001:db8::1]:9000", "https://[2001:db8::1]:9000"),
        ("https://example.com?q=1", "https://example.com:443"),
    ],
)
def test_origin_writes_scheme_host_and_port(url: str, expected: str) -> None:
    assert origin(url) == expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("syslog+tls://Logs.example", "syslog+tls://logs.example:6514"),
        ("syslog+tcp://logs.example/", "syslog+tcp://logs.example:514"),
        ("SYSLOG+UDP://[2001:db8::1]:5140", "syslog+udp://[2001:db8::1]:5140"),
    ],
)
def test_a_syslog_url_is_a_host_and_a_port_and_only_for_sinks_that_say_so(url: str, expected: str) -> None:
    check_endpoint_url(url, ENDPOINT_SCHEMES)
    assert origin(url) == expected
    assert is_syslog(url)
    assert is_encrypted(scheme_of(url)) == expected.startswith("syslog+tls")
    with pytest.raises(InvalidInputError, match="use https:// or http://"):
        check_endpoint_url(url)


@pytest.mark.parametrize("url", ["syslog+tls://logs.example/path", "syslog+udp://logs.example?x=1"])
def test_a_syslog_url_has_no_path(url: str) -> None:
    with pytest.raises(InvalidInputError, match="no path"):
        check_endpoint_url(url, ENDPOINT_SCHEMES)


@pytest.mark.parametrize("url", ["https:/x", "https", "", " https://x", "ftp://x", "x" * 99])
def test_what_does_not_plainly_begin_with_a_known_scheme_has_none(url: str) -> None:
    assert not scheme_of(url)
    assert not is_syslog(url)


@given(st.text(max_size=60))
def test_any_text_either_has_an_origin_or_is_an_input_error(text: str) -> None:
    try:
        found = origin("https://" + text)
    except InvalidInputError:
        return
    assert found.startswith("https://")
    assert found.rpartition(":")[2].isdecimal()
