"""The command that repeats a request: a shell passes on what was sent, and runs nothing of it."""

from __future__ import annotations

import html
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markupsafe import escape

from app.console.curl_copy import curl_of
from app.console.visible import visible
from app.core.header_rules import check_headers
from app.delivery.history import SentRequest

_CURL = 'curl() { printf "%s\\0" "$@"; }\n'
"""In place of curl: what it would be called with."""
_TOKEN = st.text("!#$%&'*+.^_`|~aZ09-", min_size=1, max_size=12)
_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)
_HOSTILE = st.sampled_from(["@/etc/passwd", "'; id #", "$(id)", "`id`", "!!", "\\", "\r\n", "\u202e", "\x1b[2J", "%s"])


def words(request: SentRequest, **variables: str) -> list[str]:
    """What curl is called with, when the command is copied from a page and pasted into bash."""
    copied = html.unescape(str(escape(visible(curl_of(request)))))
    shell = ["bash", "--norc", "-c", _CURL + copied]
    done = subprocess.run(shell, capture_output=True, env=variables, check=True, timeout=10)
    assert done.stderr == b""
    return done.stdout.decode().split("\0")[:-1]


def request(
    headers: tuple[tuple[str, str], ...] = (), body: bytes = b"", url: str = "https://receiver.example/"
) -> SentRequest:
    return SentRequest("POST", url, headers, body)


@settings(max_examples=60)
@given(_TOKEN, st.lists(st.one_of(_TEXT, _HOSTILE), min_size=1, max_size=4).map("".join))
def test_a_shell_passes_on_exactly_what_was_sent(name: str, text: str) -> None:
    body = text.encode()
    found = words(request(((name, "***"), ("x-plain", "it's; $HOME")), body))
    sent = ["--data-raw", text] if body else []
    assert found == [
        "-X",
        "POST",
        "https://receiver.example/",
        "-H",
        f"{name}: ",
        "-H",
        "x-plain: it's; $HOME",
        *sent,
    ]


@pytest.mark.parametrize("name", ["x`id`", "$HOME", "!!", "it's"])
def test_a_name_of_a_header_runs_no_command(name: str) -> None:
    check_headers([(name, "v")])
    assert words(request(((name, "***"),)), HOME="h")[-1] == f"{name}: "


def test_a_header_named_like_a_variable_of_the_environment_does_not_send_that() -> None:
    asked = request((("AWS_SECRET_ACCESS_KEY", "***"), ("authorization", "***")), url="https://h.example/?key=***")
    environment = {
        "AWS_SECRET_ACCESS_KEY": "of the operator",
        "secret_of_authorization": "Bearer 1",
        "secret_of_url": "2",
    }
    found = words(asked, **environment)
    assert found[2:] == [
        "https://h.example/?key=2",
        "-H",
        "AWS_SECRET_ACCESS_KEY: ",
        "-H",
        "authorization: Bearer 1",
    ]


@pytest.mark.parametrize("body", [b"a\0b", b"\xff\xfe", b"x" * 9_000])
def test_a_body_that_no_command_can_hold_comes_from_a_file(body: bytes) -> None:
    assert words(request(body=body))[-2:] == ["--data-binary", "@request-body.bin"]


def test_an_address_with_brackets_stays_one_address() -> None:
    assert words(request(url="https://h.example/{a,b}[1-9]"))[0] == "--globoff"


def test_a_header_without_a_secret_reads_as_it_was_sent() -> None:
    command = curl_of(request((("authorization", "***"), ("x-team", "network"), ("content-length", "2")), b"{}"))
    assert command.splitlines()[1:] == [
        '  -H "authorization: $secret_of_authorization" \\',
        "  -H 'x-team: network' \\",
        "  --data-raw '{}'",
    ]
