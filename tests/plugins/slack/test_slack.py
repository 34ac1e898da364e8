"""The sink as the host sees it: requests, answers, settings."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from pydantic import SecretStr, ValidationError

from app.sinks import Answer, AnyBinding, Binding, Item, Outcome, Sink, Verdict
from app.sinks.contract import SinkContract
from app.sinks.samples import sample_event
from plugins.slack import SlackConfig, SlackSecrets, SlackSink

SINK = SlackSink()
TOKEN = "xoxb-not-a-real-token"
HOOK = "https://hooks.slack.com/services/T000/B000/s3cretpath"
API = "https://slack.com/api/chat.postMessage"
D, X, A, B = Verdict.DELIVERED, Verdict.REJECT, Verdict.RETRY, Verdict.SINK_BROKEN
S, T = Verdict.SPLIT, Verdict.THROTTLE


def bound(url: str = HOOK, *, batch: bool = False, token: str | None = None, **config: Any) -> AnyBinding:
    secrets = SlackSecrets(token=SecretStr(token) if token else None)
    return Binding("wh_1", "Ops Slack", "607551", url, SlackConfig(**config), secrets, batch=batch)


def read(status: int, body: Any, count: int = 1, headers: dict[str, str] | None = None) -> Outcome:
    items = [Item(f"evt_{n}", b"{}") for n in range(count)]
    raw = body.encode() if isinstance(body, str) else orjson.dumps(body)
    return SINK.classify(Answer(status, headers or {}, raw), items, bound())


class TestWebhookContract(SinkContract):
    @pytest.fixture
    def sink(self) -> Sink:
        return SINK

    @pytest.fixture
    def binding(self) -> AnyBinding:
        return bound(console_url="https://relaypoint.example")


class TestWebApiContract(SinkContract):
    @pytest.fixture
    def sink(self) -> Sink:
        return SINK

    @pytest.fixture
    def binding(self) -> AnyBinding:
        return bound(API, token=TOKEN, channel="C0123456789")


def test_a_webhook_gets_the_message_and_nothing_else() -> None:
    request = SINK.build_request([SINK.format(sample_event(), bound())], bound(token=TOKEN, channel="#ops"))
    assert (request.method, request.url) == ("POST", HOOK)
    assert request.headers == (("content-type", "application/json; charset=utf-8"),)
    assert set(orjson.loads(request.body)) == {"text", "blocks", "unfurl_links", "unfurl_media"}


def test_the_web_api_gets_the_channel_and_the_token() -> None:
    binding = bound(API, token=TOKEN, channel="C0123456789")
    request = SINK.build_request([SINK.format(sample_event(), binding)], binding)
    assert dict(request.headers)["authorization"] == f"Bearer {TOKEN}"
    assert request.secret_headers == {"authorization"}
    body = orjson.loads(request.body)
    assert body["channel"] == "C0123456789"
    assert (body["unfurl_links"], body["unfurl_media"]) == (False, False)


C1, C2 = "C0123456789", "C9876543210"


@pytest.mark.parametrize(
    ("one", "other", "shared"),
    [
        (bound(), bound(console_url="https://relaypoint.example"), True),
        (bound(), bound(HOOK + "2"), False),
        (bound(API, token=TOKEN, channel=C1), bound(API, token="xoxb-other", channel=C1), True),
        (bound(API, token=TOKEN, channel=C1), bound(API, token=TOKEN, channel=C2), False),
        (bound(API, token=TOKEN, channel="#ops"), bound(API, token=TOKEN, channel="#ops"), True),
        (bound(API, token=TOKEN, channel="#ops"), bound(API, token="xoxb-other", channel="#ops"), False),
    ],
)
def test_who_posts_into_one_channel_shares_its_pace(one: AnyBinding, other: AnyBinding, shared: bool) -> None:  # noqa: FBT001 - a parameter
    assert (SINK.limits(one).pace_key == SINK.limits(other).pace_key) is shared
    assert SINK.limits(one).pace_key


def test_the_probe_asks_the_web_api_who_we_are_and_leaves_a_webhook_alone() -> None:
    probe = SINK.probe(bound(API, token=TOKEN))
    assert probe is not None
    assert (probe.url, dict(probe.headers)["authorization"]) == ("https://slack.com/api/auth.test", f"Bearer {TOKEN}")
    assert SINK.probe(bound()) is None
    assert read(200, {"ok": True, "user": "relay"}, 0).verdict is D


def test_one_message_a_second_and_a_whole_batch_in_one_message() -> None:
    single, batch = SINK.limits(bound()), SINK.limits(bound(batch=True))
    assert (single.max_events, single.rate_per_s) == (1, 1)
    assert (batch.max_events, batch.rate_per_s) == (20_000, 1)


def test_twenty_thousand_events_are_one_digest_that_fits() -> None:
    binding = bound(batch=True)
    item = SINK.format(sample_event(), binding)
    assert len(item.body) * 20_000 < binding_limit(binding)
    body = orjson.loads(SINK.build_request([item] * 20_000, binding).body)
    assert body["text"].startswith("🔴 Contoso: 20,000 changes, 20,000 sensitive, 20,000 outside the change window")


def binding_limit(binding: AnyBinding) -> int:
    return SINK.limits(binding).max_bytes


@pytest.mark.parametrize(
    ("status", "body", "verdict"),
    [
        (200, "ok", D),
        (200, "ok\n", D),
        (200, "OK", D),
        *[(400, word, X) for word in ("invalid_payload", "user_not_found", "no_text", "too_many_attachments")],
        *[(400, word, X) for word in ("invalid_blocks", "invalid_blocks_format")],
        *[(403, word, B) for word in ("action_prohibited", "posting_to_general_channel_denied")],
        *[(403, word, B) for word in ("invalid_token", "team_disabled")],
        *[(404, word, B) for word in ("channel_not_found", "no_service", "no_service_id", "no_team")],
        (404, "no_active_hooks", B),
        (410, "channel_is_archived", B),
        (429, "rate_limited", T),
        (429, "rate limited", T),
        (429, "", T),
        (302, "", B),
        (400, "some_new_word", X),
        (500, "rollup_error", A),
        (500, "", A),
        (503, "<html>bad gateway</html>", T),
    ],
)
def test_an_answer_of_a_webhook_means(status: int, body: str, verdict: Verdict) -> None:
    assert read(status, body).verdict is verdict


@pytest.mark.parametrize("status", [200, 400, 403, 404, 410, 500])
@pytest.mark.parametrize(
    ("word", "verdict"),
    [("no_service", B), ("channel_is_archived", B), ("invalid_payload", X), ("rollup_error", A), ("rate_limited", T)],
)
def test_the_word_decides_whatever_the_status(status: int, word: str, verdict: Verdict) -> None:
    assert read(status, word).verdict is verdict
    assert read(status, {"ok": False, "error": word}).verdict is verdict


@pytest.mark.parametrize(
    ("word", "verdict"),
    [
        *[(word, B) for word in ("invalid_auth", "account_inactive", "token_revoked", "not_in_channel", "not_authed")],
        ("invalid_arguments", B),
        *[(word, B) for word in ("channel_not_found", "is_archived", "missing_scope", "restricted_action")],
        *[(word, X) for word in ("msg_too_long", "msg_blocks_too_long", "no_text", "invalid_blocks")],
        ("too_many_attachments", X),
        ("ratelimited", T),
        *[(word, A) for word in ("request_timeout", "service_unavailable", "internal_error", "fatal_error")],
        ("something_new", B),
    ],
)
def test_status_200_with_ok_false_is_no_success(word: str, verdict: Verdict) -> None:
    outcome = read(200, {"ok": False, "error": word})
    assert outcome.verdict is verdict
    assert outcome.reason


@pytest.mark.parametrize("status", [429, 200])
def test_a_throttle_waits_as_long_as_slack_asks(status: int) -> None:
    outcome = read(status, {"ok": False, "error": "ratelimited"}, headers={"retry-after": "30"})
    assert (outcome.verdict, outcome.retry_after_s) == (T, 30)


def test_an_unknown_outcome_says_so() -> None:
    assert "may have been posted" in read(200, {"ok": False, "error": "fatal_error"}).reason


def test_a_faulty_digest_is_halved_until_the_event_at_fault_stands_alone() -> None:
    for word in ("invalid_blocks", "msg_blocks_too_long"):
        assert read(400, word, 3).verdict is S
        assert read(400, word, 1).verdict is X
    assert (read(413, "", 2).verdict, read(413, "", 1).verdict) == (S, X)


@pytest.mark.parametrize("body", ["", "<html>sign in</html>", "welcome", '{"ok": "true"}', "true", '"ok"'])
def test_a_success_that_is_not_slacks_is_no_success(body: str) -> None:
    assert read(200, body).verdict is B


def test_ok_with_a_failing_status_is_a_failure() -> None:
    assert read(503, "ok").verdict is T
    assert read(403, {"ok": True}).verdict is B


@pytest.mark.parametrize(
    "config",
    [
        {"channel": "two words"},
        {"channel": "<!channel>"},
        {"digest_lines": 0},
        {"digest_lines": 21},
        {"sensitive_from": 6},
        {"console_url": "javascript:alert(1)"},
        {"console_url": "https://x.example/|<a>"},
        {"console_url": "https://x.example/?q=1"},
        {"colour": "red"},
    ],
)
def test_wrong_settings_are_refused(config: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        SlackConfig(**config)


@pytest.mark.parametrize("channel", ["", "C0123456789", "G0123456789", "#ops-alerts", "ops-alerts"])
def test_a_channel_is_an_id_or_a_name(channel: str) -> None:
    assert SlackConfig(channel=channel).channel == channel
