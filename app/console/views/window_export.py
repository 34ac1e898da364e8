"""Downloads of an organization's change windows: all that is stored of them, or a calendar to look at."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from app.console.pages import At, PageTable, Visit
from app.core.errors import NotFoundError
from app.routing.window_export import Format
from app.security.permissions import Permission
from app.services import Services

_FILES: dict[str, tuple[Format, str, str]] = {
    "alertmanager": ("alertmanager", "application/yaml", "yaml"),
    "icalendar": ("icalendar", "text/calendar; charset=utf-8", "ics"),
}
"""By what is asked for: the format, its media type (RFC 9512, RFC 5545) and the ending of a file."""


def window_export_pages(services: Services) -> PageTable:
    """The download, by its ``format``."""
    table = PageTable()

    @table.get("change-windows/export", needs=Permission.POLICIES_READ, at=At.ORGANIZATION)
    def export_windows(visit: Visit) -> Any:
        asked = request.args.get("format", "alertmanager")
        if asked not in _FILES:
            raise NotFoundError("change windows are exported as alertmanager or icalendar")
        wanted, kind, suffix = _FILES[asked]
        text = services.window_export.text(visit.scope, visit.here.organization_id, wanted)
        answer = Response(text, content_type=kind)
        answer.headers["content-disposition"] = f'attachment; filename="change-windows.{suffix}"'
        return answer

    return table
