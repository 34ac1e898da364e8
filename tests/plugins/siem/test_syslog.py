"""Syslog lines and their framing, by RFC 5424, RFC 3164, RFC 5425 and RFC 6587."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from app.sinks import Event, Reject
from app.sinks.samples import odd_events, sample_event
from plugins.siem.settings import SiemConfig
from tests.plugins.siem.rendering import SINK, TLS, bound, item, record, request

TCP = "syslog+tcp://siem.example"
UDP = "syslog+udp://siem.example"
RFC5424 = re.compile(
    r"<(?P<pri>\d{1,3})>1 (?P<time>-|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z) "
    r"(?P<host>[!-~]{1,255}) (?P<app>[!-~]{1,48}) (?P<proc>[!-~]{1,128}) (?P<msgid>[!-~]{1,32}) "
    r'(?P<sd>-|\[(?P<sd_id>[!-~]{1,32})(?P<params>(?: [!-~]{1,32}="(?:[^"\\\]]|\\["\\\]])*")*)\]) (?P<msg>.*)',
    re.DOTALL,
)
"""The grammar of RFC 5424, section 6, as far as the lines of this sink use it."""
HOSTILE = st.text(
    st.one_of(st.sampled_from('"\\][=|\n\r\t\x00 \ufeff\u2028é🔐'), st.characters(exclude_categories=["Cs"])),
    max_size=300,
)


def line(event: Event, url: str = TLS, **config: Any) -> str:
    return item(event, bound(url, **config)).body.decode()


def matched(event: Event, **config: Any) -> re.Match[str]:
    found = RFC5424.fullmatch(line(event, **config))
    assert found is not None, line(event, **config)
    return found


def parameters(found: re.Match[str]) -> dict[str, str]:
    pairs = re.findall(r' ([!-~]+?)="((?:[^"\\\]]|\\.)*)"', found["params"])
    return {name: re.sub(r"\\(.)", r"\1", value) for name, value in pairs}


def test_a_line_says_who_when_and_what_in_its_header() -> None:
    found = matched(sample_event("evt_1"), hostname="relay-1.example", app_name="audit")
    assert (found["pri"], found["time"]) == ("106", "2026-04-19T02:34:56.118000Z")
    assert (found["host"], found["app"], found["proc"], found["msgid"]) == ("relay-1.example", "audit", "-", "CFGAUDIT")
    assert found["sd_id"] == "cfgaudit@32473"
    assert parameters(found) == {
        "id": "evt_1",
        "type": "entrypoint.configuration.audit",
        "org": "607551",
        "ctx": "ctx_9",
        "ctxName": "HQ Dot1x",
        "actor": "admin@example.com",
        "action": "update",
        "entity": "RADIUS Access Restrictions",
        "field": "network_integration.access_restrictions.cidrs",
        "sens": "5",
        "outside": "true",
    }
    assert found["msg"] == record(sample_event("evt_1"), "cef")


@pytest.mark.parametrize(("sensitivity", "severity"), [(1, 6), (2, 6), (3, 5), (4, 4), (5, 2)])
@pytest.mark.parametrize("facility", [0, 13, 23])
def test_the_priority_is_facility_and_sensitivity(sensitivity: int, severity: int, facility: int) -> None:
    found = matched(sample_event("evt_1", sensitivity=sensitivity), facility=facility)
    assert int(found["pri"]) == facility * 8 + severity


def test_an_unknown_time_is_a_dash() -> None:
    assert matched(odd_events()["minimal"])["time"] == "-"


def test_structured_data_can_be_left_out_and_a_mark_put_in() -> None:
    event = sample_event("evt_1")
    assert matched(event, structured_data=False)["sd"] == "-"
    assert matched(event, bom=True)["msg"].startswith("\ufeffCEF:0|")
    assert matched(event, sd_id="audit@12345.1")["sd_id"] == "audit@12345.1"


@pytest.mark.parametrize(
    ("header", "fmt", "beginning"),
    [
        ("rfc3164", "cef", "<106>Apr 19 02:34:56 relaypoint CEF:0|"),
        ("rfc3164", "leef", "<106>Apr 19 02:34:56 relaypoint LEEF:2.0|"),
        ("rfc3164", "json", '<106>Apr 19 02:34:56 relaypoint entrypoint: {"id"'),
        ("qradar", "leef", "<106>1 2026-04-19T02:34:56.118000Z relaypoint LEEF:2.0|"),
        ("none", "leef", "LEEF:2.0|"),
        ("none", "json", '{"id"'),
    ],
)
def test_other_headers_begin_as_their_readers_expect(header: str, fmt: str, beginning: str) -> None:
    assert line(sample_event("evt_1"), header=header, format=fmt).startswith(beginning)


def test_the_day_of_the_old_header_is_padded_with_a_space() -> None:
    event = sample_event("evt_1", occurred_at="2026-12-03T00:00:01Z")
    assert line(event, header="rfc3164").startswith("<106>Dec  3 00:00:01 relaypoint ")


@given(HOSTILE, HOSTILE)
def test_no_text_breaks_the_grammar(text: str, other: str) -> None:
    event = sample_event(
        "evt_1", service=text, description=other, entity={"type": text, "id": other, "name": text}, action=other
    )
    found = matched(event, format="cef")
    assert parameters(found)["id"] == "evt_1"
    assert not set(found[0]) & set("\n\r\x00")


def test_octet_counting_counts_bytes_and_not_characters() -> None:
    events = [sample_event("evt_1", description="Größe 漢字"), sample_event("evt_2")]
    body = request(events, bound(TLS, batch=True)).body
    found = []
    while body:
        size, _, rest = body.partition(b" ")
        found.append(rest[: int(size)].decode())
        body = rest[int(size) :]
    assert found == [line(event) for event in events]


def test_newline_framing_ends_each_message() -> None:
    events = [sample_event("evt_1", description="a\nb"), sample_event("evt_2")]
    body = request(events, bound(TCP, batch=True, framing="newline", format="json")).body
    assert body.decode().split("\n") == [*(line(event, format="json") for event in events), ""]


def test_a_datagram_carries_one_message_and_no_frame() -> None:
    binding = bound(UDP, batch=True)
    assert SINK.limits(binding).max_events == 1
    made = request([sample_event("evt_1")], binding)
    assert made.body.decode() == line(sample_event("evt_1"))
    assert (made.method, made.headers) == ("SYSLOG", ())


@pytest.mark.parametrize("fmt", ["cef", "leef", "ecs", "ocsf", "json"])
@pytest.mark.parametrize(("url", "limit"), [(TLS, 8192), (UDP, 2048), (TCP, 3000)])
def test_long_events_are_cut_to_the_limit_and_stay_readable(fmt: str, url: str, limit: int) -> None:
    made = [{"path": f"some.path.{n}", "before": "b" * 5000, "after": "a" * 5000} for n in range(50)]
    event = sample_event("evt_1", description="d" * 100_000, changes=made)
    limit = min(limit, 4096) if fmt == "leef" else limit
    binding = bound(url, format=fmt, **({"max_message_bytes": limit} if limit == 3000 else {}))
    body = item(event, binding).body
    assert limit / 12 < len(body) <= limit
    assert b"\xe2\x80\xa6" in body
    assert b"evt_1" in body


def test_an_event_that_cannot_be_cut_enough_is_rejected_with_the_limit() -> None:
    event = sample_event("evt_1", context={"id": "c" * 9000, "name": "n"})
    shaped = SINK.format(event, bound(TLS, format="json"))
    assert shaped == Reject("evt_1", "even with its values cut the event is longer than 8,192 bytes")


@pytest.mark.parametrize(
    "config",
    [
        {"hostname": "two words"},
        {"hostname": ""},
        {"app_name": "x" * 49},
        {"facility": 24},
        {"sd_id": "no-number"},
        {"sd_id": 'a"]@1'},
        {"vendor": "line\nbreak"},
        {"max_message_bytes": 479},
        {"content_type": "text/plain\r\nx: y"},
        {"format": "cef", "http_framing": "array"},
        {"format": "xml"},
    ],
)
def test_a_setting_that_no_receiver_could_read_is_refused(config: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        SiemConfig.model_validate(config)
