from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import orjson
import pytest
from sqlalchemy import delete, update

from app.console.views import batches
from app.core.clock import DAY, SECOND, system_clock
from app.core.ids import delivery_id
from app.delivery import delivery_list
from app.store.retention import remove_events
from app.store.tables import attempts, contents
from tests.console.furnished import HOSTILE, answer
from tests.console.site import Site
from tests.delivery.receiver import Receiver, Reply, receiving
from tests.world import PLATFORM, Hook, audit


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving(answer) as made:
        yield made


@pytest.fixture
def good(site: Site, receiver: Receiver) -> Hook:
    return site.world.add_webhook(receiver.url, headers={"authorization": "Bearer s3cret"})


@pytest.fixture
def bad(site: Site, receiver: Receiver) -> Hook:
    return site.world.add_webhook(f"http://127.0.0.1:{receiver.port}/rejecting")


def deliver(site: Site) -> None:
    site.world.deliver(site.world.drain(site.services.egress))


def path(site: Site, hook: Hook, number: int = 0) -> str:
    row = site.world.deliveries(hook)[number]
    return f"/o/acme/webhooks/{hook.id}/deliveries/{delivery_id(hook.id, row.event_seq)}"


def events_on(page: str) -> list[str]:
    return re.findall(r'deliveries/dlv_[^"]+">([^<]+)</a>', page)


def test_a_history_is_filtered_by_its_address_and_paged_without_a_gap(site: Site, good: Hook) -> None:
    site.world.send_numbers(*range(60))
    first = site.get(f"/o/acme/webhooks/{good.id}/deliveries").text
    older = re.search(r'href="([^"]+before=[^"]+)"', first)
    assert older is not None
    second = site.get(older[1].replace("&amp;", "&")).text
    found = events_on(first) + events_on(second)
    assert found == [f"event-{number}" for number in reversed(range(60))]
    one = site.get(f"/o/acme/webhooks/{good.id}/deliveries?q=event-7&state=pending").text
    assert events_on(one) == ["event-7"]
    none = site.get(f"/o/acme/webhooks/{good.id}/deliveries?state=failed").text
    assert "Nothing matches" in none


def test_all_webhooks_of_a_place_share_a_history_without_a_gap(site: Site, good: Hook, bad: Hook) -> None:
    site.world.send_numbers(*range(40))
    first = site.get("/o/acme/deliveries").text
    older = re.search(r'href="([^"]+before=[^"]+)"', first)
    assert older is not None
    found = events_on(first) + events_on(site.get(older[1].replace("&amp;", "&")).text)
    assert found == [f"event-{number}" for number in reversed(range(40)) for _ in range(2)]
    assert events_on(site.get("/o/acme/c/c1/deliveries").text) == []


def test_a_wrong_time_is_said_and_hides_nothing_else(site: Site, good: Hook) -> None:
    site.world.send_numbers(1)
    page = site.get(f"/o/acme/webhooks/{good.id}/deliveries?since=yesterday").text
    assert "Write a time such as" in page
    assert events_on(page) == ["event-1"]


def test_a_delivery_shows_what_went_out_and_what_came_back_as_text(site: Site, good: Hook, bad: Hook) -> None:
    site.world.send(audit(1, changes=[{"field": HOSTILE, "before": "a", "after": "b"}]))
    deliver(site)
    request = site.get(path(site, good)).text
    assert "webhook-signature" in request
    assert "s3cret" not in request
    assert "$secret_of_authorization" in request
    response = site.get(f"{path(site, bad)}?tab=response").text
    assert "HTTP 400" in response
    assert "&lt;script&gt;" in response
    event = site.get(f"{path(site, bad)}?tab=event").text
    for page in (request, response, event):
        assert "<script>alert" not in page


def test_a_body_is_laid_out_or_as_it_was_sent_and_the_address_says_which(site: Site, good: Hook) -> None:
    site.world.send_numbers(1)
    deliver(site)
    pretty = site.get(f"{path(site, good)}?tab=request").text
    raw_link = re.search(r'href="([^"]+)">Raw<', pretty)
    assert raw_link is not None
    raw = site.get(raw_link[1].replace("&amp;", "&")).text
    assert "<span>{\n</span>" in pretty
    assert "<span>{&#34;" in raw
    assert re.search(r'aria-current="true">Raw<', raw)
    assert '?tab=response&amp;raw=1">Raw<' in site.get(f"{path(site, good)}?tab=response").text


def test_downloads_are_the_exact_bytes_and_never_a_page(site: Site, good: Hook, receiver: Receiver) -> None:
    site.world.send_numbers(1)
    deliver(site)
    request = site.get(f"{path(site, good)}/download/request")
    assert request.data == receiver.requests[0].body
    assert request.mimetype == "application/octet-stream"
    assert request.headers["content-disposition"].startswith("attachment")
    assert request.headers["x-content-type-options"] == "nosniff"
    assert site.get(f"{path(site, good)}/download/response").data == b'{"ok":true}'
    assert orjson.loads(site.get(f"{path(site, good)}/download/event").data)["id"] == "event-1"
    assert site.get(f"{path(site, good)}/download/secrets").status_code == 404


def test_redelivering_asks_first_when_the_event_arrived_already(site: Site, good: Hook, receiver: Receiver) -> None:
    site.world.send_numbers(1)
    deliver(site)
    assert "This delivery has arrived already." in site.get(f"{path(site, good)}/redeliver").text
    assert len(receiver.requests) == 1
    answered = site.post(f"{path(site, good)}/redeliver")
    assert "said=redelivered" in answered.headers["location"]
    deliver(site)
    assert receiver.ids[0] == receiver.ids[1]
    assert "Attempts (2)" in site.get(path(site, good)).text


def test_redelivering_says_why_it_cannot_while_a_delivery_is_pending(site: Site, good: Hook) -> None:
    site.world.send_numbers(1)
    page = site.get(path(site, good)).text
    assert 'aria-disabled="true"' in page
    assert "it is due already and goes out next" in page
    assert site.post(f"{path(site, good)}/redeliver").status_code == 409


def test_a_delivery_stands_below_its_own_webhook_only(site: Site, good: Hook, bad: Hook) -> None:
    site.world.send_numbers(1)
    foreign = path(site, good).replace(good.id, bad.id)
    assert site.get(foreign).status_code == 404
    assert site.get(f"{foreign}/download/event").status_code == 404


def test_many_are_counted_before_they_are_redelivered(site: Site, bad: Hook) -> None:
    site.world.send_numbers(1, 2, 3)
    deliver(site)
    home = f"/o/acme/webhooks/{bad.id}"
    counted = site.get(f"{home}/redeliver?count=1&state=failed&since=2020-01-01T00:00").text
    assert "<b>3 deliveries</b>" in counted
    assert "Say from when on" in site.get(f"{home}/redeliver?count=1").text
    never = site.get(f"{home}/redeliver?count=1&since=2099-01-01T00:00").text
    assert "Must be before until, and in the past." in never
    started = site.post(f"{home}/redeliver", state="failed", since="2020-01-01T00:00", per_s="5")
    progress = site.get(started.headers["location"]).text
    assert "0 of 3" in progress
    assert 'data-region="always"' in progress
    cancelled = site.post(f"{started.headers['location'].split('?')[0]}/cancel")
    assert "Cancelled" in site.get(cancelled.headers["location"]).text
    assert site.services.replays.page(PLATFORM, bad.id, before=None, limit=5).items[0]["state"] == "cancelled"


def test_many_begin_with_what_failed_in_the_last_day_where_nothing_else_is_said(site: Site, bad: Hook) -> None:
    home = f"/o/acme/webhooks/{bad.id}"
    for asked in ("?state=failed", "?state=pending", ""):
        page = site.get(f"{home}/redeliver{asked}").text
        assert '<option value="failed" selected>' in page
        since = re.search(r'name="since" type="datetime-local" value="([^"]+)"', page)
        assert since is not None
        day_ago = datetime.fromtimestamp(site.services.clock() // SECOND, UTC) - timedelta(days=1)
        assert day_ago - timedelta(minutes=5) < datetime.fromisoformat(since[1]).replace(tzinfo=UTC) <= day_ago


def test_a_delivery_that_was_never_tried_shows_its_event_and_leads_to_it(site: Site, good: Hook) -> None:
    site.world.send_numbers(1)
    page = site.get(path(site, good)).text
    assert "The event as it is stored" in page
    assert 'href="/o/acme/audit/event-1"' in page
    assert site.get("/o/acme/audit/event-1").status_code == 200


def test_a_backfill_counts_events_that_came_before_the_webhook(site: Site, receiver: Receiver) -> None:
    site.world.send_numbers(1, 2)
    late = site.world.add_webhook(receiver.url)
    page = site.get(f"/o/acme/webhooks/{late.id}/backfill?count=1&since=2020-01-01T00:00").text
    assert "<b>2 deliveries</b>" in page


def test_batches_are_listed_with_why_they_closed_and_shown_with_their_members(site: Site, receiver: Receiver) -> None:
    hook = site.world.add_webhook(receiver.url, mode="batch")
    home = f"/o/acme/webhooks/{hook.id}/batches"
    assert "nothing-waited" in site.post(f"{home}/close").headers["location"]
    site.world.send_numbers(1, 2)
    assert "said=closed" in site.post(f"{home}/close").headers["location"]
    deliver(site)
    page = site.get(home).text
    assert "Closed by hand" in page
    batch = re.search(r'batches/(bat_\w+)"', page)
    assert batch is not None
    shown = site.get(f"{home}/{batch[1]}").text
    assert "HTTP 200" in shown
    assert events_on(shown) == ["event-1", "event-2"]
    sent = re.search(r'href="([^"]+tab=request[^"]+)"', shown)
    assert sent is not None
    assert sent[1] == f"{path(site, hook)}?tab=request&amp;n=1"
    other = site.world.add_webhook(receiver.url, mode="batch")
    assert site.get(f"/o/acme/webhooks/{other.id}/batches/{batch[1]}").status_code == 404


def test_the_last_page_of_batches_leads_back_to_the_newest(site: Site, receiver: Receiver) -> None:
    hook = site.world.add_webhook(receiver.url, mode="batch")
    home = f"/o/acme/webhooks/{hook.id}/batches"
    site.world.send_numbers(1)
    site.post(f"{home}/close")
    assert "Newest" not in site.get(home).text
    assert f'href="{home}">' in site.get(f"{home}?before=1").text
    assert "Newest" in site.get(f"{home}?before=1").text


def test_a_timeline_says_why_each_attempt_was_made_and_the_next_one_will_be(
    site: Site, receiver: Receiver, good: Hook
) -> None:
    receiver.script = [Reply(500, (("retry-after", "600"),))]
    site.world.send_numbers(1)
    deliver(site)
    page = site.get(f"{path(site, good)}?tab=attempts").text
    assert "First attempt" in page
    assert "The receiver asked to wait 10 min (Retry-After)." in page
    assert re.search(r"next automatic attempt is at <time datetime=", page)


def test_the_answer_of_the_last_attempt_is_a_filter(site: Site, good: Hook, bad: Hook) -> None:
    site.world.send_numbers(1, 2)
    deliver(site)
    for hook, code, shown in ((good, "2xx", 2), (good, "4xx", 0), (bad, "4xx", 2), (bad, "none", 0)):
        page = site.get(f"/o/acme/webhooks/{hook.id}/deliveries?code={code}").text
        assert len(events_on(page)) == shown
        assert f'value="{code}" selected' in page
    assert len(events_on(site.get("/o/acme/deliveries?code=4xx").text)) == 2
    assert len(events_on(site.get("/o/acme/deliveries?code=nonsense").text)) == 4


def test_a_history_says_why_a_delivery_was_skipped(site: Site, receiver: Receiver) -> None:
    picky = site.world.add_webhook(receiver.url, filter={"tags": ["pki"]})
    site.world.send_numbers(1)
    page = site.get(f"/o/acme/webhooks/{picky.id}/deliveries").text
    assert ">The filter says no at /tags.</p>" in page


def test_a_search_that_ends_early_says_so_and_goes_on(site: Site, good: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery_list, "SCAN_LIMIT", 10)
    monkeypatch.setattr(delivery_list, "LEAST_SHARE", 10)
    site.world.send_numbers(*range(25))
    for home in (f"/o/acme/webhooks/{good.id}/deliveries", "/o/acme/deliveries"):
        page = site.get(f"{home}?q=event-0x").text
        for _ in range(2):
            assert "Looked through what was received since <time" in page
            further = re.search(r'href="([^"]+before=[^"]+)">Look further back', page)
            assert further is not None
            page = site.get(further[1].replace("&amp;", "&")).text
        assert "Nothing matches" in page
        assert "Looked through" not in page


def test_bytes_that_retention_removed_say_so_with_the_day(site: Site, good: Hook) -> None:
    site.world.send_numbers(1)
    deliver(site)
    with site.services.store.write() as connection:
        connection.execute(delete(contents))
        connection.execute(update(attempts).values(started_at=system_clock() - 10 * DAY))
    request = site.get(path(site, good)).text
    assert re.search(r"Removed by retention on \d\d \w{3} \d{4}: exact bytes are kept for 3 days\.", request)
    assert "Nothing was sent" not in request
    assert "Removed by retention on" in site.get(f"{path(site, good)}?tab=response").text
    assert "removed by retention" in site.get(f"{path(site, good)}/download/response").text.lower()


def test_a_delivery_that_retention_removed_is_told_from_one_that_never_was(site: Site, good: Hook) -> None:
    site.world.send_numbers(1, 2)
    deliver(site)
    gone = path(site, good)
    never = gone.rpartition("_")[0] + "_zzz"
    remove_events(site.services.store, system_clock() + DAY, 0)
    page = site.get(gone)
    assert page.status_code == 404
    assert "removed by retention. Deliveries are kept for 90 days" in page.text
    assert "removed by retention" not in site.get(never).text
    assert "Deliveries are kept for 90 days, the exact bytes of requests and responses for 3 days." in (
        site.get(f"/o/acme/webhooks/{good.id}/deliveries").text
    )


def test_a_request_of_a_batch_leads_to_what_was_sent_if_one_of_its_events_is_on_the_page(
    site: Site, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "_SHOWN", 1)
    hook = site.world.add_webhook(receiver.url, mode="batch")
    site.world.send_numbers(1, 2)
    site.post(f"/o/acme/webhooks/{hook.id}/batches/close")
    deliver(site)
    first = site.world.deliveries(hook)[0]
    with site.services.store.write() as connection:
        connection.execute(delete(attempts).where(attempts.c.event_seq == first.event_seq))
    home = f"/o/acme/webhooks/{hook.id}/batches"
    batch = re.search(r'batches/(bat_\w+)"', site.get(home).text)
    assert batch is not None
    assert "tab=request" not in site.get(f"{home}/{batch[1]}").text
    assert "tab=request" in site.get(f"{home}/{batch[1]}?after={first.event_seq}").text
