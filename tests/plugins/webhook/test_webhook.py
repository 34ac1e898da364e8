from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_http
from cloudevents.core.formats.json import JSONFormat
from pydantic import SecretStr, ValidationError

from app.sinks import Answer, AnyBinding, Binding, Event, Item, Outcome, SignatureKind, Sink, Token, Verdict
from app.sinks.contract import SinkContract
from app.sinks.samples import sample_event
from plugins.webhook import WebhookConfig, WebhookSecrets, WebhookSink
from plugins.webhook.shapes import BodyShape

SINK = WebhookSink()


URL = "https://hooks.example/in?k=v"


def bound(shape: str = "auto", *, batch: bool = False) -> AnyBinding:
    config = WebhookConfig(body_shape=BodyShape(shape))
    return Binding("wh_1", "To us", "607551", URL, config, WebhookSecrets(), batch=batch)


def authorized(secrets: dict[str, Any], **config: Any) -> AnyBinding:
    return Binding("wh_1", "To us", "607551", URL, WebhookConfig(**config), WebhookSecrets.model_validate(secrets))


class TestWebhookContract(SinkContract):
    @pytest.fixture
    def sink(self) -> Sink:
        return SINK

    @pytest.fixture(params=list(BodyShape))
    def binding(self, request: pytest.FixtureRequest) -> AnyBinding:
        return bound(request.param)


def test_one_event_in_object_shape_is_sent_as_the_very_same_bytes_unparsed() -> None:
    stored = b'{"not even": parsed'
    event = Event("evt_1", "t", stored)
    item = SINK.format(event, bound())
    request = SINK.build_request([item], bound())
    assert request.body is stored
    assert SINK.limits(bound()).max_events == 1


@pytest.mark.parametrize(
    ("shape", "mode", "content_type", "body"),
    [
        ("auto", "instant", "application/json", b'{"n":0}'),
        ("auto", "batch", "application/json", b'[{"n":0},{"n":1}]'),
        ("object", "batch", "application/json", b'{"n":0}'),
        ("array", "instant", "application/json", b'[{"n":0},{"n":1}]'),
        ("ndjson", "instant", "application/x-ndjson", b'{"n":0}\n{"n":1}\n'),
        ("ndjson", "batch", "application/x-ndjson", b'{"n":0}\n{"n":1}\n'),
    ],
)
def test_each_shape_has_its_framing_and_content_type(shape: str, mode: str, content_type: str, body: bytes) -> None:
    binding = bound(shape, batch=mode == "batch")
    items = [Item(f"evt_{n}", b'{"n":%d}' % n) for n in range(2)][: SINK.limits(binding).max_events]
    request = SINK.build_request(items, binding)
    assert request.body == body
    assert request.headers == (("content-type", content_type),)
    assert (request.method, request.url) == ("POST", "https://hooks.example/in?k=v")


def test_a_cloudevent_carries_the_required_attributes_and_the_stored_bytes_as_data() -> None:
    event = sample_event("evt_1", entity={"type": "ip allowlist", "id": "a/1", "name": "x"})
    binding = bound("cloudevents")
    request = SINK.build_request([SINK.format(event, binding)], binding)
    cloudevent = orjson.loads(request.body)
    assert request.body.endswith(b',"data":' + event.json + b"}")
    assert cloudevent.pop("data") == event.data
    assert cloudevent == {
        "specversion": "1.0",
        "id": "evt_1",
        "source": "/organizations/607551/contexts/ctx_9",
        "type": "entrypoint.configuration.audit",
        "datacontenttype": "application/json",
        "time": "2026-04-19T02:34:56.118Z",
        "subject": "ip%20allowlist/a%2F1",
    }
    assert request.headers == (("content-type", "application/cloudevents+json"),)


def test_cloudevents_in_batch_mode_are_an_array_with_the_batch_content_type() -> None:
    binding = bound("cloudevents", batch=True)
    items = [SINK.format(sample_event(f"evt_{n}"), binding) for n in range(3)]
    request = SINK.build_request(items, binding)
    assert [one["id"] for one in orjson.loads(request.body)] == ["evt_0", "evt_1", "evt_2"]
    assert request.headers == (("content-type", "application/cloudevents-batch+json"),)


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        *[(status, Verdict.DELIVERED) for status in (200, 201, 202, 204, 226)],
        *[(status, Verdict.REJECT) for status in (301, 302, 304, 307, 308)],
        *[(status, Verdict.REJECT) for status in (400, 402, 405, 406, 415, 422, 451)],
        *[(status, Verdict.RETRY) for status in (401, 403, 404, 408, 409, 423, 425, 500, 501, 502, 504, 599)],
        (410, Verdict.SINK_BROKEN),
        (413, Verdict.REJECT),
        *[(status, Verdict.THROTTLE) for status in (429, 503)],
    ],
)
def test_a_status_means(status: int, verdict: Verdict) -> None:
    outcome = SINK.classify(Answer(status, {}, b""), [Item("evt_1", b"{}")], bound())
    assert outcome.verdict is verdict
    assert outcome.disable == (status == 410)


def test_too_large_splits_while_there_is_more_than_one_event() -> None:
    outcome = SINK.classify(Answer(413, {}, b""), [Item("a", b""), Item("b", b"")], bound())
    assert outcome.verdict is Verdict.SPLIT


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_retry_after_is_passed_on(status: int) -> None:
    outcome = SINK.classify(Answer(status, {"retry-after": "90"}, b""), [Item("a", b"")], bound())
    assert outcome.retry_after_s == 90


def test_a_redirect_is_named_without_its_location() -> None:
    outcome = SINK.classify(
        Answer(302, {"location": "https://x.example/?token=s3cret"}, b""), [Item("a", b"")], bound()
    )
    assert outcome.reason == "the receiver answered 302: redirect not followed"


@pytest.mark.parametrize(
    ("secrets", "header"),
    [
        ({}, None),
        ({"bearer_token": "t0ken"}, ("authorization", "Bearer t0ken")),
        ({"basic_password": "p:ss w\u00f6rd"}, ("authorization", "Basic dXM6cDpzcyB3w7ZyZA==")),
        ({"api_key": "k3y"}, ("x-our-key", "k3y")),
    ],
)
def test_each_way_to_authorize_is_one_masked_header(secrets: dict[str, str], header: tuple[str, str] | None) -> None:
    binding = authorized(secrets, basic_user="us", api_key_header="X-Our-Key")
    request = SINK.build_request([Item("a", b"{}")], binding)
    assert request.headers[1:] == ((header,) if header else ())
    assert request.secret_headers == (frozenset({header[0]}) if header else frozenset())


@pytest.mark.parametrize(
    "secrets",
    [
        {"bearer_token": "a", "api_key": "b"},
        {"basic_password": "a", "oauth_client_secret": "b"},
        {"client_certificate": "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----"},
        {"client_certificate": "no pem", "client_key": "no pem"},
        {"bearer_token": "line\nfeed"},
    ],
)
def test_secrets_that_contradict_or_cannot_be_sent_are_refused_unrepeated(secrets: dict[str, str]) -> None:
    with pytest.raises(ValidationError) as caught:
        WebhookSecrets.model_validate(secrets)
    assert "feed" not in str(caught.value)


OAUTH = {"oauth_token_url": "https://login.example/t", "oauth_client_id": "us", "oauth_scope": "audit:write"}


@pytest.mark.parametrize("missing", [*OAUTH, "the secret"])
def test_oauth_is_set_up_wholly_or_not_at_all(missing: str) -> None:
    config = WebhookConfig.model_validate({name: value for name, value in OAUTH.items() if name != missing})
    secrets = WebhookSecrets(oauth_client_secret=None if missing == "the secret" else SecretStr("s"))
    SINK.check_settings(WebhookConfig(), WebhookSecrets())
    if missing == "oauth_scope":
        SINK.check_settings(config, secrets)
        return
    with pytest.raises(ValueError, match="OAuth"):
        SINK.check_settings(config, secrets)


def test_an_api_key_cannot_take_the_place_of_a_signature() -> None:
    with pytest.raises(ValueError, match="api_key_header"):
        SINK.check_settings(WebhookConfig(api_key_header="Webhook-Id"), WebhookSecrets())


def test_a_token_is_asked_for_by_the_client_credentials_grant_and_sent_as_bearer() -> None:
    binding = authorized({"oauth_client_secret": "s&cret"}, **OAUTH)
    asked = SINK.token_request(binding)
    assert asked is not None
    assert asked.url == "https://login.example/t"
    assert asked.body == b"grant_type=client_credentials&client_id=us&client_secret=s%26cret&scope=audit%3Awrite"
    request = SINK.build_request([Item("a", b"{}")], replace(binding, access_token=SecretStr("at-1")))
    assert ("authorization", "Bearer at-1") in request.headers
    assert request.secret_headers == {"authorization"}
    assert SINK.token_request(bound()) is None


def test_a_token_answer_is_read_by_the_shared_rules() -> None:
    answer = Answer(200, {}, b'{"access_token": "at-1", "expires_in": 60}')
    assert SINK.read_token(answer, bound()) == Token(SecretStr("at-1"), 60.0)
    assert isinstance(SINK.read_token(Answer(401, {}, b""), bound()), Outcome)


def test_the_client_certificate_goes_with_the_request() -> None:
    pem = "-----BEGIN %s-----\nAAAA\n-----END %s-----\n"
    secrets = {"client_certificate": pem % (("CERTIFICATE",) * 2), "client_key": pem % (("PRIVATE KEY",) * 2)}
    request = SINK.build_request([Item("a", b"{}")], authorized(secrets))
    assert request.client_certificate is not None
    assert request.client_certificate.certificate.startswith(b"-----BEGIN CERTIFICATE")
    assert "PRIVATE" not in repr(request)


@pytest.mark.parametrize(("signed_with", "kinds"), [("hmac", {"v1"}), ("ed25519", {"v1a"}), ("both", {"v1", "v1a"})])
def test_the_settings_say_how_requests_are_signed(signed_with: str, kinds: set[str]) -> None:
    binding = authorized({}, signed_with=signed_with)
    assert SINK.signatures(binding) == {SignatureKind(kind) for kind in kinds}


def test_the_sdk_of_cloudevents_reads_what_we_send_and_refuses_a_spoiled_one() -> None:
    event = sample_event("evt_1")
    for batch in (False, True):
        binding = bound("cloudevents", batch=batch)
        body = SINK.build_request([SINK.format(event, binding)], binding).body
        document = orjson.loads(body)[0] if batch else orjson.loads(body)
        headers = {"content-type": "application/cloudevents+json"}
        read = from_http(HTTPMessage(headers, orjson.dumps(document)), JSONFormat())
        assert (read.get_id(), read.get_type(), read.get_data()) == ("evt_1", event.type, event.data)
        assert read.get_time() == datetime(2026, 4, 19, 2, 34, 56, 118000, tzinfo=UTC)
        spoiled = {name: value for name, value in document.items() if name != "type"}
        with pytest.raises(Exception, match="type"):
            from_http(HTTPMessage(headers, orjson.dumps(spoiled)), JSONFormat())
