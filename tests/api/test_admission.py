from __future__ import annotations

import pytest

from app.api.admission import Admission
from app.core.errors import OverloadedError


def test_no_more_requests_than_there_are_places() -> None:
    admission = Admission(max_requests=2)
    with admission.place(), admission.place(), pytest.raises(OverloadedError):
        admission.place()
    with admission.place():
        pass


def test_no_more_bytes_than_there_is_room_for_and_they_are_given_back() -> None:
    admission = Admission(max_bytes=10)
    with admission.place() as first:
        first.hold(8)
        with admission.place() as second:
            with pytest.raises(OverloadedError):
                second.hold(3)
            second.hold(2)
        with admission.place() as third:
            third.hold(2)


def test_one_alone_is_admitted_whatever_its_size() -> None:
    admission = Admission(max_bytes=10)
    with admission.place() as only:
        only.hold(50)
        only.hold(50)
