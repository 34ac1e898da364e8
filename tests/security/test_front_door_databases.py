"""What the door leaves to the database, on both: counts, expiry, and who is first."""

from __future__ import annotations

import threading

import pytest

from app.core.clock import MINUTE
from app.core.errors import ConflictError
from app.security.front_door import Caller, FrontDoor, LinkGoneError, WrongCredentialsError
from app.security.login_throttle import PER_ACCOUNT, WINDOW, TooManyTriesError
from app.security.sessions import IDLE, people_of
from app.security.tokens import token_digest
from app.store import Store
from tests.conftest import MovableClock
from tests.people import EMAIL, PASSWORD, SOMEWHERE, add_member, add_person, front_door


@pytest.fixture
def door(store: Store, clock: MovableClock) -> FrontDoor:
    return front_door(store, clock)


def test_guesses_at_one_account_end_for_a_while_wherever_they_come_from(
    store: Store, door: FrontDoor, clock: MovableClock
) -> None:
    add_person(store)
    for number in range(PER_ACCOUNT):
        with pytest.raises(WrongCredentialsError):
            door.sign_in(EMAIL, "wrong", Caller(f"192.0.2.{number}", ""))
    with pytest.raises(TooManyTriesError) as caught:
        door.sign_in(EMAIL, PASSWORD, Caller("198.51.100.1", ""))
    assert 0 < caught.value.retry_after_s <= WINDOW // 1_000_000
    clock.advance(WINDOW)
    assert door.sign_in(EMAIL, PASSWORD, SOMEWHERE)


def test_of_two_who_use_a_link_at_the_same_moment_one_gets_in(store: Store, door: FrontDoor) -> None:
    link = door.setup_link()
    assert link is not None
    together, ends = threading.Barrier(2), []

    def use(email: str) -> None:
        together.wait()
        try:
            door.set_up(link, email=email, name="N", password=PASSWORD, caller=SOMEWHERE)
        except LinkGoneError:
            ends.append("gone")
        else:
            ends.append("in")

    threads = [threading.Thread(target=use, args=(f"{name}@example.com",)) for name in "ab"]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(ends) == ["gone", "in"]


def test_a_session_ends_after_twelve_hours_without_use(store: Store, door: FrontDoor, clock: MovableClock) -> None:
    add_person(store)
    session = door.sign_in(EMAIL, PASSWORD, SOMEWHERE)
    for _ in range(3):
        clock.advance(IDLE - MINUTE)
        assert door.person(session) is not None
    clock.advance(IDLE + MINUTE)
    assert door.person(session) is None


def test_an_address_belongs_to_one_person(store: Store) -> None:
    add_person(store)
    with pytest.raises(ConflictError):
        add_person(store, "Ada@EXAMPLE.com")


def test_the_people_of_several_sessions_are_found_at_once_and_those_that_are_over_are_left_out(
    store: Store, door: FrontDoor, clock: MovableClock
) -> None:
    add_member(store, add_person(store), "owner")
    add_member(store, add_person(store, "eve@example.com"), "viewer")
    sessions = [door.sign_in(email, PASSWORD, SOMEWHERE) for email in (EMAIL, EMAIL, "eve@example.com")]
    door.sign_out(sessions[1])
    digests = [token_digest(session) for session in sessions]
    with store.read() as connection:
        found = people_of(connection, digests, clock())
        assert people_of(connection, digests, clock() + IDLE) == {}
        assert people_of(connection, [], clock()) == {}
    assert found == {digests[0]: door.person(sessions[0]), digests[2]: door.person(sessions[2])}
