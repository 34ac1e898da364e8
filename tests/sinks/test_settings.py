"""Settings models: refusing, masking, and drawing the form."""

from typing import Annotated

import pytest
from pydantic import Field, SecretStr, ValidationError

from app.sinks import Binding, HeaderSecret, Hint, NoSecrets, Settings, describe_settings, event_link, sink_schema
from app.sinks.settings import is_address
from plugins.splunk_hec import SplunkHecSink
from plugins.webhook import WebhookConfig, WebhookSink


class Config(Settings):
    room: Annotated[str, Field(max_length=5), Hint(title="Room", help="Which.", group="Where", order=2)] = "hall"


class Secrets(Settings):
    key: Annotated[HeaderSecret, Hint(title="Key", widget="password")]
    spare: SecretStr | None = None


def test_a_hint_becomes_title_and_x_ui() -> None:
    field = Config.model_json_schema()["properties"]["room"]
    assert field["title"] == "Room"
    assert field["maxLength"] == 5
    assert field["x-ui"] == {"help": "Which.", "group": "Where", "order": 2}


def test_a_secret_is_write_only_in_the_schema() -> None:
    field = Secrets.model_json_schema()["properties"]["key"]
    assert field["writeOnly"] is True
    assert field["x-ui"]["widget"] == "password"


def test_a_sink_has_one_schema_for_config_and_one_for_secrets() -> None:
    schema = sink_schema(SplunkHecSink())
    assert "token" not in schema["config"]["properties"]
    assert list(schema["secrets"]["properties"]) == ["token"]
    assert schema["config"]["additionalProperties"] is False
    assert set(sink_schema(WebhookSink())["secrets"]["properties"]) >= {"bearer_token", "client_key"}


@pytest.mark.parametrize("address", ["not a url", "ftp://x.example/", "https://u:p@x.example/", "https://"])
def test_a_further_address_is_judged_as_the_endpoint_is(address: str) -> None:
    with pytest.raises(ValidationError):
        WebhookConfig.model_validate({"oauth_token_url": address})


def test_the_schema_tells_which_settings_are_addresses() -> None:
    properties = WebhookConfig.model_json_schema()["properties"]
    assert [name for name, schema in properties.items() if is_address(schema)] == ["oauth_token_url"]


def test_settings_cannot_be_changed_nor_extended() -> None:
    config = Config()
    with pytest.raises(ValidationError):
        setattr(config, "room", "attic")  # noqa: B010 - the type checker knows it is frozen
    with pytest.raises(ValidationError):
        Config.model_validate({"romm": "x"})


def test_a_refused_secret_is_not_repeated_in_the_error() -> None:
    with pytest.raises(ValidationError) as caught:
        Secrets.model_validate({"key": "pass word\r\n", "spare": {"x": "deep-secret"}})
    assert "pass word" not in str(caught.value)
    assert "deep-secret" not in str(caught.value)


def test_describing_shows_config_and_only_whether_secrets_are_set() -> None:
    binding = Binding("wh_1", "n", "o", "https://x.example", Config(), Secrets(key=SecretStr("s3cret")))
    assert describe_settings(binding) == {
        "config": {"room": "hall"},
        "secrets": {"key": {"set": True}, "spare": {"set": False}},
    }
    assert "s3cret" not in repr(binding)
    assert "s3cret" not in repr(binding.secrets)


def test_no_secrets_takes_none() -> None:
    with pytest.raises(ValidationError):
        NoSecrets.model_validate({"token": "x"})


@pytest.mark.parametrize(
    ("console", "event_id", "link"),
    [
        ("https://r.example", "evt_1", "https://r.example/events/evt_1"),
        ("https://r.example/console", "a/b c", "https://r.example/console/events/a%2Fb%20c"),
        ("", "evt_1", ""),
        ("https://r.example", "x" * 1000, ""),
    ],
)
def test_a_link_to_an_event_is_quoted_and_short_or_left_out(console: str, event_id: str, link: str) -> None:
    assert event_link(console, event_id) == link
