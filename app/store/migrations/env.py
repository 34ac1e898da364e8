"""Alembic's entry: runs on the connection that ``app.store.migrate`` hands over, inside its transaction."""

from alembic import context

from app.store.whole_schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transaction_per_migration=False,
)
context.run_migrations()
