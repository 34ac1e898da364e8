"""Names that do not answer are kept apart, and few of them are asked for at once."""

from __future__ import annotations

import pytest

from app.delivery.egress_names import SUSPECTS_AT_ONCE, NameMemory
from app.delivery.exchange import FailureClass, Outgoing, Returned, Timings, TransferFailure


def request(host: str) -> Outgoing:
    return Outgoing(object(), "POST", f"https://{host}/hook", (), b"")


def result(of: Outgoing, kind: FailureClass | None = None) -> Returned:
    failure = TransferFailure(kind, "", request_sent=False) if kind else None
    return Returned(of.key, 0, b"", b"", truncated=False, peer="", timings=Timings(), failure=failure)


def look_up(names: NameMemory, host: str, kind: FailureClass | None = None) -> None:
    sent = request(host)
    names.begun(sent)
    names.learn([result(sent, kind)])


@pytest.mark.parametrize("host", ["192.0.2.1", "[2001:db8::1]", "192.0.2.1:8443"])
def test_an_address_is_looked_up_by_nobody(host: str) -> None:
    assert NameMemory().is_trusted(request(host).url)


def test_a_name_is_trusted_once_it_was_resolved_whatever_else_went_wrong_and_until_it_fails() -> None:
    names = NameMemory()
    url = request("hooks.example").url
    assert not names.is_trusted(url)
    look_up(names, "hooks.example", FailureClass.CONNECT)
    assert names.is_trusted(url)
    look_up(names, "hooks.example", FailureClass.DNS)
    assert not names.is_trusted(url)
    look_up(names, "hooks.example")
    assert names.is_trusted(url)


def test_only_a_few_names_that_failed_are_looked_up_at_once_and_new_ones_always() -> None:
    names = NameMemory()
    failing = [request(f"silent{number}.example") for number in range(SUSPECTS_AT_ONCE + 1)]
    for one in failing:
        names.begun(one)
    names.learn([result(one, FailureClass.DNS) for one in failing])
    *some, last = failing
    for one in some:
        assert names.has_room(one.url)
        names.begun(one)
    assert not names.has_room(last.url)
    assert names.has_room(request("new.example").url)
    names.learn([result(some[0], FailureClass.DNS)])
    assert names.has_room(last.url)
