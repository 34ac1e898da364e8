"""Relaypoint: receives configuration-audit events and provably delivers them.

This file stays empty of imports on purpose: a plugin that imports ``app.sinks`` must not load Flask or a database.
"""
