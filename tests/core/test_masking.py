import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.changes import make_change
from app.core.masking import MASK, is_mask_token, is_secret_name, last_segment, mask_text, mask_tree
from app.core.normalise import normalise

PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA7\nabc\n-----END RSA PRIVATE KEY-----"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
RANDOM = "q7Rz0KpW3mXv9LtB5nYc8HsD2fGj6QaE4uT1"
SECRETS = (PEM, JWT, RANDOM, "ghp_16C7e42F292c6912E7710c838347Ae178B4a")
CERTIFICATE = "-----BEGIN CERTIFICATE-----\n" + "MIIDdzCCAl+gAwIBAgIEAgAAuTANBgkqhkiG9w0BAQUFADBaMQswCQ\n" * 500

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.floats(allow_nan=False) | st.text(max_size=60),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
PIECES = (
    'eyJ abcde . = " \\ token psk password :// @ hooks.slack.com/ https A1b2C3d4 ghp_ & *** -----BEGIN bearer basic'
)
texts = st.lists(
    st.sampled_from([*PIECES.split(), *SECRETS, " ", ": ", "-----BEGIN PRIVATE KEY-----"]), max_size=14
).map("".join)


@pytest.mark.parametrize("name", ["ipsk", "VLAN", "RADIUS Access Restrictions", "iPSK group", "Name", "passive mode"])
def test_names_that_do_not(name: str) -> None:
    assert not is_secret_name(name)


@pytest.mark.parametrize(
    ("label", "path", "before", "after"),
    [
        ("Use invitation code", "ipsk.registration.invitation_code", True, False),
        ("Default role", "ipsk.default_role", "iot-restricted", "employee"),
        ("CoA listeners", "ipsk.coa.listeners", [], [{"host": "203.0.113.4", "port": 3799}]),
        ("Change of Authorization", "sessions[3c:22:fb].coa", None, {"type": "reauthenticate"}),
        ("Self-Service Portal token lifetime", "organization.selfservice.token_lifetime_minutes", 60, 43200),
        ("API token", "organization.api_tokens[tok_5]", {"name": "terraform"}, None),
        ("Trusted CA", "ca[0].fingerprint", None, "a1b2c3d4" * 8),
        ("Group", "group.entra_id", "4f1a0a57-7c1e-4a55-9d0b-6f2f6b1f9a01", None),
    ],
)
def test_settings_that_only_look_secret_stay_readable(label: str, path: str, before: object, after: object) -> None:
    change = make_change(label, path, before, after)
    assert (change["before"], change["after"], change["secret"]) == (before, after, False)


@pytest.mark.parametrize(
    ("label", "path", "before", "after"),
    [
        ("Client Secret", "identity_store.entra.client_secret", "hunter2", "hunter3"),
        ("Key", "groups[grp_iot].psk", "hunter2", "hunter3"),
        ("Anything", None, PEM, JWT),
        ("Anything", None, "***", "hunter2"),
        ("Anything", None, "hunter2", "hidden value *"),
        ("Anything", None, "[REDACTED]", "HIDDEN_DUE_TO_SECURITY_REASONS"),
        ("HTTP header Authorization", None, ["hunter2"], ["hunter3", "hunter2"]),
    ],
)
def test_a_secret_change_is_kept_with_both_sides_masked(label: str, path: str, before: object, after: object) -> None:
    change = make_change(label, path, before, after)
    assert change["secret"]
    assert "hunter" not in str(change)
    assert MASK in str(change["before"])
    assert MASK in str(change["after"])


def test_the_source_says_secret_and_the_whole_value_goes_whatever_its_type() -> None:
    change = make_change("X", None, {"user": "hunter2", "left": "***"}, 12345678, secret=True)
    assert (change["before"], change["after"], change["secret"]) == (MASK, MASK, True)


def test_a_first_secret_shows_that_nothing_was_there_before() -> None:
    change = make_change("PSK", None, "Empty", "hunter2")
    assert (change["before"], change["after"]) == (None, MASK)


def test_objects_are_judged_by_key_and_by_the_label_inside() -> None:
    tree = {
        "radius": [{"host": "h", "sharedSecret": "hunter2"}],
        "headers": [{"name": "Authorization", "value": "hunter2"}, {"name": "X-Env", "value": "prod"}],
        "password": {"value": "hunter2", "length": 7},
    }
    masked = mask_tree(tree)
    assert "hunter2" not in str(masked)
    assert masked["radius"][0]["host"] == "h"
    assert masked["headers"][1] == {"name": "X-Env", "value": "prod"}
    assert masked["password"]["length"] == 7


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("https://hooks.slack.com/services/T0/B0/xyz", "https://hooks.slack.com/***"),
        ("https://discord.com/api/webhooks/1/abc", "https://discord.com/api/webhooks/***"),
        ("https://user:hunter2@example.com/a", "https://***@example.com/a"),
        ("see Bearer abcdef123456", "see Bearer ***"),
        ("psk=xyz", "psk=***"),
        ('{"password": "hunter2"}', '{"password": "***"}'),
        (f"key {PEM} end", "key *** end"),
        ("cut -----BEGIN PRIVATE KEY-----\nMIIE", "cut ***"),
        ("Basic Configuration", "Basic Configuration"),
        ("GroupPolicyFactoryDot1xEapTlsMainBuilding26", "GroupPolicyFactoryDot1xEapTlsMainBuilding26"),
    ],
)
def test_credentials_inside_a_text(text: str, masked: str) -> None:
    assert mask_text(text) == masked


def test_a_certificate_chain_is_public_and_stays_whole() -> None:
    assert mask_tree(CERTIFICATE) == CERTIFICATE


def test_the_mask_never_tells_the_length() -> None:
    assert {make_change("PSK", None, "x" * size, None)["before"] for size in (1, 8, 63)} == {MASK}


def test_paths_are_judged_by_their_last_part() -> None:
    assert last_segment("groups[grp.acme].users[u_77].peap_password") == "peap_password"
    assert is_mask_token("********")
    assert not is_mask_token("**")


@given(texts)
def test_masking_a_text_twice_is_masking_it_once(text: str) -> None:
    once = mask_text(text)
    assert mask_text(once) == once


@given(json_values)
def test_masking_a_tree_twice_is_masking_it_once(value: object) -> None:
    once = mask_tree(value)
    assert mask_tree(once) == once


@given(secret=st.sampled_from(SECRETS), where=st.integers(0, 9), noise=json_values)
def test_no_secret_survives_anywhere_in_the_canonical_json(secret: str, where: int, noise: object) -> None:
    element: dict[str, object] = {"eventId": "a.b", "noise": noise}
    element |= (
        {"metadata": {"x": [[{"y": secret}]]}},
        {"changes": [{"field": "X", "before": {"a": [noise, secret]}, "after": noise}]},
        {"changes": [{"field": secret, "before": 1, "after": 2}]},
        {"description": f"Updated {secret} today"},
        {"contextId": "c", "contextName": secret},
        {"surprise": {"deep": {secret: secret}}},
        {"target": {"name": secret, "type": "x"}},
        {"userEmail": secret, "userName": secret, "action": secret},
        {"tags": [secret], "scope": {"type": secret}},
        {"before": {"a": secret}, "after": {"a": noise}},
    )[where]
    event = normalise(orjson.loads(orjson.dumps(element)), received_at=0, default_organization="1")
    text = event.to_json(received_at=0).decode()
    assert orjson.dumps(secret).decode().strip('"')[:24] not in text
