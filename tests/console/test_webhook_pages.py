from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from sqlalchemy import update

from app.delivery.by_hand import TESTS
from app.routing.webhook_input import WebhookPatch
from app.store.tables import webhooks
from tests.console.site import Site
from tests.delivery.receiver import Receiver, Reply, receiving
from tests.world import PLATFORM, Hook, audit


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


@pytest.fixture
def hook(site: Site, receiver: Receiver) -> Hook:
    return site.world.add_webhook(receiver.url, context="c1", headers={"authorization": "Bearer s3cret"})


def home(hook: Hook) -> str:
    return f"/o/acme/c/c1/webhooks/{hook.id}"


def stored(site: Site, hook: Hook) -> dict[str, object]:
    return site.services.webhooks.get(PLATFORM, hook.id)


def test_creating_asks_for_a_type_and_a_name_and_leads_to_the_detail_view(site: Site) -> None:
    answer = site.post("/o/acme/c/c1/webhooks/new", type="batch", name="Splunk")
    assert answer.status_code == 303
    page = site.get(answer.headers["location"])
    assert "Needs URL" in page.text
    assert "Batch window and size" in page.text


def test_a_batch_size_that_is_no_whole_mib_is_shown_whole_and_kept_by_a_save(site: Site) -> None:
    hook = site.world.add_webhook("http://127.0.0.1:9/", context="c1", mode="batch")
    site.services.webhooks.patch(PLATFORM, hook.id, WebhookPatch.model_validate({"batch": {"max_bytes": 1_500 * 1024}}))
    assert 'value="1500 KiB"' in site.get(home(hook)).text
    form = {"batch.max_events": "10", "batch.max_age_s": "1m"}
    assert site.post(f"{home(hook)}/save/batch", **form, **{"batch.max_bytes": "1500 KiB"}).status_code == 303
    assert stored(site, hook)["batch"] == {"max_events": 10, "max_bytes": 1_500 * 1024, "max_age_s": 60}
    refused = site.post(f"{home(hook)}/save/batch", **form, **{"batch.max_bytes": "65 MiB"})
    assert (refused.status_code, "Use 1 KiB to 64 MiB" in refused.text) == (422, True)


def test_each_save_says_which_step_is_left_until_it_delivers(site: Site, receiver: Receiver) -> None:
    made = site.post("/o/acme/webhooks/new", type="instant", name="Splunk").headers["location"].partition("?")[0]
    assert "Two steps are left" in site.get(made).text
    first = site.post(f"{made}/save/endpoint", endpoint_url=receiver.url).headers["location"]
    assert first == f"{made}?said=sink-next#sink"
    page = site.get(first).text
    assert "Needs URL" not in page
    assert "Needs sink" in page
    assert "One step is left" in page
    assert "It has no sink yet." in site.get("/o/acme").text
    second = site.post(f"{made}/save/sink", sink="webhook").headers["location"]
    assert second == f"{made}?said=begun"
    assert "Send a test event to see one request and its answer" in site.get(second).text
    assert site.post(f"{made}/save/sink", sink="webhook").headers["location"] == f"{made}?said=saved#sink"


def test_a_sink_before_the_endpoint_leads_on_to_the_endpoint(site: Site) -> None:
    made = site.post("/o/acme/webhooks/new", type="instant", name="Splunk").headers["location"].partition("?")[0]
    saved = site.post(f"{made}/save/sink", sink="webhook").headers["location"]
    assert saved == f"{made}?said=endpoint-next#endpoint"
    assert "Needs URL" in site.get(saved).text


def test_an_endpoint_whose_name_has_no_address_is_saved_and_that_is_said(site: Site, hook: Hook) -> None:
    site.post(f"{home(hook)}/save/headers")
    saved = site.post(f"{home(hook)}/save/endpoint", endpoint_url="https://nobody.invalid/").headers["location"]
    assert saved == f"{home(hook)}?said=no-address#endpoint"
    assert "has no address at present" in site.get(saved).text


def test_only_the_settings_that_differ_from_the_default_are_unfolded(site: Site, hook: Hook) -> None:
    def folded() -> list[str]:
        page = site.get(home(hook)).text
        return re.findall(r'<details class="group">\s*<summary>([^<]+)', page)

    site.post(f"{home(hook)}/save/sink", **{"sink": "webhook", "config.signed_with": "hmac"})
    assert folded() == ["Security", "Authorization", "OAuth 2.0", "TLS"]
    site.post(
        f"{home(hook)}/save/sink", **{"sink": "webhook", "config.signed_with": "both", "secrets.bearer_token": "t0ken"}
    )
    assert folded() == ["OAuth 2.0", "TLS"]


def test_a_name_that_is_too_short_is_said_beside_the_field_and_kept(site: Site) -> None:
    answer = site.post("/o/acme/webhooks/new", type="batch", name="ab")
    assert answer.status_code == 422
    assert "Use at least 3 characters." in answer.text
    assert 'value="ab"' in answer.text
    assert 'aria-invalid="true"' in answer.text


def test_no_secret_is_on_the_page(site: Site, hook: Hook, receiver: Receiver) -> None:
    page = site.get(home(hook)).text
    secret = site.services.webhooks.secret(PLATFORM, hook.id)["secret"]
    assert "s3cret" not in page
    assert secret not in page
    revealed = site.post(f"{home(hook)}/secret/reveal")
    assert secret in revealed.text
    assert revealed.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("section", "sent", "field", "expected"),
    [
        ("name", {"name": "Ops Slack"}, "name", "Ops Slack"),
        ("retry", {"retry.schedule_s": "30s, 2m, 1h 4m"}, "retry", {"schedule_s": [30, 120, 3840]}),
        ("pace", {"concurrency": "1", "failing_head": "blocks"}, "failing_head", "blocks"),
        ("pace", {"concurrency": "2", "rate_limit.per_s": "7"}, "rate_limit", {"per_s": 7}),
        ("conditions", {"filter": '{"tags": ["policy"]}'}, "filter", {"tags": ["policy"]}),
        ("conditions", {"only_outside_change_windows": "on"}, "only_outside_change_windows", True),
        (
            "events",
            {"every": "no", "event_types": "ise.configuration.audit"},
            "event_types",
            ["ise.configuration.audit"],
        ),
        ("events", {"every": "yes"}, "event_types", ["*"]),
    ],
)
def test_each_section_saves_its_own(
    site: Site, hook: Hook, section: str, sent: dict[str, str], field: str, expected: object
) -> None:
    answer = site.post(f"{home(hook)}/save/{section}", **sent)
    assert answer.headers["location"] == f"{home(hook)}?said=saved#{section}"
    assert stored(site, hook)[field] == expected


@pytest.mark.parametrize(
    ("section", "sent", "words"),
    [
        ("endpoint", {"endpoint_url": "ftp://receiver.example/"}, "https"),
        ("endpoint", {"endpoint_url": "http://169.254.169.254/"}, "Nothing may be sent there"),
        ("retry", {"retry.schedule_s": "soon"}, "Write spans such as 30s"),
        ("pace", {"concurrency": "many"}, "Must be a whole number."),
        ("conditions", {"filter": "{tags"}, "Is not JSON: line 1"),
        ("conditions", {"filter": '{"tags": {"nonsense": 1}}'}, "This was not saved."),
        ("events", {"every": "no"}, "Enable at least one event type"),
        ("headers", {"header_name": "host", "header_value": "x"}, "This was not saved."),
    ],
)
def test_what_is_wrong_is_said_in_its_section_and_changes_nothing(
    site: Site, hook: Hook, section: str, sent: dict[str, str], words: str
) -> None:
    before = stored(site, hook)
    answer = site.post(f"{home(hook)}/save/{section}", **sent)
    assert answer.status_code == 422
    assert words in answer.text
    assert stored(site, hook) == before


def test_a_header_says_who_changed_its_value_last_and_when(site: Site, hook: Hook) -> None:
    site.post(f"{home(hook)}/save/headers", header_name="x-team", header_value="net")
    first = stored(site, hook)["header_changes"]["x-team"]
    assert first["by"] == site.email
    site.sign_in("editor")
    kept = {"header_name": ["x-team", "x-site"], "header_value": ["", "hq"], "stored": "x-team"}
    site.post(f"{home(hook)}/save/headers", **kept)
    changes = stored(site, hook)["header_changes"]
    assert (changes["x-team"], changes["x-site"]["by"]) == (first, site.email)
    page = site.get(home(hook)).text
    assert page.count("last changed <time") == 2
    site.post(f"{home(hook)}/save/headers", **kept, forget="x-team")
    assert list(stored(site, hook)["header_changes"]) == ["x-site"]
    site.post(f"{home(hook)}/save/endpoint", endpoint_url="http://127.0.0.1:9/")
    assert stored(site, hook)["header_changes"] == {}


def test_a_header_keeps_its_value_until_it_is_removed(site: Site, hook: Hook, receiver: Receiver) -> None:
    kept = {"header_name": ["authorization", "x-team"], "header_value": ["", "net"], "stored": "authorization"}
    site.post(f"{home(hook)}/save/headers", **kept)
    site.post(f"{home(hook)}/test")
    assert receiver.requests[-1].header("authorization") == "Bearer s3cret"
    assert receiver.requests[-1].header("x-team") == "net"
    site.post(f"{home(hook)}/save/headers", **kept, forget="authorization")
    assert stored(site, hook)["headers"] == {"x-team": {"set": True}}


def test_an_address_is_judged_without_saving_it(site: Site, hook: Hook) -> None:
    before = stored(site, hook)
    refused = site.post(f"{home(hook)}/check", endpoint_url="http://10.1.2.3/hook")
    assert "Nothing may be sent there." in refused.text
    assert "10.1.2.3:80" in refused.text
    assert "RELAYPOINT_EGRESS_ALLOW=10.1.2.3/32:80" in refused.text
    allowed = site.post(f"{home(hook)}/check", endpoint_url="http://127.0.0.1:9/")
    assert "This address may be used." in allowed.text
    assert stored(site, hook) == before


def test_another_origin_takes_the_header_values_away_and_says_so(site: Site, hook: Hook) -> None:
    answer = site.post(f"{home(hook)}/save/endpoint", endpoint_url="http://127.0.0.2:9/")
    assert "said=origin-changed" in answer.headers["location"]
    assert "enter them again" in site.get(answer.headers["location"]).text


def test_a_sink_has_its_own_form_and_keeps_its_secrets(site: Site, hook: Hook) -> None:
    page = site.get(f"{home(hook)}?sink=splunk_hec").text
    assert "Settings of Splunk" in page
    assert stored(site, hook)["sink"] == "webhook"
    missing = site.post(f"{home(hook)}/save/sink", **{"sink": "splunk_hec", "config.index": "audit"})
    assert missing.status_code == 422
    assert 'value="audit"' in missing.text
    wrong = site.post(f"{home(hook)}/save/sink", **{"sink": "splunk_hec", "config.max_events": "many"})
    assert "Must be a whole number." in wrong.text
    full = {"sink": "splunk_hec", "config.index": "audit", "config.gzip": "on", "secrets.token": "t0ken"}
    assert site.post(f"{home(hook)}/save/sink", **full).status_code == 303
    site.post(f"{home(hook)}/save/sink", **{"sink": "splunk_hec", "config.index": "other"})
    found = stored(site, hook)
    assert found["secrets"] == {"token": {"set": True}}
    assert found["config"]["index"] == "other"  # type: ignore[index]
    assert found["config"]["gzip"] is False  # type: ignore[index]
    assert "t0ken" not in site.get(home(hook)).text


def test_a_sink_whose_plugin_is_gone_is_named_and_what_to_do(site: Site, hook: Hook) -> None:
    assert "is not installed" not in site.get(home(hook)).text
    with site.services.store.write() as connection:
        connection.execute(update(webhooks).where(webhooks.c.id == hook.id).values(sink="gone"))
    page = site.get(home(hook)).text
    assert "The sink gone is not installed, or failed to load." in page
    assert "Show its settings" in page


def test_a_setting_that_is_refused_is_named_as_on_the_page_and_told_in_words(site: Site, hook: Hook) -> None:
    wrong = site.post(
        f"{home(hook)}/save/sink", **{"sink": "splunk_hec", "config.index": "Main!", "secrets.token": "t"}
    )
    assert wrong.status_code == 422
    assert ">Index</a>: Must be the name of an index: small letters, digits, _ and -." in wrong.text
    missing = site.post(f"{home(hook)}/save/sink", **{"sink": "splunk_hec", "config.index": "main"})
    assert ">HEC token</a>: Fill this in." in missing.text


def test_a_test_event_shows_request_and_answer_on_the_spot(site: Site, hook: Hook, receiver: Receiver) -> None:
    receiver.respond = lambda _request: Reply(500, (), b"<script>alert(1)</script>")
    page = site.post(f"{home(hook)}/test")
    assert page.status_code == 200
    assert "webhook-signature" in page.text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page.text
    assert "<script>alert" not in page.text
    assert "s3cret" not in page.text


def test_a_filter_is_tried_on_past_events(site: Site, hook: Hook) -> None:
    site.world.send_numbers(1, 2, 3)
    page = site.post(f"{home(hook)}/try", filter='{"id": ["event-2"]}')
    assert re.search(
        r"Would have matched 0 of the last \d+ events|Would have matched 1 of the last 3 events", page.text
    )


def test_rotating_shows_the_new_secret_once_and_counts_the_overlap_down(site: Site, hook: Hook) -> None:
    page = site.post(f"{home(hook)}/secret/rotate", overlap_s="1h").text
    secret = site.services.webhooks.secret(PLATFORM, hook.id)["secret"]
    assert secret in page
    assert "Two secrets sign." in page
    assert "data-until=" in site.get(home(hook)).text
    assert secret not in site.get(home(hook)).text
    site.post(f"{home(hook)}/secret/revoke")
    assert "Two secrets sign." not in site.get(home(hook)).text
    assert site.services.webhooks.secret(PLATFORM, hook.id)["previous"] is None


def test_rotating_twice_keeps_the_secret_that_receivers_have(site: Site, hook: Hook) -> None:
    first = site.services.webhooks.secret(PLATFORM, hook.id)["secret"]
    assert 'name="again"' not in site.get(home(hook)).text
    site.post(f"{home(hook)}/secret/rotate", overlap_s="1h")
    refused = site.post(f"{home(hook)}/secret/rotate", overlap_s="1h")
    assert refused.status_code == 422
    assert "was rotated already" in refused.text
    assert 'name="again"' in refused.text
    second = site.services.webhooks.secret(PLATFORM, hook.id)
    assert second["previous"] == first
    site.post(f"{home(hook)}/secret/rotate", overlap_s="1h", again="on")
    assert site.services.webhooks.secret(PLATFORM, hook.id)["previous"] == second["secret"]
    site.post(f"{home(hook)}/secret/rotate", overlap_s="0s")
    assert site.services.webhooks.secret(PLATFORM, hook.id)["previous"] is None


def test_pausing_resuming_switching_off_and_deleting(site: Site, hook: Hook) -> None:
    site.post(f"{home(hook)}/pause")
    assert "Paused" in site.get(home(hook)).text
    site.post(f"{home(hook)}/resume", probe="on")
    assert stored(site, hook)["state"] == "enabled"
    site.post(f"{home(hook)}/disable")
    assert stored(site, hook)["state"] == "disabled"
    assert "This cannot be undone" in site.get(f"{home(hook)}/delete").text
    assert site.post(f"{home(hook)}/delete").headers["location"] == "/o/acme/c/c1/webhooks?said=deleted"
    assert site.get(home(hook)).status_code == 404


def test_what_a_paused_webhook_keeps_is_not_on_its_way_and_waits_for_it(site: Site, hook: Hook) -> None:
    site.post(f"{home(hook)}/pause")
    site.world.send(audit(1, contextId="c1"))
    page = site.get(home(hook)).text
    assert "1 kept until it is resumed" in page
    assert "on their way now" not in page
    for address in (home(hook), f"{home(hook)}/deliveries", "/o/acme/deliveries"):
        assert '<td data-label="Next attempt">When resumed</td>' in site.get(address).text
    site.post(f"{home(hook)}/resume")
    assert "1 on their way now" in site.get(home(hook)).text
    assert "When resumed" not in site.get(home(hook)).text


def test_changes_of_a_webhook_are_shown_with_who_and_what(site: Site, hook: Hook) -> None:
    site.post(f"{home(hook)}/save/name", name="Renamed")
    site.post(f"{home(hook)}/save/headers", header_name="x-key", header_value="v3ry")
    page = site.get(f"{home(hook)}/history").text
    assert "person-0@example.com" in page
    assert "Renamed" in page
    assert "hidden value *" in page
    assert "v3ry" not in page


def test_a_viewer_sees_no_form_that_saves_and_no_secret(site: Site, hook: Hook) -> None:
    site.sign_in("viewer")
    page = site.get(home(hook)).text
    assert "Save" not in page
    assert "Reveal" not in page
    assert site.post(f"{home(hook)}/secret/reveal").status_code == 403
    assert site.post(f"{home(hook)}/save/name", name="Other").status_code == 403


def test_a_webhook_of_the_organization_is_listed_in_a_context_but_not_changed_there(
    site: Site, receiver: Receiver
) -> None:
    wide = site.world.add_webhook(receiver.url)
    assert "Inherited from the Organization" in site.get("/o/acme/c/c1/webhooks").text
    assert site.get(f"/o/acme/c/c1/webhooks/{wide.id}").status_code == 404
    assert site.post(f"/o/acme/c/c1/webhooks/{wide.id}/pause").status_code == 404


def test_too_many_tests_are_refused_until_a_time_that_is_told(site: Site, hook: Hook) -> None:
    answers = [site.post(f"{home(hook)}/test") for _ in range(TESTS.burst + 1)]
    assert {answer.status_code for answer in answers[:-1]} == {200}
    refused = answers[-1]
    assert refused.status_code == 429
    assert 0 < int(refused.headers["retry-after"]) <= 2
    assert "Too many test sends of this webhook; wait and try again." in refused.text
