import time
from collections import Counter
from datetime import date, datetime, timedelta, timezone
from itertools import islice
from typing import Any

import orjson
import pytest

from app.demo import DEFAULT_UNTIL, DEMO_CONTEXTS, DEMO_ORGANIZATION, Shape, generate
from app.demo.catalogue import actions
from app.demo.scenarios import SCENARIOS

Event = dict[str, Any]


@pytest.fixture(scope="module")
def many() -> list[Event]:
    return list(generate(7, 5000))


def change_of(event: Event) -> Event:
    return (event.get("changes") or event["change"]["fields"])[0]


def place_of(event: Event) -> str:
    context = event["contextId"] if "changes" in event else event["scope"].get("contextId")
    return context or "organization"


def local_time_of(event: Event) -> datetime:
    moment = datetime.fromisoformat(event.get("timestamp") or event["eventTime"])
    summer = moment.date() < date(2026, 10, 25)
    return moment.astimezone(timezone(timedelta(hours=2 if summer else 1)))


def test_the_same_arguments_give_the_same_events_and_another_seed_others() -> None:
    first, again, other = (orjson.dumps(list(generate(seed, 300))) for seed in (1, 1, 2))
    assert first == again
    assert first != other


@pytest.mark.parametrize("seed", range(6))
def test_a_thousand_events_hold_every_action_and_every_scenario(seed: int) -> None:
    events = list(generate(seed, 1000))
    assert len(events) == 1000
    told = {event["metadata"]["demoAction"] for event in events}
    assert set(actions()) <= told
    assert len(actions()) == 85
    assert {event["metadata"].get("demoScenario") for event in events} - {None} == {s.name for s in SCENARIOS}


def test_every_before_is_the_last_after_of_the_same_setting(many: list[Event]) -> None:
    known: dict[tuple[str, str], Any] = {}
    seen = 0
    for event in many:
        change = change_of(event)
        if event.get("action") in {"VIEW", "EXECUTE"} or event.get("change", {}).get("action") in {"VIEW", "EXECUTE"}:
            continue
        where = (place_of(event), change["path"])
        if where in known:
            seen += 1
            assert change["before"] == known[where], where
        known[where] = change["after"]
    assert seen > 1000


def test_every_change_changes_something_and_secrets_are_masked_on_both_sides(many: list[Event]) -> None:
    secret_labels = {action.label for action in actions().values() if action.secret and action.before == "***"}
    for event in many:
        change = change_of(event)
        masked = change.get("field", change.get("name")) in secret_labels
        assert (change["before"] == change["after"]) is masked, event
        assert masked is (change["before"] == "***")


def test_events_come_in_the_order_of_time_and_before_the_end(many: list[Event]) -> None:
    times = [local_time_of(event).replace(microsecond=0) for event in many]
    assert times == sorted(times)
    assert times[-1].timestamp() < DEFAULT_UNTIL / 1e6


def test_most_events_happen_in_office_hours_and_a_tenth_in_the_windows(many: list[Event]) -> None:
    moments = [local_time_of(event) for event in many]
    office = sum(1 for at in moments if at.weekday() < 5 and 8 <= at.hour < 17) / len(moments)
    window = sum(1 for at in moments if at.weekday() in {1, 3} and 1 <= at.hour < 4) / len(moments)
    assert 0.8 < office < 0.9
    assert 0.07 < window < 0.14


def test_the_platform_itself_makes_an_eighth_of_the_changes(many: list[Event]) -> None:
    by_platform = [
        event for event in many if event.get("userEmail") == "system" or event.get("actor", {}).get("type") == "SYSTEM"
    ]
    assert 0.1 < len(by_platform) / len(many) < 0.14


def test_sensitivities_have_their_weights(many: list[Event]) -> None:
    levels = Counter(
        actions()[name.removesuffix(".revert")].sensitivity
        for event in many
        for name in [event["metadata"]["demoAction"]]
        if "demoScenario" not in event["metadata"]
    )
    shares = [levels[level] / levels.total() for level in range(1, 6)]
    assert shares == pytest.approx([0.20, 0.45, 0.20, 0.11, 0.04], abs=0.03)


def test_people_are_of_example_com_only(many: list[Event]) -> None:
    for event in many:
        email = event.get("userEmail") or event.get("actor", {}).get("email") or "system"
        assert email == "system" or email.endswith("@example.com")
    assert b"contoso.com" not in orjson.dumps(many)


def test_no_two_events_are_alike_in_either_shape() -> None:
    nested = [orjson.dumps(event) for event in generate(3, 3000, Shape.NESTED)]
    assert len(set(nested)) == 3000
    assert len({event["id"] for event in generate(3, 3000, Shape.FLAT)}) == 3000


def test_the_shapes_are_the_vendors() -> None:
    flat = next(event for event in generate(1, 50, "flat") if event["contextId"])
    nested = next(event for event in generate(1, 50, "nested") if "contextId" in event["scope"])
    assert flat["eventId"] == nested["eventId"] == "entrypoint.configuration.audit"
    assert flat["organizationId"] == nested["scope"]["organizationId"] == DEMO_ORGANIZATION
    assert flat["contextId"] in DEMO_CONTEXTS
    assert flat["timestamp"].endswith("Z")
    assert len(flat["timestamp"]) == 20
    assert len(nested["eventTime"]) == 24
    assert "id" not in nested
    kinds = {"changes" in event for event in generate(1, 50, "mixed")}
    assert kinds == {True, False}


def test_changes_of_the_organization_have_their_own_type_and_no_context(many: list[Event]) -> None:
    for event in many:
        of_organization = place_of(event) == "organization"
        assert event["eventId"].startswith("organization." if of_organization else "entrypoint.")


def test_the_allow_list_opening_happens_on_a_sunday_night_and_is_reverted_after_six_minutes() -> None:
    steps = [e for e in generate(1, 1000) if e["metadata"].get("demoScenario") == "allow_list_opening"]
    opened, closed = steps[:2]
    assert change_of(opened)["after"] == ["0.0.0.0/0"]
    assert change_of(closed)["after"] == change_of(opened)["before"]
    at = local_time_of(opened)
    assert (at.weekday(), at.hour, at.minute) == (6, 23, 41)
    assert (local_time_of(closed) - at).total_seconds() == pytest.approx(360, abs=1)


def test_a_deleted_group_is_followed_by_the_platforms_clean_up_of_the_same_group() -> None:
    deleted, cleaned = [e for e in generate(1, 1000) if e["metadata"].get("demoScenario") == "group_delete"][:2]
    assert change_of(cleaned)["path"] == change_of(deleted)["path"] + ".users"


def test_a_rename_gives_later_events_of_that_context_the_new_name(many: list[Event]) -> None:
    names = dict(DEMO_CONTEXTS)
    for event in many:
        if event["metadata"]["demoAction"].startswith("context.rename"):
            names[place_of(event)] = change_of(event)["after"]
        elif place_of(event) in names:
            told = event["contextName"] if "changes" in event else event["scope"]["contextName"]
            assert told == names[place_of(event)]


def test_another_organization_and_end_are_honoured() -> None:
    events = list(generate(1, 100, "flat", organization_id="42", until=DEFAULT_UNTIL - 86_400_000_000))
    assert {event["organizationId"] for event in events} == {"42"}
    assert max(event["timestamp"] for event in events) < "2026-11-22"


@pytest.mark.parametrize("count", [0, 1, 5, 99, 100, 250])
def test_small_counts_are_exact(count: int) -> None:
    assert len(list(generate(1, count))) == count


def test_twenty_thousand_events_take_seconds_not_minutes() -> None:
    begun = time.process_time()
    assert sum(1 for _ in islice(generate(1, 20_000), 20_000)) == 20_000
    assert time.process_time() - begun < 8
