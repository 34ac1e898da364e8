"""The schema. Times are integers, microseconds since 1970 UTC; states are the numbers of ``app.core.states``.

Hot rows are thin: a delivery is a few numbers. Exact bytes live in ``contents``, once per content and day.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
)

from app.core.states import AttemptOutcome, DeliveryState

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

BigKey = BigInteger().with_variant(Integer, "sqlite")
"""SQLite makes only a column spelt INTEGER its own row id."""

organizations = Table(
    "organizations",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("timezone", Text, nullable=False, server_default="UTC"),
    Column("created_at", BigInteger, nullable=False),
)

contexts = Table(
    "contexts",
    metadata,
    Column("organization_id", Text, ForeignKey("organizations.id"), primary_key=True),
    Column("id", Text, primary_key=True),
    Column("service", Text, nullable=False),
    Column("name", Text),
    Column("created_at", BigInteger, nullable=False),
)

events = Table(
    "events",
    metadata,
    Column("seq", BigKey, primary_key=True, autoincrement=False),
    Column("id", Text, nullable=False),
    Column("dedupe_key", LargeBinary, nullable=False, unique=True),
    Column("organization_id", Text, nullable=False),
    Column("context_id", Text),
    Column("type", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("actor_email", Text),
    Column("sensitivity", SmallInteger),
    Column("occurred_at", BigInteger, nullable=False),
    Column("received_at", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Index(None, "organization_id", "id"),
)
"""Accepted events; ``seq`` is the ledger order. ``sensitivity`` NULL = a RADIUS record, which is no change.

Every event is looked up by its id. Lists go by ``seq``, and those of some time by the time of receipt: changes are in
an index for each. RADIUS records are in one of their own, so that a list of the few never steps over the many.
"""

IS_CHANGE = events.c.sensitivity.is_not(None)
IS_RADIUS_RECORD = events.c.sensitivity.is_(None)
Index(None, events.c.organization_id, events.c.seq, sqlite_where=IS_CHANGE, postgresql_where=IS_CHANGE)
# The last column is there for SQLite, which looks at the row for it otherwise.
Index(
    "ix_events_organization_id_received_at_seq",
    events.c.organization_id,
    events.c.received_at,
    events.c.seq,
    events.c.sensitivity,
    sqlite_where=IS_CHANGE,
    postgresql_where=IS_CHANGE,
)
Index(
    "ix_events_radius_records",
    events.c.organization_id,
    events.c.seq,
    sqlite_where=IS_RADIUS_RECORD,
    postgresql_where=IS_RADIUS_RECORD,
)

webhooks = Table(
    "webhooks",
    metadata,
    Column("pk", BigKey, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("organization_id", Text, ForeignKey("organizations.id"), nullable=False),
    Column("context_id", Text),
    Column("name", Text, nullable=False),
    Column("mode", SmallInteger, nullable=False),
    Column("sink", Text),
    Column("state", Text, nullable=False),
    Column("state_reason", Text),
    Column("state_since", BigInteger),
    Column("endpoint_sealed", LargeBinary),
    Column("endpoint_shown", Text),
    Column("headers_sealed", LargeBinary),
    Column("header_names", Text, nullable=False, server_default="[]"),
    Column("header_changes", Text, nullable=False, server_default="{}"),
    Column("event_types", Text, nullable=False, server_default='["*"]'),
    Column("muted_contexts", Text, nullable=False, server_default="[]"),
    Column("filter", Text),
    Column("only_outside_change_windows", Boolean, nullable=False, server_default="0"),
    Column("config", Text, nullable=False, server_default="{}"),
    Column("secrets_sealed", LargeBinary),
    Column("secret_names", Text, nullable=False, server_default="[]"),
    Column("signing_sealed", LargeBinary, nullable=False),
    Column("signing_previous_sealed", LargeBinary),
    Column("signing_previous_until", BigInteger),
    Column("batch_max_events", Integer, nullable=False),
    Column("batch_max_bytes", Integer, nullable=False),
    Column("batch_max_age_s", Integer, nullable=False),
    Column("retry_schedule", Text, nullable=False),
    Column("rate_per_s", Integer),
    Column("pace_key", LargeBinary),
    Column("concurrency", Integer, nullable=False),
    Column("failing_head", Text, nullable=False, server_default="steps_aside"),
    Column("partition", SmallInteger, nullable=False),
    Column("version", Integer, nullable=False, server_default="1"),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("deleted_at", BigInteger),
    Index(None, "organization_id", "pk"),
    Index(None, "partition"),
)
"""Webhooks. JSON columns hold lists or objects; ``*_sealed`` columns hold vault envelopes."""

_SHARES_A_PACE = webhooks.c.pace_key.is_not(None)
Index("ix_webhooks_pace", webhooks.c.pace_key, sqlite_where=_SHARES_A_PACE, postgresql_where=_SHARES_A_PACE)

webhook_health = Table(
    "webhook_health",
    metadata,
    Column("webhook_pk", BigKey, primary_key=True, autoincrement=False),
    Column("failures", Integer, nullable=False),
    Column("misses", Integer, nullable=False),
    Column("backoffs", Integer, nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("held_until", BigInteger, nullable=False),
    Column("held_at", BigInteger, nullable=False),
    Column("throttled", Boolean, nullable=False),
    Column("reason", Text, nullable=False),
)
"""The receivers in trouble, see ``app.core.receiver_health``. A healthy webhook has no row."""

plugin_faults = Table(
    "plugin_faults",
    metadata,
    Column("sink", Text, primary_key=True),
    Column("call", Text, primary_key=True),
    Column("error", Text, primary_key=True),
    Column("times", Integer, nullable=False),
    Column("webhook_id", Text, nullable=False),
    Column("first_at", BigInteger, nullable=False),
    Column("last_at", BigInteger, nullable=False),
)
"""What plugins did wrong lately; ``webhook_id`` is the last one that met it."""

deliveries = Table(
    "deliveries",
    metadata,
    Column("webhook_pk", BigInteger, primary_key=True, autoincrement=False),
    Column("event_seq", BigInteger, primary_key=True, autoincrement=False),
    Column("state", SmallInteger, nullable=False),
    Column("due_at", BigInteger),
    Column("attempt_count", SmallInteger, nullable=False),
    Column("tries", SmallInteger, nullable=False),
    Column("lease_token", BigInteger),
    Column("batch_pk", BigInteger),
    Column("reason", Text),
    Column("losses", SmallInteger, nullable=False, server_default="0"),
    Column("cause", SmallInteger, nullable=False, server_default="0"),
    sqlite_with_rowid=False,
)
"""One event owed to one webhook.

``due_at`` is when somebody must act: the next attempt of a pending row, the end of the lease of a sending one.
``AT_ONCE`` stands for every first attempt, so that they keep the ledger's order and go before retries.
NULL means nobody must (finished, parked, or a member of a batch), and keeps the row out of the index.
``attempt_count`` numbers every attempt there ever was; ``tries`` is the place in the retry schedule; ``losses`` counts
the workers that died with it in their hands. ``cause`` is why the attempt on its way, or else the next one, is made.
"""

accounts = Table(
    "accounts",
    metadata,
    Column("webhook_pk", BigKey, primary_key=True, autoincrement=False),
    Column("owed", BigInteger, nullable=False),
)
"""How many deliveries each webhook was ever owed, raised in the transaction that writes them."""

Index(
    "ix_deliveries_due",
    deliveries.c.webhook_pk,
    deliveries.c.due_at,
    deliveries.c.event_seq,
    sqlite_where=deliveries.c.due_at.is_not(None),
    postgresql_where=deliveries.c.due_at.is_not(None),
)

# Those whose receipt is still asked about are in it too, so that they need no index of their own.
_ENDED_BADLY = deliveries.c.state > int(DeliveryState.DELIVERED)
Index(
    "ix_deliveries_ended_badly",
    deliveries.c.webhook_pk,
    deliveries.c.state,
    deliveries.c.event_seq,
    sqlite_where=_ENDED_BADLY,
    postgresql_where=_ENDED_BADLY,
)

batches = Table(
    "batches",
    metadata,
    Column("pk", BigKey, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("webhook_pk", BigInteger, nullable=False),
    Column("due_at", BigInteger),
    Column("attempt_count", SmallInteger, nullable=False),
    Column("lease_token", BigInteger),
    Column("closed_at", BigInteger, nullable=False),
    Column("close_reason", Text, nullable=False),
    Column("event_count", Integer, nullable=False),
    Column("byte_count", Integer, nullable=False),
    Index(None, "webhook_pk", "pk"),
)
"""A closed batch is the unit claimed in batch mode; its members have ``deliveries.batch_pk`` and no due time."""

buffers = Table(
    "buffers",
    metadata,
    Column("webhook_pk", BigInteger, primary_key=True, autoincrement=False),
    Column("counted_seq", BigInteger, nullable=False),
    Column("events", Integer, nullable=False),
    Column("bytes", BigInteger, nullable=False),
)
"""How much waits for the next batch of a webhook, counted up to event ``counted_seq``."""

batch_requests = Table(
    "batch_requests",
    metadata,
    Column("exchange_id", BigInteger, primary_key=True, autoincrement=False),
    Column("batch_pk", BigInteger, nullable=False),
    Column("event_count", Integer, nullable=False),
    Column("status", SmallInteger),
    Column("verdict", Text, nullable=False),
    Column("detail", Text),
    Index(None, "batch_pk", "exchange_id"),
)
"""The requests that a batch became, the ones that were too large included, and what was made of each answer."""

Index(
    "ix_batches_due",
    batches.c.webhook_pk,
    batches.c.due_at,
    sqlite_where=batches.c.due_at.is_not(None),
    postgresql_where=batches.c.due_at.is_not(None),
)
Index(
    "ix_deliveries_batch",
    deliveries.c.batch_pk,
    deliveries.c.event_seq,
    sqlite_where=deliveries.c.batch_pk.is_not(None),
    postgresql_where=deliveries.c.batch_pk.is_not(None),
)

attempts = Table(
    "attempts",
    metadata,
    Column("webhook_pk", BigInteger, primary_key=True, autoincrement=False),
    Column("event_seq", BigInteger, primary_key=True, autoincrement=False),
    Column("n", SmallInteger, primary_key=True, autoincrement=False),
    Column("started_at", BigInteger, nullable=False),
    Column("outcome", SmallInteger, nullable=False),
    Column("status", SmallInteger),
    Column("exchange_id", BigInteger),
    Column("error_class", Text),
    Column("detail", Text),
    Column("cause", SmallInteger, nullable=False, server_default="0"),
    sqlite_with_rowid=False,
)
"""One try of one delivery.

It changes only with the word of a receiver that confirms later, or for want of it. ``exchange_id`` is NULL when no
request was made or nothing is known of it.
"""

_UNKNOWN_END = attempts.c.outcome == int(AttemptOutcome.UNKNOWN)
Index(
    "ix_attempts_unknown",
    attempts.c.webhook_pk,
    attempts.c.error_class,
    sqlite_where=_UNKNOWN_END,
    postgresql_where=_UNKNOWN_END,
)

exchanges = Table(
    "exchanges",
    metadata,
    Column("id", BigKey, primary_key=True, autoincrement=False),
    Column("webhook_pk", BigInteger, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("message_id", Text, nullable=False),
    Column("signature", Text, nullable=False),
    Column("request_head", LargeBinary),
    Column("request_body", LargeBinary),
    Column("response_head", LargeBinary),
    Column("response_body", LargeBinary),
    Column("truncated", Boolean, nullable=False),
    Column("peer", Text, nullable=False),
    Column("dns_us", Integer, nullable=False),
    Column("connect_us", Integer, nullable=False),
    Column("tls_us", Integer, nullable=False),
    Column("first_byte_us", Integer, nullable=False),
    Column("total_us", Integer, nullable=False),
    Column("tls_version", Text),
)
"""One HTTP request. The byte columns are digests of ``contents``; ``request_body`` NULL = the event's own bytes."""

contents = Table(
    "contents",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("day", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Index(None, "day"),
    sqlite_with_rowid=False,
)
"""Exact bytes, once per content and UTC day (days since 1970), so that retention is one range delete."""

partitions = Table(
    "partitions",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("token", BigInteger, nullable=False),
    Column("lease_until", BigInteger, nullable=False),
    Column("seat", Text),
)
"""Who drains a partition: the fencing token of the holder (0 = nobody) until when, and the seat it works on."""

leases = Table(
    "leases",
    metadata,
    Column("name", Text, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("until", BigInteger, nullable=False),
)

counters = Table(
    "counters",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", BigInteger, nullable=False),
)
"""``routing_generation`` (bumped by every webhook change), ``lease_token``, ``event_seq``."""

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("prefix", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("role", Text, nullable=False),
    Column("organization_id", Text, ForeignKey("organizations.id")),
    Column("context_id", Text),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger),
    Column("revoked_at", BigInteger),
    Column("last_used_at", BigInteger),
    Index(None, "organization_id", "id"),
)
"""Keys are stored as SHA-256 of the text; organization NULL = the whole platform."""
