"""Statuses and Retry-After, for receivers without rules of their own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.clock import SECOND
from app.sinks import Answer, Item, Verdict, classify_by_status, classify_whole, retry_after, too_large

STATUSES = {
    Verdict.DELIVERED: (200, 201, 202, 204, 299),
    Verdict.RETRY: (408, 409, 423, 425, 500, 502, 504, 599, 101, 600),
    Verdict.THROTTLE: (429, 503),
    Verdict.SPLIT: (413,),
    Verdict.REJECT: (300, 301, 302, 307, 308, 400, 406, 415, 422, 451),
    Verdict.SINK_BROKEN: (401, 402, 403, 404, 405, 407, 410),
}


@pytest.mark.parametrize(("verdict", "status"), [(verdict, one) for verdict, all_ in STATUSES.items() for one in all_])
def test_a_status_alone_means(verdict: Verdict, status: int) -> None:
    outcome = classify_by_status(Answer(status, {}, b""))
    assert outcome.verdict is verdict
    assert outcome.disable == (status == 410)
    assert bool(outcome.reason) == (verdict is not Verdict.DELIVERED)


@given(st.integers(-10, 1000))
def test_every_number_has_a_meaning_and_only_2xx_is_delivered(status: int) -> None:
    outcome = classify_by_status(Answer(status, {}, b""))
    assert (outcome.verdict is Verdict.DELIVERED) == (200 <= status < 300)


DATE = "Mon, 23 Nov 2026 07:30:00 GMT"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "0"}, 0),
        ({"retry-after": "120"}, 120),
        ({"retry-after": " 120 "}, 120),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after": "86401"}, 86400),
        ({"retry-after": "999999999999"}, 86400),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "1e3"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "٣"}, None),
        ({"retry-after": "Mon, 23 Nov 2026 07:31:30 GMT", "date": DATE}, 90),
        ({"retry-after": "Monday, 23-Nov-26 07:31:30 GMT", "date": DATE}, 90),
        ({"retry-after": "Mon Nov 23 07:31:30 2026", "date": DATE}, 90),
        ({"retry-after": "Fri, 27 Nov 2026 07:30:00 GMT", "date": DATE}, 86400),
        ({"retry-after": "Mon, 23 Nov 2026 07:29:59 GMT", "date": DATE}, None),
        ({"retry-after": "Mon, 23 Nov 2026 07:31:30 GMT"}, None),
        ({"retry-after": "Mon, 23 Nov 2026 07:31:30 GMT", "date": "junk"}, None),
        ({"retry-after": "Mon, 99 Nov 2026 07:31:30 GMT", "date": DATE}, None),
    ],
)
def test_retry_after_reads(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers) == seconds


def test_a_date_without_the_receivers_clock_is_measured_by_ours() -> None:
    now = 1_795_419_000 * SECOND  # 2026-11-23T07:30:00Z
    assert retry_after({"retry-after": "Mon, 23 Nov 2026 07:31:30 GMT"}, now) == 90


@given(st.text(), st.text(), st.none() | st.integers(0, 2**60))
def test_any_junk_gives_a_wait_within_a_day_or_none(value: str, date: str, now: int | None) -> None:
    wait = retry_after({"retry-after": value, "date": date}, now)
    assert wait is None or 0 <= wait <= 86400


@pytest.mark.parametrize("status", [429, 503])
def test_the_wait_is_part_of_the_outcome(status: int) -> None:
    assert classify_by_status(Answer(status, {"retry-after": "9"}, b"")).retry_after_s == 9


@pytest.mark.parametrize(("count", "verdict"), [(1, Verdict.REJECT), (2, Verdict.SPLIT), (9, Verdict.SPLIT)])
def test_too_large_splits_until_one_is_left(count: int, verdict: Verdict) -> None:
    assert too_large([Item("e", b"")] * count).verdict is verdict


@pytest.mark.parametrize(
    ("status", "of_one", "of_many"),
    [
        (200, Verdict.DELIVERED, Verdict.DELIVERED),
        (302, Verdict.SINK_BROKEN, Verdict.SINK_BROKEN),
        (400, Verdict.REJECT, Verdict.SPLIT),
        (401, Verdict.SINK_BROKEN, Verdict.SINK_BROKEN),
        (413, Verdict.REJECT, Verdict.SPLIT),
        (422, Verdict.REJECT, Verdict.SPLIT),
        (429, Verdict.THROTTLE, Verdict.THROTTLE),
        (500, Verdict.RETRY, Verdict.RETRY),
    ],
)
def test_a_request_that_stands_or_falls_whole_is_halved_until_the_event_at_fault_is_alone(
    status: int, of_one: Verdict, of_many: Verdict
) -> None:
    for count, verdict in ((1, of_one), (7, of_many)):
        items = [Item(f"evt_{n}", b"") for n in range(count)]
        outcome = classify_whole(Answer(status, {}, b""), items)
        assert outcome.verdict is verdict
        assert outcome.verdict is Verdict.DELIVERED or outcome.reason
