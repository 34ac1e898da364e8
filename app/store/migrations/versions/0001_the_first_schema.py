"""The first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "accounts",
        sa.Column(
            "webhook_pk", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("owed", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("webhook_pk", name=op.f("pk_accounts")),
    )
    op.create_table(
        "attempts",
        sa.Column("webhook_pk", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("event_seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("n", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.SmallInteger(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=True),
        sa.Column("exchange_id", sa.BigInteger(), nullable=True),
        sa.Column("error_class", sa.Text(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("cause", sa.SmallInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("webhook_pk", "event_seq", "n", name=op.f("pk_attempts")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_attempts_unknown",
        "attempts",
        ["webhook_pk", "error_class"],
        unique=False,
        sqlite_where=sa.text("outcome = 7"),
        postgresql_where=sa.text("outcome = 7"),
    )
    op.create_table(
        "batches",
        sa.Column("pk", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("webhook_pk", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("attempt_count", sa.SmallInteger(), nullable=False),
        sa.Column("lease_token", sa.BigInteger(), nullable=True),
        sa.Column("closed_at", sa.BigInteger(), nullable=False),
        sa.Column("close_reason", sa.Text(), nullable=False),
        sa.Column("event_count", sa.Integer(), nullable=False),
        sa.Column("byte_count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_batches")),
        sa.UniqueConstraint("id", name=op.f("uq_batches_id")),
    )
    op.create_index(
        "ix_batches_due",
        "batches",
        ["webhook_pk", "due_at"],
        unique=False,
        sqlite_where=sa.text("due_at IS NOT NULL"),
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )
    op.create_index(op.f("ix_batches_webhook_pk_pk"), "batches", ["webhook_pk", "pk"], unique=False)
    op.create_table(
        "batch_requests",
        sa.Column("exchange_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("batch_pk", sa.BigInteger(), nullable=False),
        sa.Column("event_count", sa.Integer(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=True),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("exchange_id", name=op.f("pk_batch_requests")),
    )
    op.create_index(
        op.f("ix_batch_requests_batch_pk_exchange_id"), "batch_requests", ["batch_pk", "exchange_id"], unique=False
    )
    op.create_table(
        "buffers",
        sa.Column("webhook_pk", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("counted_seq", sa.BigInteger(), nullable=False),
        sa.Column("events", sa.Integer(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("webhook_pk", name=op.f("pk_buffers")),
    )
    op.create_table(
        "contents",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_contents")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_contents_day"), "contents", ["day"], unique=False)
    op.create_table(
        "counters",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_counters")),
    )
    op.create_table(
        "deliveries",
        sa.Column("webhook_pk", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("event_seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("state", sa.SmallInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("attempt_count", sa.SmallInteger(), nullable=False),
        sa.Column("tries", sa.SmallInteger(), nullable=False),
        sa.Column("lease_token", sa.BigInteger(), nullable=True),
        sa.Column("batch_pk", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("losses", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("cause", sa.SmallInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("webhook_pk", "event_seq", name=op.f("pk_deliveries")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_deliveries_batch",
        "deliveries",
        ["batch_pk", "event_seq"],
        unique=False,
        sqlite_where=sa.text("batch_pk IS NOT NULL"),
        postgresql_where=sa.text("batch_pk IS NOT NULL"),
    )
    op.create_index(
        "ix_deliveries_due",
        "deliveries",
        ["webhook_pk", "due_at", "event_seq"],
        unique=False,
        sqlite_where=sa.text("due_at IS NOT NULL"),
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )
    op.create_index(
        "ix_deliveries_ended_badly",
        "deliveries",
        ["webhook_pk", "state", "event_seq"],
        unique=False,
        sqlite_where=sa.text("state > 2"),
        postgresql_where=sa.text("state > 2"),
    )
    op.create_table(
        "events",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("dedupe_key", sa.LargeBinary(), nullable=False),
        sa.Column("organization_id", sa.Text(), nullable=False),
        sa.Column("context_id", sa.Text(), nullable=True),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("actor_email", sa.Text(), nullable=True),
        sa.Column("sensitivity", sa.SmallInteger(), nullable=True),
        sa.Column("occurred_at", sa.BigInteger(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_events")),
        sa.UniqueConstraint("dedupe_key", name=op.f("uq_events_dedupe_key")),
    )
    op.create_index(op.f("ix_events_organization_id_id"), "events", ["organization_id", "id"], unique=False)
    op.create_index(
        op.f("ix_events_organization_id_seq"),
        "events",
        ["organization_id", "seq"],
        unique=False,
        sqlite_where=sa.text("sensitivity IS NOT NULL"),
        postgresql_where=sa.text("sensitivity IS NOT NULL"),
    )
    op.create_index(
        "ix_events_radius_records",
        "events",
        ["organization_id", "seq"],
        unique=False,
        sqlite_where=sa.text("sensitivity IS NULL"),
        postgresql_where=sa.text("sensitivity IS NULL"),
    )
    op.create_index(
        "ix_events_organization_id_received_at_seq",
        "events",
        ["organization_id", "received_at", "seq", "sensitivity"],
        unique=False,
        sqlite_where=sa.text("sensitivity IS NOT NULL"),
        postgresql_where=sa.text("sensitivity IS NOT NULL"),
    )
    op.create_table(
        "exchanges",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("webhook_pk", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("signature", sa.Text(), nullable=False),
        sa.Column("request_head", sa.LargeBinary(), nullable=True),
        sa.Column("request_body", sa.LargeBinary(), nullable=True),
        sa.Column("response_head", sa.LargeBinary(), nullable=True),
        sa.Column("response_body", sa.LargeBinary(), nullable=True),
        sa.Column("truncated", sa.Boolean(), nullable=False),
        sa.Column("peer", sa.Text(), nullable=False),
        sa.Column("dns_us", sa.Integer(), nullable=False),
        sa.Column("connect_us", sa.Integer(), nullable=False),
        sa.Column("tls_us", sa.Integer(), nullable=False),
        sa.Column("first_byte_us", sa.Integer(), nullable=False),
        sa.Column("total_us", sa.Integer(), nullable=False),
        sa.Column("tls_version", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exchanges")),
    )
    op.create_table(
        "leases",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_leases")),
    )
    op.create_table(
        "organizations",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("timezone", sa.Text(), server_default="UTC", nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organizations")),
    )
    _own_audit()
    op.create_table(
        "partitions",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("token", sa.BigInteger(), nullable=False),
        sa.Column("lease_until", sa.BigInteger(), nullable=False),
        sa.Column("seat", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_partitions")),
    )
    op.create_table(
        "replays",
        sa.Column("pk", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("webhook_pk", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("per_s", sa.Integer(), nullable=False),
        sa.Column("delivery_state", sa.SmallInteger(), nullable=True),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("event_type", sa.Text(), nullable=True),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("after_seq", sa.BigInteger(), nullable=False),
        sa.Column("last_seq", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("stepped_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_replays")),
        sa.UniqueConstraint("id", name=op.f("uq_replays_id")),
    )
    op.create_index(
        "ix_replays_running",
        "replays",
        ["webhook_pk"],
        unique=True,
        sqlite_where=sa.text("state = 'running'"),
        postgresql_where=sa.text("state = 'running'"),
    )
    op.create_index(op.f("ix_replays_webhook_pk_pk"), "replays", ["webhook_pk", "pk"], unique=False)
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("organization_id", sa.Text(), nullable=True),
        sa.Column("context_id", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.Column("last_used_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_api_keys_organization_id_organizations")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("digest", name=op.f("uq_api_keys_digest")),
    )
    op.create_index(op.f("ix_api_keys_organization_id_id"), "api_keys", ["organization_id", "id"], unique=False)
    _what_bounds_senders()
    op.create_table(
        "contexts",
        sa.Column("organization_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_contexts_organization_id_organizations")
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_contexts")),
    )
    op.create_table(
        "change_windows",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("organization_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("spec", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_change_windows_organization_id_organizations")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_change_windows")),
        sa.UniqueConstraint("organization_id", "name", name=op.f("uq_change_windows_organization_id_name")),
    )
    op.create_table(
        "seen_types",
        sa.Column("organization_id", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("first_seen", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "type", name=op.f("pk_seen_types")),
    )
    op.create_table(
        "sensitivity_rules",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("organization_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("pattern", sa.Text(), nullable=False),
        sa.Column("sensitivity", sa.SmallInteger(), nullable=True),
        sa.Column("tags", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_sensitivity_rules_organization_id_organizations")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sensitivity_rules")),
        sa.UniqueConstraint("organization_id", "name", name=op.f("uq_sensitivity_rules_organization_id_name")),
    )
    _people()
    _troubles_and_receipts()
    op.create_table(
        "source_counts",
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("source_id", "outcome", name=op.f("pk_source_counts")),
    )
    op.create_table(
        "sources",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("organization_id", sa.Text(), nullable=False),
        sa.Column("context_id", sa.Text(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("config", sa.Text(), nullable=False),
        sa.Column("secret_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("previous_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("previous_until", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_sources_organization_id_organizations")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sources")),
        sa.UniqueConstraint("organization_id", "name", name=op.f("uq_sources_organization_id_name")),
    )
    op.create_index(op.f("ix_sources_organization_id_id"), "sources", ["organization_id", "id"], unique=False)
    op.create_table(
        "webhook_traffic",
        sa.Column("webhook_pk", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("minute", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("delivered", sa.Integer(), nullable=False),
        sa.Column("retried", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("within_5_ms", sa.Integer(), nullable=False),
        sa.Column("within_10_ms", sa.Integer(), nullable=False),
        sa.Column("within_25_ms", sa.Integer(), nullable=False),
        sa.Column("within_50_ms", sa.Integer(), nullable=False),
        sa.Column("within_100_ms", sa.Integer(), nullable=False),
        sa.Column("within_250_ms", sa.Integer(), nullable=False),
        sa.Column("within_500_ms", sa.Integer(), nullable=False),
        sa.Column("within_1000_ms", sa.Integer(), nullable=False),
        sa.Column("within_2500_ms", sa.Integer(), nullable=False),
        sa.Column("within_5000_ms", sa.Integer(), nullable=False),
        sa.Column("within_10000_ms", sa.Integer(), nullable=False),
        sa.Column("longer", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("webhook_pk", "minute", name=op.f("pk_webhook_traffic")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "event_traffic",
        sa.Column("organization_id", sa.Text(), nullable=False),
        sa.Column("context_id", sa.Text(), nullable=False),
        sa.Column("minute", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("events", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "context_id", "minute", name=op.f("pk_event_traffic")),
        sqlite_with_rowid=False,
    )
    for traffic in ("webhook_traffic", "event_traffic"):
        op.create_index(
            f"ix_{traffic}_unfolded",
            traffic,
            ["minute"],
            unique=False,
            sqlite_where=sa.text("minute % 60 <> 0"),
            postgresql_where=sa.text("minute % 60 <> 0"),
        )
    op.create_table(
        "radius_counts",
        sa.Column("organization_id", sa.Text(), nullable=False),
        sa.Column("context_id", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("accepted", sa.BigInteger(), nullable=False),
        sa.Column("rejected", sa.BigInteger(), nullable=False),
        sa.Column("sessions", sa.BigInteger(), nullable=False),
        sa.Column("octets_in", sa.BigInteger(), nullable=False),
        sa.Column("octets_out", sa.BigInteger(), nullable=False),
        sa.Column("last_seen", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "context_id", "method", name=op.f("pk_radius_counts")),
    )
    op.create_table(
        "connected_devices",
        sa.Column("organization_id", sa.Text(), nullable=False),
        sa.Column("context_id", sa.Text(), nullable=False),
        sa.Column("group_id", sa.Text(), nullable=False),
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("user_name", sa.Text(), nullable=True),
        sa.Column("accepted", sa.BigInteger(), nullable=False),
        sa.Column("rejected", sa.BigInteger(), nullable=False),
        sa.Column("sessions", sa.BigInteger(), nullable=False),
        sa.Column("octets_in", sa.BigInteger(), nullable=False),
        sa.Column("octets_out", sa.BigInteger(), nullable=False),
        sa.Column("last_seen", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "organization_id", "context_id", "group_id", "device", name=op.f("pk_connected_devices")
        ),
    )
    op.create_table(
        "webhooks",
        sa.Column("pk", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("organization_id", sa.Text(), nullable=False),
        sa.Column("context_id", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("mode", sa.SmallInteger(), nullable=False),
        sa.Column("sink", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("state_reason", sa.Text(), nullable=True),
        sa.Column("state_since", sa.BigInteger(), nullable=True),
        sa.Column("endpoint_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("endpoint_shown", sa.Text(), nullable=True),
        sa.Column("headers_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("header_names", sa.Text(), server_default="[]", nullable=False),
        sa.Column("header_changes", sa.Text(), server_default="{}", nullable=False),
        sa.Column("event_types", sa.Text(), server_default='["*"]', nullable=False),
        sa.Column("muted_contexts", sa.Text(), server_default="[]", nullable=False),
        sa.Column("filter", sa.Text(), nullable=True),
        sa.Column("only_outside_change_windows", sa.Boolean(), server_default="0", nullable=False),
        sa.Column("config", sa.Text(), server_default="{}", nullable=False),
        sa.Column("secrets_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("secret_names", sa.Text(), server_default="[]", nullable=False),
        sa.Column("signing_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("signing_previous_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("signing_previous_until", sa.BigInteger(), nullable=True),
        sa.Column("batch_max_events", sa.Integer(), nullable=False),
        sa.Column("batch_max_bytes", sa.Integer(), nullable=False),
        sa.Column("batch_max_age_s", sa.Integer(), nullable=False),
        sa.Column("retry_schedule", sa.Text(), nullable=False),
        sa.Column("rate_per_s", sa.Integer(), nullable=True),
        sa.Column("pace_key", sa.LargeBinary(), nullable=True),
        sa.Column("concurrency", sa.Integer(), nullable=False),
        sa.Column("failing_head", sa.Text(), server_default="steps_aside", nullable=False),
        sa.Column("partition", sa.SmallInteger(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("deleted_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_webhooks_organization_id_organizations")
        ),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_webhooks")),
        sa.UniqueConstraint("id", name=op.f("uq_webhooks_id")),
    )
    op.create_index(op.f("ix_webhooks_organization_id_pk"), "webhooks", ["organization_id", "pk"], unique=False)
    op.create_index(
        "ix_webhooks_pace",
        "webhooks",
        ["pace_key"],
        unique=False,
        sqlite_where=sa.text("pace_key IS NOT NULL"),
        postgresql_where=sa.text("pace_key IS NOT NULL"),
    )
    op.create_index(op.f("ix_webhooks_partition"), "webhooks", ["partition"], unique=False)
    _first_rows()


def _people() -> None:
    op.create_table(
        "users",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("provider_subject", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("signed_in_at", sa.BigInteger(), nullable=True),
        sa.Column("disabled_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("email", name=op.f("uq_users_email")),
        sa.UniqueConstraint("provider_subject", name=op.f("uq_users_provider_subject")),
    )
    op.create_table(
        "members",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("organization_id", sa.Text(), nullable=True),
        sa.Column("context_id", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=True),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("joined_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["organization_id", "context_id"],
            ["contexts.organization_id", "contexts.id"],
            name=op.f("fk_members_organization_id_context_id_contexts"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_members_organization_id_organizations")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_members_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_members")),
    )
    op.create_index(op.f("ix_members_organization_id_id"), "members", ["organization_id", "id"], unique=False)
    op.create_index(op.f("ix_members_user_id"), "members", ["user_id"], unique=False)
    op.create_table(
        "sessions",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("user_agent", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_sessions_user_id_users")),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_sessions")),
        sa.UniqueConstraint("id", name=op.f("uq_sessions_id")),
    )
    op.create_index(op.f("ix_sessions_expires_at"), "sessions", ["expires_at"], unique=False)
    op.create_index(op.f("ix_sessions_user_id"), "sessions", ["user_id"], unique=False)
    op.create_table(
        "door_links",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_door_links")),
    )
    op.create_index(op.f("ix_door_links_purpose_subject"), "door_links", ["purpose", "subject"], unique=False)
    op.create_table(
        "login_attempts",
        sa.Column("subject", sa.LargeBinary(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("subject", name=op.f("pk_login_attempts")),
    )
    op.create_index(op.f("ix_login_attempts_since"), "login_attempts", ["since"], unique=False)


def _troubles_and_receipts() -> None:
    op.create_table(
        "webhook_health",
        sa.Column(
            "webhook_pk", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("misses", sa.Integer(), nullable=False),
        sa.Column("backoffs", sa.Integer(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("held_until", sa.BigInteger(), nullable=False),
        sa.Column("held_at", sa.BigInteger(), nullable=False),
        sa.Column("throttled", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("webhook_pk", name=op.f("pk_webhook_health")),
    )
    op.create_table(
        "plugin_faults",
        sa.Column("sink", sa.Text(), nullable=False),
        sa.Column("call", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("webhook_id", sa.Text(), nullable=False),
        sa.Column("first_at", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("sink", "call", "error", name=op.f("pk_plugin_faults")),
    )
    op.create_table(
        "receipts",
        sa.Column(
            "exchange_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("webhook_pk", sa.BigInteger(), nullable=False),
        sa.Column("first_seq", sa.BigInteger(), nullable=False),
        sa.Column("last_seq", sa.BigInteger(), nullable=False),
        sa.Column("batch_pk", sa.BigInteger(), nullable=True),
        sa.Column("place", sa.LargeBinary(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("receipt", sa.Text(), nullable=True),
        sa.Column("accepted_at", sa.BigInteger(), nullable=False),
        sa.Column("poll_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("trouble", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("exchange_id", name=op.f("pk_receipts")),
    )
    op.create_index(op.f("ix_receipts_webhook_pk_poll_at"), "receipts", ["webhook_pk", "poll_at"], unique=False)
    op.create_index(
        op.f("ix_receipts_webhook_pk_channel_receipt"),
        "receipts",
        ["webhook_pk", "channel", "receipt"],
        unique=False,
    )


def _what_bounds_senders() -> None:
    op.create_table(
        "key_terms",
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("organization_id", sa.Text(), nullable=True),
        sa.Column("rate_per_s", sa.Integer(), nullable=True),
        sa.Column("scheme", sa.Text(), nullable=True),
        sa.Column("header", sa.Text(), server_default="", nullable=False),
        sa.Column("secrets_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["key_id"], ["api_keys.id"], name=op.f("fk_key_terms_key_id_api_keys")),
        sa.PrimaryKeyConstraint("key_id", name=op.f("pk_key_terms")),
    )
    op.create_table(
        "rate_buckets",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("full_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_rate_buckets")),
    )
    op.create_table(
        "seen_messages",
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("mark", sa.LargeBinary(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("sender", "mark", name=op.f("pk_seen_messages")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_seen_messages_until"), "seen_messages", ["until"], unique=False)


def _own_audit() -> None:
    op.create_table(
        "audit_heads",
        sa.Column("organization_id", sa.Text(), nullable=False),
        sa.Column("head_sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_audit_heads_organization_id_organizations")
        ),
        sa.PrimaryKeyConstraint("organization_id", name=op.f("pk_audit_heads")),
    )
    op.create_table(
        "audit_records",
        sa.Column("organization_id", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_audit_records_organization_id_organizations")
        ),
        sa.PrimaryKeyConstraint("organization_id", "number", name=op.f("pk_audit_records")),
    )


def _first_rows() -> None:
    op.bulk_insert(
        sa.table("partitions", sa.column("id"), sa.column("token"), sa.column("lease_until")),
        [{"id": number, "token": 0, "lease_until": 0} for number in range(16)],
    )
    op.bulk_insert(
        sa.table("counters", sa.column("name"), sa.column("value")),
        [{"name": name, "value": 0} for name in ("routing_generation", "lease_token", "event_seq")],
    )
