"""Gauges and house-keeping: logs, health, the supervisor."""
