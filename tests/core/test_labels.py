import pytest

from app.core.labels import base_sensitivity, tags_of


@pytest.mark.parametrize(
    ("label", "tags"),
    [
        ("RADIUS Access Restrictions", ("ip_allowlist",)),
        ("Client Secret", ("identity_store",)),
        ("RADIUS client secret", ("shared_secret",)),
        ("Default Role Mapping", ("admin_auth",)),
        ("Default role", ("policy",)),
        ("Central office", ()),
        ("Entra tenant", ("identity_store",)),
        ("CRL URL", ("trusted_ca",)),
        ("Webhook endpoint URL", ("webhooks",)),
        ("Name", ()),
    ],
)
def test_the_longest_fragment_at_a_word_start_wins(label: str, tags: tuple[str, ...]) -> None:
    assert tags_of([label], [], None) == tags


def test_tags_of_labels_paths_and_the_entity_are_united() -> None:
    assert tags_of(["VLAN", "Trusted CA"], ["webhooks[wh_3].url"], "api_token") == (
        "api_tokens",
        "policy",
        "trusted_ca",
        "webhooks",
    )


def test_sensitivity_is_the_highest_of_the_tags_and_3_without_any() -> None:
    assert base_sensitivity(("policy", "trusted_ca")) == 5
    assert base_sensitivity(()) == 3
    assert base_sensitivity(("license",)) == 1
