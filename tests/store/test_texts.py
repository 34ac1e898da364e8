"""A text that a database cannot keep is the caller's mistake, not a fault of ours."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from app.core.errors import InvalidInputError
from app.store import open_store
from app.store.tables import organizations
from tests.databases import Postgres


@pytest.mark.postgres
def test_a_text_with_nul_is_refused_as_input(postgres: Postgres) -> None:
    with postgres.fresh() as url:
        store = open_store(url)
        looked_for = select(organizations).where(organizations.c.id == "a\0b")
        with pytest.raises(InvalidInputError, match="NUL"), store.read() as connection:
            connection.execute(looked_for)
        with store.read() as connection:
            assert connection.execute(select(organizations)).all() == []
        store.close()
