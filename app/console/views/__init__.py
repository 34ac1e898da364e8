"""The pages, by subject."""

from __future__ import annotations

from app.console.pages import PageTable
from app.console.views.audit_log import audit_log_pages
from app.console.views.start import start_pages
from app.console.views.webhook_list import webhook_list_pages
from app.services import Services


def page_tables(services: Services) -> list[PageTable]:
    """Every page of the console."""
    return [
        start_pages(services),
        audit_log_pages(services),
        webhook_list_pages(services),
    ]
