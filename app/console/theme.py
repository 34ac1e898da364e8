"""How the console looks to one browser: its own choice, kept in a cookie that says nothing else."""

from __future__ import annotations

import re
from http import HTTPStatus

from flask import Request, Response, request

COOKIE = "relaypoint_theme"
THEMES = {"system": "System", "light": "Light", "dark": "Dark", "contrast": "High contrast"}
"""By the value of the cookie; ``system`` follows the browser."""
_YEAR_S = 365 * 86_400
_OWN_PATH = re.compile(r"/([A-Za-z0-9._~:@%-][A-Za-z0-9._~:@%/-]*)?(\?[A-Za-z0-9._~:@%/&=+-]*)?")


def theme_of(asked: Request) -> str:
    """The chosen theme; one that does not exist counts as ``system``."""
    chosen = asked.cookies.get(COOKIE, "")
    return chosen if chosen in THEMES else "system"


def choose_theme(*, is_secure: bool) -> Response:
    """Keep the choice of a form, and go back to where it was sent from; ``is_secure`` = people come over https."""
    chosen, back = request.form.get("theme", ""), request.form.get("back", "/")
    target = back if _OWN_PATH.fullmatch(back) else "/"
    answer = Response(status=HTTPStatus.SEE_OTHER, headers={"location": target})
    answer.set_cookie(
        COOKIE,
        chosen if chosen in THEMES else "system",
        max_age=_YEAR_S,
        httponly=True,
        samesite="Lax",
        secure=is_secure,
    )
    return answer
