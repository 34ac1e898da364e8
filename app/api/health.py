"""``/healthz``, ``/readyz`` and ``/metrics``: for machines that watch this process. They tell nothing about tenants."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import orjson
from flask import Response
from redis.exceptions import RedisError
from sqlalchemy import func, select

from app.api.routing import JSON, PUBLIC, RouteTable
from app.core.errors import RelaypointError
from app.queue.connection import ring_redis
from app.services import Services
from app.store.due import due_partitions
from app.store.ledger import duplicate_causes
from app.store.schema_gaps import schema_gaps
from app.store.schema_revision import schema_status
from app.store.tables import counters, webhooks

_READY_KEY = "relaypoint:ready"
_METRICS = "text/plain; version=0.0.4; charset=utf-8"


def health_routes(services: Services) -> RouteTable:
    """Routes of health and metrics."""
    table = RouteTable()
    redis = ring_redis(services.settings.redis_url) if services.settings.redis_url else None

    @table.add("GET", "/healthz", access=PUBLIC, summary="Whether this process answers")
    def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @table.add(
        "GET",
        "/readyz",
        access=PUBLIC,
        summary="Whether this process can do its work",
        also=(HTTPStatus.SERVICE_UNAVAILABLE,),
    )
    def readyz() -> Response:
        database = _database(services)
        checks = {"database": database, "redis": _redis(), "plugins": _plugins()}
        ready = database == "ok"
        status = "ok" if all(text in {"ok", "not configured"} for text in checks.values()) else "degraded"
        body = orjson.dumps({"status": status if ready else "unavailable", "checks": checks})
        return Response(body, HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE, content_type=JSON)

    def _redis() -> str:
        if redis is None:
            return "not configured"
        try:
            redis.set(_READY_KEY, 1, px=1_000)  # a full Redis answers a ping, and takes no ring
        except (RedisError, OSError) as error:
            return f"does not answer ({type(error).__name__}): deliveries wait for the tick"
        return "ok"

    def _plugins() -> str:
        failed = len(services.sinks.failed_plugins)
        return f"{failed} failed to load" if failed else "ok"

    @table.add("GET", "/metrics", access=PUBLIC, summary="Counters in the Prometheus text format", produces=_METRICS)
    def metrics() -> Response:
        lines = services.counts.lines()
        try:
            lines += [f"{name} {value}" for name, value in _gauges(services).items()]
        except RelaypointError:
            lines.append("relaypoint_database_up 0")
        return Response("\n".join(lines) + "\n", content_type=_METRICS)

    return table


def _database(services: Services) -> str:
    try:
        revision, head = schema_status(services.store)
        if revision != head:
            return "the schema is not up to date; run: relaypoint db upgrade"
        return "the schema lacks a part; run: relaypoint doctor" if schema_gaps(services.store) else "ok"
    except RelaypointError as error:
        return str(error)


def _gauges(services: Services) -> dict[str, Any]:
    with services.store.read() as connection:
        seq = connection.execute(select(counters.c.value).where(counters.c.name == "event_seq")).scalar_one_or_none()
        active = select(func.count()).select_from(webhooks).where(webhooks.c.deleted_at.is_(None))
        return {
            "relaypoint_database_up": 1,
            "relaypoint_events_stored_total": seq or 0,
            "relaypoint_webhooks": connection.execute(active).scalar_one(),
            "relaypoint_due_partitions": len(due_partitions(connection, services.clock())),
            **{
                f'relaypoint_duplicates_possible_total{{cause="{cause}"}}': number
                for cause, number in sorted(duplicate_causes(connection).items())
            },
        }
