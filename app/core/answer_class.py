"""Classes of what an attempt got, as histories and redeliveries are narrowed to them."""

from __future__ import annotations

from enum import StrEnum


class AnswerClass(StrEnum):
    """What the last attempt got: a class of HTTP statuses, or no answer."""

    GOOD = "2xx"
    REDIRECT = "3xx"
    REFUSED = "4xx"
    BROKEN = "5xx"
    NONE = "none"

    @property
    def bounds(self) -> tuple[int, int]:
        """The lowest and the highest status; 0 stands for no answer."""
        if self is AnswerClass.NONE:
            return 0, 0
        lowest = int(self.value[0]) * 100
        return lowest, lowest + 99

    @property
    def leaves_out_delivered(self) -> bool:
        """Whether it means trouble only: what was delivered counts when its state is named, and not otherwise."""
        return self is not AnswerClass.GOOD
