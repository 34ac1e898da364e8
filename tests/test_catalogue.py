import orjson

from tests.catalogue import PLANTED, events, payload, planted_in


def test_there_is_an_event_for_each_of_the_85_actions_and_no_two_are_alike() -> None:
    found = events()
    assert len(found) == len({event.id for event in found.values()}) == 85
    assert all(event.data["changes"] and event.data["description"] for event in found.values())


def test_the_source_tells_secrets_and_no_event_holds_one() -> None:
    telling = [name for name in events() if planted_in(orjson.dumps(payload(name)))]
    assert len(telling) == 10
    assert {secret for name in telling for secret in planted_in(orjson.dumps(payload(name)))} == set(PLANTED.values())
    assert [name for name, event in events().items() if planted_in(event.json)] == []
    for name in telling:
        assert any(change["secret"] for change in events()[name].data["changes"])


def test_every_event_is_told_with_its_place_in_the_catalogue() -> None:
    data = [event.data for event in events().values()]
    assert {event["sensitivity"] for event in data} == {1, 2, 3, 4, 5}
    assert {event["outside_change_window"] for event in data} == {True, False}
    assert {event["source"]["format"] for event in data} == {"flat", "nested"}
    assert sum(event["context"] is None for event in data) == 13
