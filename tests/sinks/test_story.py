from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.sinks import Changed, Digest, Event, Story, tell
from app.sinks.samples import SAMPLE_TYPE, canonical, odd_events, sample_event
from app.sinks.story import MOST_CHANGES, NAME_ROOM, TITLE_ROOM, VALUE_ROOM
from tests.catalogue import event, events, planted_in


def changed(before: Any, after: Any, *, secret: bool = False, action: str = "update") -> Changed:
    change = {"field": "Setting", "path": "a.b", "before": before, "after": after, "secret": secret}
    return tell(sample_event(changes=[change], action=action)).changes[0]


def test_who_what_where_when_and_from_what_to_what() -> None:
    story = tell(sample_event("evt_1"))
    assert (story.title, story.thing) == (
        "Updated RADIUS Access Restrictions",
        "IP allowlist RADIUS Access Restrictions",
    )
    assert (story.who, story.where, story.organization) == ("admin@example.com", "HQ Dot1x", "Contoso")
    assert (story.when, story.epoch) == ("Sun 19 Apr 2026 02:34:56 UTC", 1776566096)
    assert (story.sensitivity, story.level, story.outside, story.address) == (5, "critical", True, "192.0.2.7")
    assert [change.text for change in story.changes] == ["203.0.113.0/28 → 0.0.0.0/0"]
    assert story.line == (
        "Updated RADIUS Access Restrictions: 203.0.113.0/28 → 0.0.0.0/0, by admin@example.com in HQ Dot1x"
    )


@pytest.mark.parametrize(
    ("action", "what", "who_and_where"),
    [
        (
            "attribute_profile.vlan.update",
            "Updated VLAN (attribute profile ap_kiosk): 610 → 10",
            "night.manager@example.com in HQ Dot1x",
        ),
        (
            "webhook.disable",
            "Updated Status (webhook wh_3): Enabled → Disabled",
            "night.manager@example.com in HQ Dot1x",
        ),
        (
            "system.entra_sync.group_missing",
            "Updated Entra group status (identity store grp_staff): resolved → missing",
            "the platform itself in eduroam Proxy",
        ),
        ("org.mfa.disable", "Updated Mandatory Email MFA: on → off", "owner@example.com in Contoso"),
        (
            "group.personal_peap.disable",
            "Updated Personal PEAP accounts (group grp_acme): on → off",
            "reception@example.com (group admin) in eduroam Proxy",
        ),
        (
            "radius.client_secret.view",
            "Viewed RADIUS client secret: secret value was viewed",
            "night.manager@example.com in Building IoT iPSK",
        ),
        (
            "group.delete",
            "Deleted Group (grp_acme): name: Acme Consulting, users: 14, devices: 31",
            "site.lead@example.com in Building IoT iPSK",
        ),
    ],
)
def test_a_line_says_which_thing_was_meant_and_who_did_it(action: str, what: str, who_and_where: str) -> None:
    assert tell(event(action)).line == f"{what}, by {who_and_where}"


@pytest.mark.parametrize(
    ("actor", "who"),
    [
        ({"type": "admin", "email": "a@b.example"}, "a@b.example"),
        ({"type": "api_token", "id": "tok_1"}, "tok_1 (API token)"),
        ({"type": "system", "id": "x"}, "the platform itself"),
        ({"type": "self_service_user"}, "an unknown self-service user"),
        ({}, "an unknown person"),
        (None, "an unknown person"),
        ("root", "an unknown person"),
    ],
)
def test_the_actor_is_named_or_said_to_be_unknown(actor: Any, who: str) -> None:
    assert tell(sample_event(actor=actor)).who == who


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [
        (False, True, "off → on"),
        (None, "http://crl.example.com/a.crl", "(empty) → http://crl.example.com/a.crl"),
        (["203.0.113.0/28"], [], "203.0.113.0/28 → (empty)"),
        (None, {"name": "Guests"}, "new: name: Guests"),
        ({"name": "Guests"}, None, "gone: name: Guests"),
        ("same", "same", "no visible difference: same"),
        (None, "", "no visible difference"),
        ([1, 2, 3, 4], [1, 2, 3, 4, 5], "4 entries became 5: added 5"),
        (list("abcde"), list("abxyz"), "5 entries became 5: added x, y, z; removed c, d, e"),
        (list("abcde"), list("edcba"), "5 entries became 5"),
    ],
)
def test_a_change_in_words(before: Any, after: Any, text: str) -> None:
    assert changed(before, after).text == text


@pytest.mark.parametrize(
    ("before", "after", "action", "text"),
    [
        ("***", "***", "update", "secret value was replaced"),
        (None, "***", "create", "secret value was set"),
        ("***", None, "delete", "secret value was removed"),
        ("***", "***", "view", "secret value was viewed"),
    ],
)
def test_a_secret_is_told_without_its_value(before: Any, after: Any, action: str, text: str) -> None:
    for secret in (True, before != after):
        if secret:
            assert changed(before, after, secret=True, action=action).text == text
    assert changed("***", "***").text == "secret value was replaced"


def test_no_event_of_the_catalogue_tells_a_secret_and_every_one_has_a_line() -> None:
    for name, told in events().items():
        story = tell(told)
        assert not planted_in(story.to_bytes()), name
        assert story.changes, name
        assert " by " in story.line, name


@pytest.mark.parametrize("kind", list(odd_events()))
def test_an_odd_event_is_told_too_and_survives_the_way_through_bytes(kind: str) -> None:
    story = tell(odd_events()[kind])
    assert Story.from_bytes(story.to_bytes()) == story
    assert story.title
    assert story.who
    assert story.where


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=2000),
    lambda inner: st.lists(inner, max_size=15) | st.dictionaries(st.text(max_size=20), inner, max_size=5),
    max_leaves=15,
)


@given(st.dictionaries(st.sampled_from(sorted(canonical("x"))), ANYTHING))
def test_whatever_an_event_holds_its_story_is_bounded_lines(fields: dict[str, Any]) -> None:
    story = tell(Event("evt_1", SAMPLE_TYPE, orjson.dumps(canonical("evt_1") | fields)))
    assert Story.from_bytes(story.to_bytes()) == story
    assert len(story.title) <= TITLE_ROOM
    assert len(story.who) <= 2 * NAME_ROOM
    assert len(story.changes) <= MOST_CHANGES
    texts = [story.title, story.who, story.where, story.thing, story.line, *story.tags]
    for change in story.changes:
        assert max(len(change.before), len(change.after)) <= 2 * VALUE_ROOM
        texts += [change.field, change.text]
    assert not [text for text in texts if "\n" in text or "\x00" in text]


@pytest.mark.parametrize(
    ("outside", "windows", "grade"),
    [
        (True, [], "outside the change window, "),
        (True, [{"name": "nights", "kind": "allow"}], "outside the change window, "),
        (
            True,
            [{"name": "year-end", "kind": "freeze"}, {"name": "nights", "kind": "allow"}],
            "outside the change window, frozen by year-end, ",
        ),
        (
            False,
            [{"name": "nights", "kind": "allow"}, {"name": "CHG1", "kind": "allow"}],
            "inside change window nights, CHG1, ",
        ),
        (False, None, "inside a change window, "),
        (False, ["nights", {"kind": "allow"}], "inside change window (empty), "),
        (None, [], ""),
    ],
)
def test_the_windows_that_decided_are_named(outside: Any, windows: Any, grade: str) -> None:
    story = tell(sample_event(outside_change_window=outside, change_windows=windows))
    assert story.grade == f"{grade}sensitivity 5 of 5 (critical)"


def test_a_line_counts_the_changes_it_does_not_tell() -> None:
    change = canonical("x")["changes"][0]
    assert tell(sample_event(changes=[change] * 12)).line.endswith(
        "→ 0.0.0.0/0 and 11 more, by admin@example.com in HQ Dot1x"
    )


def test_changes_beyond_the_tenth_are_counted() -> None:
    change = canonical("x")["changes"][0]
    for number, more in ((9, 0), (10, 0), (11, 1), (400, 390)):
        story = tell(sample_event(changes=[change] * number))
        assert (len(story.changes), story.more_changes) == (min(number, 10), more)


@pytest.mark.parametrize("value", [0, 6, True, None, "5", 4.0])
def test_a_sensitivity_that_is_none_counts_as_medium(value: Any) -> None:
    assert tell(sample_event(sensitivity=value)).level == "medium"


def stories(*levels: int) -> list[Story]:
    return [tell(sample_event(f"evt_{n}", sensitivity=level)) for n, level in enumerate(levels)]


def test_a_digest_counts_and_puts_the_worst_first() -> None:
    digest = Digest.of(stories(1, 5, 3, 4, 4, 2))
    assert digest.headline == "6 changes, 3 sensitive, 6 outside the change window"
    assert [story.sensitivity for story in digest.stories] == [5, 4, 4, 3, 2, 1]
    assert digest.rest(4) == "and 2 more: 1 low, 1 cosmetic"
    assert digest.rest(6) == ""
    assert Digest.of(stories(4), sensitive_from=5).headline == "1 change, 1 outside the change window"


def test_of_two_equally_sensitive_the_one_outside_a_window_comes_first() -> None:
    inside = tell(sample_event("evt_in", outside_change_window=False, occurred_at="2026-01-01T00:00:00Z"))
    outside = tell(sample_event("evt_out", occurred_at="2026-02-01T00:00:00Z"))
    assert Digest.of([inside, outside]).stories == (outside, inside)


def test_a_digest_names_the_busiest_people_and_places() -> None:
    told = [tell(one) for one in events().values()]
    digest = Digest.of(told)
    assert (
        digest.people == "network.manager@example.com (30), owner@example.com (16), member@example.com (11) and 5 more"
    )
    assert digest.places == "Building IoT iPSK (19), HQ Dot1x (19), Factory Dot1x (EAP-TLS) (18) and 2 more"
    assert digest.organization == "Contoso"
    assert digest.span == (1776566096, 1776574244)
    assert digest.people.count("@") == 3
