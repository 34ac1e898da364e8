from __future__ import annotations

import base64

from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from app.sinks import basic, bearer


def test_a_bearer_token_is_sent_as_it_is() -> None:
    assert bearer(SecretStr("t0ken")) == ("authorization", "Bearer t0ken")


TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@given(TEXT.filter(lambda text: ":" not in text), TEXT)
def test_a_receiver_reads_user_and_password_back_whatever_they_hold(user: str, password: str) -> None:
    name, value = basic(user, SecretStr(password))
    scheme, _, encoded = value.partition(" ")
    assert (name, scheme) == ("authorization", "Basic")
    assert base64.b64decode(encoded).decode().split(":", 1) == [user, password]
    assert value.isascii()
