"""Alembic's entry: runs on the connection that ``app.store.migrate`` hands over, inside its transaction."""

from alembic import context

from app.store import (
    tables_audit,
    tables_limits,
    tables_people,
    tables_policies,
    tables_radius,
    tables_receipts,
    tables_replays,
    tables_sources,
    tables_traffic,
)
from app.store.tables import metadata

# Their tables join the metadata when they are imported.
PARTS = (
    tables_audit,
    tables_limits,
    tables_people,
    tables_policies,
    tables_radius,
    tables_receipts,
    tables_replays,
    tables_sources,
    tables_traffic,
)

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transaction_per_migration=False,
)
context.run_migrations()
