"""Memory: the schema, and the few queries that matter."""

from app.store.engine import Store, open_store

__all__ = ["Store", "open_store"]
