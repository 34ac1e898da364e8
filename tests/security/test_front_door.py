"""Signing in and out. What depends on the database is in ``test_front_door_databases``."""

from __future__ import annotations

import secrets
import statistics
import time
from collections.abc import Callable, Iterator

import pytest
from argon2 import Parameters, Type
from sqlalchemy import select, update

from app.core.clock import DAY, HOUR
from app.core.errors import InvalidInputError, NotFoundError
from app.security.front_door import Caller, FrontDoor, LinkGoneError, WrongCredentialsError
from app.security.links import Purpose
from app.security.login_throttle import PER_ACCOUNT, PER_ADDRESS, TooManyTriesError
from app.security.passwords import Passwords
from app.security.person import MemberRole, Membership, Person
from app.security.sessions import LONGEST
from app.security.users import create_user, find_user, set_disabled
from app.store import Store, open_store
from app.store.tables_people import door_links, sessions, users
from tests.conftest import MovableClock
from tests.people import EMAIL, PASSWORD, QUICK, SOMEWHERE, add_member, add_person, front_door


@pytest.fixture
def store(sqlite_url: str) -> Iterator[Store]:
    opened = open_store(sqlite_url)
    yield opened
    opened.close()


@pytest.fixture
def door(store: Store, clock: MovableClock) -> FrontDoor:
    return front_door(store, clock)


def test_a_person_signs_in_whatever_the_case_of_the_address(store: Store, door: FrontDoor) -> None:
    user = add_person(store)
    add_member(store, user, "owner")
    person = door.person(door.sign_in(" ADA@Example.com", PASSWORD, SOMEWHERE))
    assert person is not None
    assert (person.id, person.email) == (user, EMAIL)
    assert person.memberships == (Membership(MemberRole.OWNER, None, None),)


@pytest.mark.parametrize(
    ("email", "password"),
    [(EMAIL, PASSWORD + "x"), (EMAIL, ""), ("nobody@example.com", PASSWORD), ("no address", PASSWORD), ("", "")],
)
def test_whatever_is_wrong_the_refusal_is_the_same(store: Store, door: FrontDoor, email: str, password: str) -> None:
    add_person(store)
    with pytest.raises(WrongCredentialsError) as caught:
        door.sign_in(email, password, SOMEWHERE)
    assert str(caught.value) == "the e-mail address or the password is wrong"


def test_nobody_gets_in_without_a_password_or_while_disabled(
    store: Store, door: FrontDoor, clock: MovableClock
) -> None:
    add_person(store, "invited@example.com", None)
    with pytest.raises(WrongCredentialsError):
        door.sign_in("invited@example.com", "the password of nobody", SOMEWHERE)
    user = add_person(store)
    session = door.sign_in(EMAIL, PASSWORD, SOMEWHERE)
    with store.write() as connection:
        set_disabled(connection, user, clock())
    assert door.person(session) is None
    with pytest.raises(WrongCredentialsError):
        door.sign_in(EMAIL, PASSWORD, SOMEWHERE)


def test_a_session_of_somebody_who_is_disabled_counts_for_nothing_even_while_it_is_there(
    store: Store, door: FrontDoor
) -> None:
    add_person(store)
    session = door.sign_in(EMAIL, PASSWORD, SOMEWHERE)
    with store.write() as connection:
        connection.execute(update(users).values(disabled_at=1))
    assert door.person(session) is None


class _MeanwhileChanged(Passwords):
    """Somebody else changes the account between the check of a password and the session."""

    def __init__(self, change: Callable[[], None]) -> None:
        super().__init__(Parameters(Type.ID, 19, 16, 32, time_cost=2, memory_cost=8, parallelism=1))
        self._change = change

    def verify(self, stored: str | None, password: str) -> bool:
        fits = super().verify(stored, password)
        self._change()
        return fits


def _sign_in(people: FrontDoor, _user: str) -> None:
    people.sign_in(EMAIL, PASSWORD, SOMEWHERE)


def _change_password(people: FrontDoor, user: str) -> None:
    people.change_password(Person(user, EMAIL, "Ada", ()), PASSWORD, "a third password", SOMEWHERE)


@pytest.mark.parametrize("act", [_sign_in, _change_password])
@pytest.mark.parametrize("column", ["password_hash", "disabled_at"])
def test_a_password_that_is_changed_while_it_is_checked_opens_nothing_and_does_not_come_back(
    store: Store, clock: MovableClock, column: str, act: Callable[[FrontDoor, str], None]
) -> None:
    user = add_person(store)
    changed = {"password_hash": Passwords(QUICK).hash("another password"), "disabled_at": 1}[column]

    def change() -> None:
        with store.write() as connection:
            connection.execute(update(users).values({column: changed}))

    people = front_door(store, clock, _MeanwhileChanged(change))
    with pytest.raises(WrongCredentialsError):
        act(people, user)
    with store.read() as connection:
        assert connection.execute(select(users.c[column])).scalar_one() == changed
        assert connection.execute(select(sessions.c.digest)).all() == []


def test_an_unknown_account_takes_as_long_as_a_known_one(store: Store, clock: MovableClock) -> None:
    slow = Passwords(Parameters(Type.ID, 19, 16, 32, time_cost=2, memory_cost=4096, parallelism=1))
    with store.write() as connection:
        create_user(
            connection,
            email=EMAIL,
            name="Ada",
            password_hash=slow.hash(PASSWORD),
            now=1,
            random_bytes=secrets.token_bytes,
        )
    slow.verify(None, "once, so that what is compared with exists")

    def spent(stored: str | None) -> float:
        taken = []
        for _ in range(9):
            before = time.thread_time()
            slow.verify(stored, "wrong password")
            taken.append(time.thread_time() - before)
        return statistics.median(taken)

    with store.read() as connection:
        row = find_user(connection, EMAIL)
    assert row is not None
    assert 0.5 < spent(None) / spent(row["password_hash"]) < 2


def test_a_hash_with_old_parameters_is_made_anew_at_the_next_log_in(store: Store, clock: MovableClock) -> None:
    add_person(store)
    today = Parameters(type=Type.ID, version=19, salt_len=16, hash_len=32, time_cost=2, memory_cost=16, parallelism=1)
    front_door(store, clock, Passwords(today)).sign_in(EMAIL, PASSWORD, SOMEWHERE)
    with store.read() as connection:
        stored = connection.execute(select(users.c.password_hash)).scalar_one()
    assert "m=16,t=2" in stored
    assert front_door(store, clock).sign_in(EMAIL, PASSWORD, SOMEWHERE)


def test_neither_the_password_nor_the_token_is_in_the_tables(store: Store, door: FrontDoor) -> None:
    add_person(store)
    session = door.sign_in(EMAIL, PASSWORD, SOMEWHERE)
    with store.read() as connection:
        kept = [str(tuple(row)) for table in (users, sessions) for row in connection.execute(select(table))]
    assert all(PASSWORD not in one and session not in one for one in kept)


def test_a_session_ends_after_seven_days_however_much_it_is_used(
    store: Store, door: FrontDoor, clock: MovableClock
) -> None:
    add_person(store)
    session = door.sign_in(EMAIL, PASSWORD, SOMEWHERE)
    for _ in range(LONGEST // (6 * HOUR) - 1):
        clock.advance(6 * HOUR)
        assert door.person(session) is not None
    clock.advance(6 * HOUR)
    assert door.person(session) is None


def test_signing_in_gives_a_new_session_and_ends_the_one_before(store: Store, door: FrontDoor) -> None:
    add_person(store)
    first = door.sign_in(EMAIL, PASSWORD, SOMEWHERE)
    second = door.sign_in(EMAIL, PASSWORD, Caller("192.0.2.7", "Firefox", first))
    assert second != first
    assert door.person(first) is None
    assert door.person(second) is not None


def test_signing_out_ends_one_session_and_signing_out_everywhere_all_of_this_person(
    store: Store, door: FrontDoor
) -> None:
    add_person(store)
    add_person(store, "bob@example.com")
    mine = [door.sign_in(EMAIL, PASSWORD, SOMEWHERE) for _ in range(3)]
    other = door.sign_in("bob@example.com", PASSWORD, SOMEWHERE)
    door.sign_out(mine[0])
    assert [door.person(one) is not None for one in mine] == [False, True, True]
    person = door.person(mine[1])
    assert person is not None
    door.sign_out_everywhere(person)
    assert all(door.person(one) is None for one in mine)
    assert door.person(other) is not None


@pytest.mark.parametrize(
    "addresses", [["192.0.2.7"], ["2001:db8::1", "2001:db8::2"], ["192.0.2.7", "::ffff:192.0.2.7"]]
)
def test_guesses_from_one_address_end_for_a_while_whatever_the_account(
    store: Store, door: FrontDoor, addresses: list[str]
) -> None:
    add_person(store)
    for number in range(PER_ADDRESS):
        with pytest.raises(WrongCredentialsError):
            door.sign_in(f"user{number}@example.com", "wrong", Caller(addresses[number % len(addresses)], ""))
    with pytest.raises(TooManyTriesError):
        door.sign_in(EMAIL, PASSWORD, Caller(addresses[0], ""))
    assert door.sign_in(EMAIL, PASSWORD, Caller("198.51.100.1", ""))


def test_a_log_in_that_works_forgets_the_tries_on_the_account(store: Store, door: FrontDoor) -> None:
    add_person(store)
    for _ in range(3):
        for _ in range(PER_ACCOUNT - 1):
            with pytest.raises(WrongCredentialsError):
                door.sign_in(EMAIL, "wrong", SOMEWHERE)
        assert door.sign_in(EMAIL, PASSWORD, SOMEWHERE)


def test_a_new_installation_is_set_up_once_by_whoever_has_the_link(store: Store, door: FrontDoor) -> None:
    old, link = door.setup_link(), door.setup_link()
    assert old is not None
    assert link is not None
    given = {"email": "First@Example.com", "name": "First", "password": PASSWORD, "caller": SOMEWHERE}
    with pytest.raises(LinkGoneError):
        door.set_up(old, **given)  # type: ignore[arg-type]
    with pytest.raises(InvalidInputError):
        door.set_up(link, **{**given, "password": "short"})  # type: ignore[arg-type]
    person = door.person(door.set_up(link, **given))  # type: ignore[arg-type]
    assert person is not None
    assert person.memberships == (Membership(MemberRole.OWNER, None, None),)
    assert door.setup_link() is None
    with pytest.raises(LinkGoneError):
        door.set_up(link, **{**given, "email": "second@example.com"})  # type: ignore[arg-type]


def test_the_set_up_link_of_a_day_ago_is_gone(store: Store, door: FrontDoor, clock: MovableClock) -> None:
    link = door.setup_link()
    assert link is not None
    assert door.link_is_good(Purpose.SETUP, link)
    clock.advance(DAY)
    assert not door.link_is_good(Purpose.SETUP, link)


def test_a_new_password_by_link_ends_every_session_and_the_link(store: Store, door: FrontDoor) -> None:
    add_person(store)
    before = door.sign_in(EMAIL, PASSWORD, SOMEWHERE)
    link = door.password_link(EMAIL.upper())
    with pytest.raises(InvalidInputError, match="e-mail"):
        door.renew_password(link, f"{EMAIL} 12", SOMEWHERE)
    session = door.renew_password(link, "another good password", SOMEWHERE)
    assert door.person(before) is None
    assert door.person(session) is not None
    with pytest.raises(LinkGoneError):
        door.renew_password(link, "yet another password", SOMEWHERE)
    with pytest.raises(WrongCredentialsError):
        door.sign_in(EMAIL, PASSWORD, SOMEWHERE)
    with pytest.raises(NotFoundError):
        door.password_link("nobody@example.com")


def test_a_link_serves_its_own_purpose_only(store: Store, door: FrontDoor) -> None:
    setup = door.setup_link()
    assert setup is not None
    with pytest.raises(LinkGoneError):
        door.renew_password(setup, "another good password", SOMEWHERE)
    assert door.link_is_good(Purpose.SETUP, setup)
    with store.read() as connection:
        assert setup not in str(connection.execute(select(door_links)).all())


def test_a_session_of_somebody_who_lost_every_role_has_no_place(store: Store, door: FrontDoor) -> None:
    user = add_person(store)
    add_member(store, user, "owner")
    session = door.sign_in(EMAIL, PASSWORD, SOMEWHERE)
    with store.write() as connection:
        connection.execute(update(users).values(name="Ada L."))
        connection.exec_driver_sql("DELETE FROM members")
    person = door.person(session)
    assert person is not None
    assert person.name == "Ada L."
    assert person.principal_at(None) is None


def test_the_real_parameters_are_those_of_rfc_9106() -> None:
    stored = Passwords().hash("a")
    assert stored.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert Passwords().verify(stored, "a")
    assert Passwords(QUICK).outdated(stored)
