"""CEF, read by liblognorm and rebuilt by cefevent."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.sinks.samples import odd_events, sample_event
from plugins.siem.cef import ROOMS
from tests import catalogue
from tests.plugins.siem.rendering import record
from tests.plugins.siem.validators import Lognorm, cefevent_accepts

HOSTILE = st.text(
    st.one_of(st.sampled_from("|\\=\n\r\t\x00]\"' \u2028\ufeff\x85é漢🔐"), st.characters(exclude_categories=["Cs"])),
    max_size=60,
)
HEADERS = {
    "DeviceVendor": "deviceVendor",
    "DeviceProduct": "deviceProduct",
    "DeviceVersion": "deviceVersion",
    "SignatureID": "signatureId",
    "Name": "name",
    "Severity": "severity",
}


def parts(text: str) -> tuple[list[str], dict[str, str]]:
    """An independent reading by the two rules of the format alone: header by bare pipes, values up to the next key."""
    fields = re.split(r"(?<!\\)(?:\\\\)*\|", text, maxsplit=7)
    found = re.split(r"(?:^| )([A-Za-z0-9]+)(?<!\\)=", fields[7])
    values = (value.replace("\\n", "\n").replace("\\r", "\r").replace("\\=", "=") for value in found[2::2])
    return fields[:7], dict(zip(found[1::2], (value.replace("\\\\", "\\") for value in values), strict=True))


def test_every_action_of_the_catalogue_is_read_by_liblognorm_and_accepted_by_cefevent(lognorm: Lognorm) -> None:
    events = [*catalogue.events().values(), *(one for one in odd_events().values() if one.id != "evt_minimal")]
    read = lognorm.read([record(event, "cef") for event in events])
    assert len(read) == len(events)
    for event, found in zip(events, read, strict=True):
        assert "unparsed-data" not in found, found
        extension = found["f"]["Extensions"]
        assert extension["externalId"] == event.id
        header = {ours: str(found["f"][theirs]) for theirs, ours in HEADERS.items()}
        built = cefevent_accepts({"version": "0", **header}, extension)
        assert f"externalId={event.id}" in built


def test_values_come_back_as_they_were(lognorm: Lognorm) -> None:
    description = "a|b = c \\ d\nnext\rlast"
    change = {"path": "a=b", "before": "x|y\\", "after": 'z="1"', "secret": False}
    event = sample_event("evt_1", description=description, changes=[change])
    (found,) = lognorm.read([record(event, "cef", vendor="Net|graph\\")])
    assert found["f"]["DeviceVendor"] == "Net|graph\\"
    extension = found["f"]["Extensions"]
    assert extension["msg"] == description
    assert (extension["cs4"], extension["cs5"], extension["cs6"]) == ("a=b", "x|y\\", 'z="1"')


def test_liblognorm_refuses_a_spoiled_record(lognorm: Lognorm) -> None:
    good = record(sample_event("evt_1"), "cef")
    spoiled = [good.replace("|Netgraph", "", 1), good.replace("msg=", "msg=\\|"), good.replace("CEF:0", "CFE:0")]
    assert all("unparsed-data" in one for one in lognorm.read(spoiled))


@pytest.mark.parametrize(
    ("key", "value", "named"),
    [("noSuchKey", "x", "noSuchKey"), ("src", "2001:db8::1", "sourceAddress"), ("externalId", "x" * 41, "externalId")],
)
def test_cefevent_refuses_a_spoiled_field(key: str, value: str, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        cefevent_accepts({}, {key: value})


@pytest.mark.parametrize(("sensitivity", "severity"), [(1, "1"), (2, "3"), (3, "5"), (4, "8"), (5, "10"), (None, "5")])
def test_the_severity_follows_the_sensitivity(sensitivity: int | None, severity: str) -> None:
    header, _ = parts(record(sample_event("evt_1", sensitivity=sensitivity), "cef"))
    assert header[6] == severity


def test_the_name_is_the_same_for_every_event_of_a_kind() -> None:
    one = sample_event("evt_1", entity={"type": "ip_allowlist", "id": "1", "name": "A"})
    two = sample_event("evt_2", entity={"type": "IpAllowlist", "id": "2", "name": "B"})
    assert parts(record(one, "cef"))[0] == parts(record(two, "cef"))[0]


def test_an_ipv6_source_has_its_own_key_and_junk_has_none() -> None:
    _, found = parts(record(sample_event("evt_1", metadata={"source_ip": "2001:db8::7"}), "cef"))
    assert (found["c6a2"], found["c6a2Label"]) == ("2001:db8::7", "Source IPv6 Address")
    assert "src" not in found
    _, found = parts(record(sample_event("evt_1", metadata={"source_ip": "x src=1.2.3.4"}), "cef"))
    assert not {"src", "c6a2"} & found.keys()


def test_several_changes_stay_together_with_their_number() -> None:
    made: list[dict[str, Any]] = [{"path": f"p.{n}", "before": n, "after": n + 1} for n in range(3)]
    _, found = parts(record(sample_event("evt_1", changes=made), "cef"))
    assert found["cs4"] == "p.0, p.1, p.2"
    assert found["cs5"] == '{"p.0":"0","p.1":"1","p.2":"2"}'
    assert (found["cn2"], found["cn2Label"]) == ("3", "ChangeCount")


@given(HOSTILE, HOSTILE, HOSTILE)
def test_no_text_breaks_out_of_its_field(description: str, before: str, vendor_text: str) -> None:
    change = {"path": "p", "field": "f", "before": before, "after": description}
    event = sample_event("evt_1", description=description, action=vendor_text, changes=[change])
    text = record(event, "cef")
    assert not set(text) & set("\n\r\x00\u2028")
    header, found = parts(text)
    assert len(header) == 7
    assert found["externalId"] == "evt_1"
    assert found.keys() <= {*ROOMS, *(f"{key}Label" for key in (*ROOMS, "cn1", "cn2", "cn3"))} | {
        *("rt", "end", "outcome", "src", "cn1", "cn2", "cn3")
    }
    assert all(len(value) <= ROOMS.get(key, 1023) for key, value in found.items())
