"""Doors: the ``relaypoint`` command."""
