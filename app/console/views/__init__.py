"""The pages, by subject."""

from __future__ import annotations

from app.console.pages import PageTable
from app.console.views.audit_log import audit_log_pages
from app.console.views.batches import batch_pages
from app.console.views.change_windows import change_window_pages
from app.console.views.connect import connect_pages
from app.console.views.contexts import context_pages
from app.console.views.deliveries import delivery_list_pages
from app.console.views.delivery import delivery_pages
from app.console.views.event_link import event_link_pages
from app.console.views.event_types import event_type_pages
from app.console.views.health import health_pages
from app.console.views.key import one_key_pages
from app.console.views.keys import key_pages
from app.console.views.live import live_pages
from app.console.views.members import member_pages
from app.console.views.operator import operator_pages
from app.console.views.overview import overview_pages
from app.console.views.queues import queue_pages
from app.console.views.replays import replay_pages
from app.console.views.sensitivity_rules import sensitivity_rule_pages
from app.console.views.settings import settings_pages
from app.console.views.source import one_source_pages
from app.console.views.sources import source_pages
from app.console.views.start import start_pages
from app.console.views.webhook import secret_pages, webhook_action_pages, webhook_pages, webhook_trial_pages
from app.console.views.webhook_history import webhook_history_pages
from app.console.views.webhook_list import webhook_list_pages
from app.console.views.window_export import window_export_pages
from app.console.views.window_import import window_import_pages
from app.services import Services


def page_tables(services: Services) -> list[PageTable]:
    """Every page of the console."""
    return [
        start_pages(services),
        event_link_pages(services),
        live_pages(services),
        overview_pages(services),
        context_pages(services),
        connect_pages(services),
        audit_log_pages(services),
        window_import_pages(services),
        window_export_pages(services),
        change_window_pages(services),
        sensitivity_rule_pages(services),
        event_type_pages(services),
        member_pages(services),
        key_pages(services),
        one_key_pages(services),
        source_pages(services),
        one_source_pages(services),
        health_pages(services),
        queue_pages(services),
        settings_pages(services),
        operator_pages(services),
        webhook_list_pages(services),
        webhook_pages(services),
        webhook_trial_pages(services),
        secret_pages(services),
        webhook_action_pages(services),
        webhook_history_pages(services),
        delivery_list_pages(services),
        delivery_pages(services),
        replay_pages(services),
        batch_pages(services),
    ]
