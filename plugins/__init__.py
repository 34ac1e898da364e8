"""Sinks that ship with Relaypoint; each registers through the public entry-point group like anybody's."""
