"""Doors: the HTTP API. Views parse, call one use case, render."""
