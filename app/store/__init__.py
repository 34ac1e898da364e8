"""Memory: the schema, and the few queries that matter."""
