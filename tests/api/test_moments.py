"""Times that no clock shows: refused by name, in queries and in bodies."""

from __future__ import annotations

import pytest

from tests.api.conftest import Caller

ENDS = ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"]


@pytest.mark.parametrize("moment", ENDS)
@pytest.mark.parametrize("field", ["since", "until"])
def test_a_time_at_the_end_of_all_times_is_refused_by_its_field(platform: Caller, moment: str, field: str) -> None:
    body = {"type": "instant", "name": "Mine", "organization_id": "acme"}
    one = f"/v1/webhooks/{platform('POST', '/v1/webhooks', json=body).json['id']}"
    asked = [platform("GET", path, query_string={field: moment}) for path in ("/v1/events", f"{one}/deliveries")]
    bounds = {"since": "2026-01-01T00:00:00Z", field: moment}
    asked += [platform("POST", f"{one}/{what}", json=bounds) for what in ("redeliver", "backfill")]
    assert [answer.status_code for answer in asked] == [422] * 4
    assert all(field in answer.text for answer in asked)


def test_a_time_is_the_same_with_any_offset(platform: Caller) -> None:
    assert platform("GET", "/v1/events", query_string={"since": "2026-04-19T12:34:56.5+05:30"}).status_code == 200
