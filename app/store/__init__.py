"""Memory: the schema, and the few queries that matter."""

from app.store.engine import Store, open_store
from app.store.migrate import migrate

__all__ = ["Store", "migrate", "open_store"]
