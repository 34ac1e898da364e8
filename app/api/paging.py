"""Cursors: where the next page begins, opaque to the client."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from app.core.errors import InvalidInputError
from app.core.whole_numbers import whole_number

DEFAULT_LIMIT = 50
MAX_LIMIT = 200


class PageQuery(BaseModel):
    """Which page, and how long. Lists with filters derive from this."""

    model_config = ConfigDict(extra="forbid")
    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT
    cursor: Annotated[str, Field(max_length=400)] | None = None

    @property
    def text_after(self) -> str:
        """Where a list ordered by a text goes on; "" = its beginning."""
        return _decode(self.cursor) if self.cursor else ""

    @property
    def number_after(self) -> int | None:
        """Where a list ordered by a number goes on; None = its beginning."""
        if not self.cursor:
            return None
        number = whole_number(_decode(self.cursor))
        if number is None:
            raise _wrong()
        return number


def page(items: list[dict[str, Any]], following: str | int | None) -> dict[str, Any]:
    """``{"items": […], "next": cursor or null}``."""
    return {"items": items, "next": None if following is None else _encode(str(following))}


def _encode(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _decode(cursor: str) -> str:
    try:
        return base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        raise _wrong() from None


def _wrong() -> InvalidInputError:
    return InvalidInputError("take the cursor from the `next` of an earlier answer", field="cursor")
